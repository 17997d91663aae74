/** Ties a database to the key of its hashes, so that a wrong key is reported at startup rather than by each call. */
import { follow, type KeyRing } from '../secrets/keys.js';
import { lockKey, one, run, type Steps } from './engine/step.js';

/** Held by a server that looks at the key until it has stored its own. */
export const SERVER_KEY_LOCK = lockKey('', 'server_key');

/** The check value that names the current generation; undefined when the database was never opened with a key. */
export function* storedKeyCheck(): Steps<string | undefined> {
  return (yield* one<{ key_check: string }>('SELECT key_check FROM server_key LIMIT 1'))?.key_check;
}

/** Whether the database was ever opened with a key. */
export function* hasServerKey(): Steps<boolean> {
  return (yield* storedKeyCheck()) !== undefined;
}

/**
 * Stores a check value of the key at the first opening. Later, it names the generation of the key that is current.
 * @throws DatabaseFileError when a later opening brings another key, or one without that generation.
 */
export function* checkServerKey(keys: KeyRing): Steps<void> {
  yield SERVER_KEY_LOCK;
  const stored = yield* storedKeyCheck();
  if (stored === undefined) yield* run('INSERT INTO server_key (key_check) VALUES (?)', keys.mac('key-check'));
  else follow(keys, stored);
}
