/** Rotates the server key of a CRM's database: the steps of secrets/generations.ts, under the lock of the key. */
import { activateNewest, addGeneration, retireInFile } from '../secrets/generations.js';
import type { KeyRing } from '../secrets/keys.js';
import { run, type Steps } from './engine/step.js';
import { SERVER_KEY_LOCK, storedKeyCheck } from './server-key.js';
import { type HashKind, KEY_USES, type UsesByGeneration } from './server-key-uses.js';

/**
 * Adds a generation to the key file, unless one is prepared already. Other commands on the database wait. Returns its
 * number. @throws DatabaseFileError when the file cannot be written.
 */
export function* prepareGeneration(keys: KeyRing, keyPath: string): Steps<number> {
  yield SERVER_KEY_LOCK;
  return addGeneration(keys, keyPath);
}

/** Makes the newest generation of the key file the one that makes new hashes. Returns its number. */
export function* activateGeneration(keys: KeyRing): Steps<number> {
  yield SERVER_KEY_LOCK;
  const newest = activateNewest(keys);
  const check = keys.mac('key-check');
  if ((yield* storedKeyCheck()) !== check) yield* run('UPDATE server_key SET key_check = ?', check);
  return newest;
}

/** The uses that the retirement of a generation ends. */
export function endedUses(uses: UsesByGeneration, generation: number): readonly (readonly [HashKind, number])[] {
  const counts = uses.get(generation);
  if (counts === undefined) return [];
  return KEY_USES.filter((name) => name !== 'journal_seals' && counts[name] > 0).map((name) => [name, counts[name]]);
}

/**
 * Leaves of a generation only what checks the journal's seals.
 * @throws GenerationError when it is current, unknown or retired already, or `ended` names rows that need it.
 */
export function* retireGeneration(
  keys: KeyRing,
  keyPath: string,
  generation: number,
  ended: readonly (readonly [HashKind, number])[],
): Steps<void> {
  yield SERVER_KEY_LOCK;
  retireInFile(keys, keyPath, generation, ended);
}
