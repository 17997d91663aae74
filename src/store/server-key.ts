/**
 * Ties a database file to the key its hashes were made with, so that a wrong key is told at start, not call by call.
 */
import { type Keys, sameDigest } from '../secrets/keys.js';
import { one, run, type Steps } from './engine/step.js';

/** Whether the file was ever opened with a key. */
export function* hasServerKey(): Steps<boolean> {
  return (yield* one('SELECT key_check FROM server_key LIMIT 1')) !== undefined;
}

/** Notes the key at first opening; @throws Error when another key is given later. */
export function* checkServerKey(keys: Keys): Steps<void> {
  const check = keys.mac('key-check');
  const row = yield* one<{ key_check: string }>('SELECT key_check FROM server_key LIMIT 1');
  if (row === undefined) yield* run('INSERT INTO server_key (key_check) VALUES (?)', check);
  else if (!sameDigest(row.key_check, check)) throw new Error('the server key does not belong to this database');
}
