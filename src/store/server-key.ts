/** Ties a database to the key of its hashes, so that a wrong key is reported at startup rather than by each call. */
import { type Keys, keyOfAnotherDatabase, sameDigest } from '../secrets/keys.js';
import { lockKey, one, run, type Steps } from './engine/step.js';

/** Held by a server that looks at the key until it has stored its own. */
export const SERVER_KEY_LOCK = lockKey('', 'server_key');

/** Whether the database was ever opened with a key. */
export function* hasServerKey(): Steps<boolean> {
  return (yield* one('SELECT key_check FROM server_key LIMIT 1')) !== undefined;
}

/** Stores a check value of the key at the first opening. @throws Error when a later opening brings another key. */
export function* checkServerKey(keys: Keys): Steps<void> {
  const check = keys.mac('key-check');
  yield SERVER_KEY_LOCK;
  const row = yield* one<{ key_check: string }>('SELECT key_check FROM server_key LIMIT 1');
  if (row === undefined) yield* run('INSERT INTO server_key (key_check) VALUES (?)', check);
  else if (!sameDigest(row.key_check, check)) throw keyOfAnotherDatabase();
}
