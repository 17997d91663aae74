/**
 * The steps of a rotation of the server key that every kind of database shares. The caller holds the lock of the key in
 * its database meanwhile. Each step can be repeated: a rotation that was killed is continued by running it again.
 */
import { randomBytes } from 'node:crypto';
import { KEY_BYTES, readGenerations, replaceKeyFile } from './key-file.js';
import { type KeyRing, retired } from './keys.js';

/** A generation cannot be activated or retired. The message says why. */
export class GenerationError extends Error {}

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
 * Adds a generation to the key file, unless one is prepared already. Returns its number.
 * @throws DatabaseFileError when the file cannot be written.
 */
export function addGeneration(keys: KeyRing, keyPath: string): number {
  keys.refresh();
  const newest = newestOf(keys);
  if (newest > keys.generation) return newest;
  replaceKeyFile(keyPath, [...readGenerations(keyPath), { no: newest + 1, master: randomBytes(KEY_BYTES) }]);
  keys.refresh();
  return newest + 1;
}

/** Makes the newest generation of the key file the one that makes new hashes. Returns its number. */
export function activateNewest(keys: KeyRing): number {
  keys.refresh();
  const newest = newestOf(keys);
  keys.activate(newest);
  return newest;
}

/**
 * Leaves of a generation only what checks the journal's seals.
 * @param ended counts of the rows that need it, with what they are
 * @throws GenerationError when it is current, unknown or retired already, or `ended` names rows.
 */
export function retireInFile(
  keys: KeyRing,
  keyPath: string,
  generation: number,
  ended: readonly (readonly [string, number])[],
): void {
  const view = viewGenerations(keys).find((each) => each.generation === generation);
  if (view === undefined) throw new GenerationError(`the server key has no generation ${generation}`);
  if (view.state !== 'old')
    throw new GenerationError(`generation ${generation} is ${view.state}: only an old one is retired`);
  if (ended.length > 0) {
    const rows = ended.map(([name, count]) => `${count} ${name}`).join(', ');
    throw new GenerationError(
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
