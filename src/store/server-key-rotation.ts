/**
 * Rotates the server key: adds a generation to the key file, makes it current in the database, and retires old ones.
 * Each step can be repeated, so that a rotation that was killed is continued by running it again.
 */
import { randomBytes } from 'node:crypto';
import { KEY_BYTES, readGenerations, replaceKeyFile } from '../secrets/key-file.js';
import { type KeyRing, retired } from '../secrets/keys.js';
import { AdminError } from './administration.js';
import { run, type Steps } from './engine/step.js';
import { SERVER_KEY_LOCK, storedKeyCheck } from './server-key.js';
import { type HashKind, KEY_USES, type UsesByGeneration } from './server-key-uses.js';

export interface GenerationView {
  readonly generation: number;
  /** `current` makes new hashes, `prepared` will, `old` checks what it made, `retired` only checks journal seals. */
  readonly state: 'current' | 'prepared' | 'old' | 'retired';
}

/** What each generation is, by the key file and the database. */
export function viewGenerations({ generations, generation }: KeyRing): readonly GenerationView[] {
  return generations.map(({ no, master }) => {
    if (master === undefined) return { generation: no, state: 'retired' };
    if (no === generation) return { generation: no, state: 'current' };
    return { generation: no, state: no > generation ? 'prepared' : 'old' };
  });
}

/**
 * Adds a generation to the key file, unless one is prepared already. Other commands on the database wait. Returns its
 * number. @throws DatabaseFileError when the file cannot be written.
 */
export function* prepareGeneration(keys: KeyRing, keyPath: string): Steps<number> {
  yield SERVER_KEY_LOCK;
  keys.refresh();
  const newest = newestOf(keys);
  if (newest > keys.generation) return newest;
  replaceKeyFile(keyPath, [...readGenerations(keyPath), { no: newest + 1, master: randomBytes(KEY_BYTES) }]);
  keys.refresh();
  return newest + 1;
}

/** Makes the newest generation of the key file the one that makes new hashes. @throws AdminError when there is none. */
export function* activateGeneration(keys: KeyRing): Steps<number> {
  yield SERVER_KEY_LOCK;
  keys.refresh();
  const newest = newestOf(keys);
  keys.activate(newest);
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
 * @throws AdminError when it is current, unknown or retired already, or `ended` names rows that need it.
 */
export function* retireGeneration(
  keys: KeyRing,
  keyPath: string,
  generation: number,
  ended: readonly (readonly [HashKind, number])[],
): Steps<void> {
  yield SERVER_KEY_LOCK;
  const view = viewGenerations(keys).find((each) => each.generation === generation);
  if (view === undefined) throw new AdminError(`the server key has no generation ${generation}`);
  if (view.state !== 'old')
    throw new AdminError(`generation ${generation} is ${view.state}: only an old one is retired`);
  if (ended.length > 0) {
    const rows = ended.map(([name, count]) => `${count} ${name}`).join(', ');
    throw new AdminError(
      `generation ${generation} is still needed by ${rows}: wait until they are used or expire, or replace them; --forget ends them`,
    );
  }
  replaceKeyFile(
    keyPath,
    readGenerations(keyPath).map((each) => (each.no === generation ? retired(each) : each)),
  );
  keys.refresh();
}

function newestOf({ generations }: KeyRing): number {
  return generations.at(-1)?.no ?? 0;
}
