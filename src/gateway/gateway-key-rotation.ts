/**
 * Rotates the server key of a gateway's database. Held upstream credentials are encrypted again at once. Callers' keys and
 * idempotency records are hashes, and keep their generation: until the key is used, until the record expires.
 */
import { activateNewest, addGeneration, retireInFile } from '../secrets/generations.js';
import { madeBy } from '../secrets/keys.js';
import type { GatewayConnection, GatewayDb } from './gateway-db.js';
import { sealCredentialsAgain } from './held-credentials.js';

/** What the key of a gateway makes. */
export const GATEWAY_KEY_USES = ['caller_keys', 'upstream_credentials', 'idempotency_records'] as const;
export type GatewayKeyUses = Readonly<Record<(typeof GATEWAY_KEY_USES)[number], number>>;

/** Adds a generation to the key file, unless one is prepared already. @throws DatabaseFileError */
export function prepareGatewayKey(db: GatewayDb, keyPath: string): Promise<number> {
  return db.write(() => addGeneration(db.keys, keyPath));
}

/**
 * Makes the newest generation the current one, and encrypts the held credentials with it, in one transaction. Returns
 * its number, and how many credentials were encrypted again. One that cannot be decrypted stays as it is.
 */
export function activateGatewayKey(db: GatewayDb): Promise<{ readonly current: number; readonly encrypted: number }> {
  return db.write((connection) => {
    const current = activateNewest(db.keys);
    connection.run('UPDATE server_key SET key_check = ?', db.keys.mac('key-check'));
    return { current, encrypted: sealCredentialsAgain(connection, db.keys) };
  });
}

/** Counts the rows that need a generation. @param now milliseconds since the epoch */
export function gatewayKeyUses(
  connection: Pick<GatewayConnection, 'one'>,
  generation: number,
  now: number,
): GatewayKeyUses {
  const count = (table: string, column: string, where = '1 = 1', ...args: readonly number[]) =>
    connection.one<{ found: number }>(
      `SELECT COUNT(*) AS found FROM ${table} WHERE ${madeBy(column, generation)} AND ${where}`,
      ...args,
    )?.found ?? 0;
  return {
    caller_keys: count('held_credential', 'caller_hash'),
    upstream_credentials: count('held_credential', 'sealed'),
    idempotency_records: count('receipt', 'scope_mac', 'expires_ms > ?', now),
  };
}

/**
 * Deletes an old generation. Returns what of it ends: nothing, unless `forget` is set.
 * @throws GenerationError when it is not an old one, or rows need it and `forget` is not set.
 */
export function retireGatewayKey(
  db: GatewayDb,
  keyPath: string,
  generation: number,
  { forget, now }: { readonly forget: boolean; readonly now: number },
): Promise<Readonly<Record<string, number>>> {
  return db.write((connection) => {
    const uses = gatewayKeyUses(connection, generation, now);
    const ended = GATEWAY_KEY_USES.filter((name) => uses[name] > 0).map((name) => [name, uses[name]] as const);
    retireInFile(db.keys, keyPath, generation, forget ? [] : ended);
    return Object.fromEntries(ended);
  });
}
