/**
 * Upstream credentials that this server holds for its callers, each behind a caller's key that this server issues. The
 * upstream decides who owns a credential and what the owner may do.
 */
import type { Credentials, SecretKind } from '../contract/backend.js';
import { credentialsInvalid, notFound } from '../contract/errors.js';
import { fingerprint, generationOf, type Keys, mintSecret } from '../secrets/keys.js';
import type { GatewayConnection, GatewayDb } from './gateway-db.js';
import { gatewayError } from './upstream-error.js';

/** Invalid input of the operator. The message states the problem and never quotes a secret. */
export class HeldCredentialError extends Error {}

export interface NewHeldCredential {
  readonly orgcode: string;
  /** The header in which the upstream expects the secret: session or API key. */
  readonly kind: SecretKind;
  /** The upstream credential, as sent in its header. */
  readonly secret: string;
  /** What the caller's key is for; shown by `listCallers`. */
  readonly name: string;
}

/** The public facts of a held credential. */
export interface HeldCaller {
  /** The public name of the caller's key, here and in `stats`. */
  readonly fingerprint: string;
  readonly orgcode: string;
  readonly kind: SecretKind;
  readonly name: string;
  /** ISO-8601 UTC; `replaced_at` is null until the credential is replaced. */
  readonly created_at: string;
  readonly replaced_at: string | null;
  /** 1 for the credential that callers of the org with an access token (OAuth) use. */
  readonly for_tokens: 0 | 1;
}

/** Returns the upstream credential for a caller's key. @throws CrmError as described at `createHeldCredentials`. */
export type Exchange = (credentials: Credentials) => Credentials;

interface HeldRow {
  readonly caller_hash: string;
  readonly orgcode: string;
  readonly kind: SecretKind;
  readonly sealed: string;
}

/** The same prefix as the embedded store's API keys: to a caller both are API keys. */
const CALLER_KEY = 'g3nk';
/** The pipeline's maximum length of a credential. */
const MAX_SECRET = 4_096;
const MAX_NAME = 100;
/** Bounds the list of callers. */
const MAX_CALLERS = 10_000;

const COLUMNS = 'fingerprint, orgcode, kind, name, created_at, replaced_at, for_tokens';
const HELD = 'SELECT caller_hash, orgcode, kind, sealed FROM held_credential';
const FIND_NAMED = `${HELD} WHERE fingerprint = ?`;
const OF_TOKENS = `${HELD} WHERE orgcode = ? AND for_tokens = 1`;
const ANY_OF_TOKENS = 'SELECT 1 AS held FROM held_credential WHERE for_tokens = 1 LIMIT 1';
const NONE_FOR_TOKENS = 'UPDATE held_credential SET for_tokens = 0 WHERE orgcode = ? AND for_tokens = 1';
const USE_FOR_TOKENS = 'UPDATE held_credential SET for_tokens = 1 WHERE fingerprint = ?';
const EVERY_HELD = `${HELD} ORDER BY caller_hash LIMIT ${MAX_CALLERS}`;
const SEAL_AGAIN = 'UPDATE held_credential SET sealed = ? WHERE caller_hash = ?';
const HASH_AGAIN = 'UPDATE held_credential SET caller_hash = ?, sealed = ? WHERE caller_hash = ?';
const SHOW = `SELECT ${COLUMNS} FROM held_credential WHERE fingerprint = ?`;
const LIST = `SELECT ${COLUMNS} FROM held_credential ORDER BY created_at, fingerprint LIMIT ${MAX_CALLERS}`;
const COUNT = 'SELECT COUNT(*) AS held FROM held_credential';
const HOLD = `INSERT INTO held_credential (caller_hash, fingerprint, orgcode, kind, sealed, name, created_at)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const REPLACE = 'UPDATE held_credential SET sealed = ?, replaced_at = ? WHERE fingerprint = ?';
const REVOKE = 'DELETE FROM held_credential WHERE fingerprint = ?';

/** What is stored of a new credential. @throws HeldCredentialError when a field is invalid. */
export function checkedCredential({ orgcode, secret, name }: Omit<NewHeldCredential, 'kind'>) {
  return { org: upstreamOrgcode(orgcode), upstream: checkedSecret(secret), label: checkedName(name) };
}

/**
 * Seals an upstream credential behind a new caller's key. The key is returned in clear this once.
 * @throws HeldCredentialError when a field is invalid, or too many credentials are held.
 */
export async function holdCredential(
  db: GatewayDb,
  { orgcode, kind, secret, name }: NewHeldCredential,
): Promise<HeldCaller & { readonly caller_key: string }> {
  const { org, upstream, label } = checkedCredential({ orgcode, secret, name });
  const caller_key = mintSecret(CALLER_KEY);
  const caller = await db.write((connection) => {
    const caller_hash = db.keys.mac('caller-key', caller_key);
    const sealed = db.keys.seal('upstream-credential', upstream, contextOf({ caller_hash, orgcode: org, kind }));
    const { held } = connection.one<{ held: number }>(COUNT) ?? { held: 0 };
    if (held >= MAX_CALLERS) throw new HeldCredentialError(`${held} credentials are held already: revoke some first`);
    const now = new Date().toISOString();
    connection.run(HOLD, caller_hash, fingerprint(caller_key), org, kind, sealed, label, now);
    return shown(connection, fingerprint(caller_key));
  });
  return { caller_key, ...caller };
}

/**
 * Replaces the upstream credential behind a caller's key with another of the same kind, for example after it expired.
 * @throws HeldCredentialError when no key has that fingerprint, or the secret is invalid.
 */
export async function replaceCredential(db: GatewayDb, callerFingerprint: string, secret: string): Promise<HeldCaller> {
  const upstream = checkedSecret(secret);
  return db.write((connection) => {
    const held = connection.one<HeldRow>(FIND_NAMED, callerFingerprint);
    if (held === undefined) throw unknownCaller();
    const sealed = db.keys.seal('upstream-credential', upstream, contextOf(held));
    connection.run(REPLACE, sealed, new Date().toISOString(), callerFingerprint);
    return shown(connection, callerFingerprint);
  });
}

/**
 * Deletes a caller's key and the credential behind it. The next call with the key gets 401.
 * @throws HeldCredentialError when no key has that fingerprint.
 */
export async function revokeCaller(db: GatewayDb, callerFingerprint: string): Promise<HeldCaller> {
  return db.write((connection) => {
    const caller = shown(connection, callerFingerprint);
    connection.run(REVOKE, callerFingerprint);
    return caller;
  });
}

/**
 * Lets callers of an org with an access token (OAuth) use the credential behind a caller's key, in place of the one
 * that they used. @throws HeldCredentialError when no key has that fingerprint.
 */
export async function holdForTokens(db: GatewayDb, callerFingerprint: string): Promise<HeldCaller> {
  return db.write((connection) => {
    const { orgcode } = shown(connection, callerFingerprint);
    connection.run(NONE_FOR_TOKENS, orgcode);
    connection.run(USE_FOR_TOKENS, callerFingerprint);
    return shown(connection, callerFingerprint);
  });
}

/** Whether a credential of any org is held for callers with an access token. */
export function holdsForTokens(db: GatewayDb): boolean {
  return db.reader.one(ANY_OF_TOKENS) !== undefined;
}

/**
 * The upstream credential behind a caller's key, for trying it out. @throws HeldCredentialError when no key has that
 * fingerprint, CrmError when the row was altered.
 */
export function heldCredential(db: GatewayDb, callerFingerprint: string): Credentials {
  const held = db.reader.one<HeldRow>(FIND_NAMED, callerFingerprint);
  if (held === undefined) throw unknownCaller();
  return { orgcode: held.orgcode, kind: held.kind, secret: unsealed(db.keys, held) };
}

/** Lists every caller with a held credential, oldest first, without secrets. */
export function listCallers(db: GatewayDb): readonly HeldCaller[] {
  return db.reader.all<HeldCaller>(LIST);
}

/**
 * Exchanges a caller's key for the upstream credential held behind it: one indexed lookup and one unsealing, without a
 * cache. A key that was hashed by an older generation of the server key is hashed again afterwards. Sessions are always
 * rejected, because this server issues keys only. A verified access token is exchanged for the credential that is held
 * for the tokens of its org.
 * @returns a function that throws CrmError 401 `crm.credentials_invalid` for an unknown or revoked key, 404
 * `crm.not_found` for a key of another org, and 500 `crm.gateway_credential_unreadable` when the row was altered.
 */
export function createHeldCredentials(db: GatewayDb): Exchange {
  return ({ orgcode, kind, secret }) => {
    if (kind === 'session') throw credentialsInvalid();
    if (kind === 'oauth') {
      const own = db.reader.one<HeldRow>(OF_TOKENS, orgcode);
      if (own === undefined) throw notFound();
      return { orgcode, kind: own.kind, secret: unsealed(db.keys, own) };
    }
    const held = heldBehind(db.reader, db.keys, secret);
    if (held === undefined) throw credentialsInvalid();
    if (held.orgcode !== orgcode) throw notFound();
    const upstream = { orgcode, kind: held.kind, secret: unsealed(db.keys, held) };
    if (generationOf(held.caller_hash) !== db.keys.generation) hashAgain(db, secret);
    return upstream;
  };
}

/** One statement for every generation: another process may hash the key again meanwhile. */
function heldBehind(reader: Pick<GatewayConnection, 'one'>, keys: Keys, secret: string): HeldRow | undefined {
  const hashes = keys.macs('caller-key', secret);
  return reader.one<HeldRow>(`${HELD} WHERE caller_hash IN (${hashes.map(() => '?').join(', ')})`, ...hashes);
}

/** If it cannot be written now, the next use of the key tries again. */
function hashAgain(db: GatewayDb, secret: string): void {
  const write = (connection: GatewayConnection) => {
    const held = heldBehind(connection, db.keys, secret);
    const caller_hash = db.keys.mac('caller-key', secret);
    if (held === undefined || held.caller_hash === caller_hash) return;
    const sealed = db.keys.seal('upstream-credential', unsealed(db.keys, held), contextOf({ ...held, caller_hash }));
    connection.run(HASH_AGAIN, caller_hash, sealed, held.caller_hash);
  };
  db.write(write).catch(() => {});
}

/**
 * Encrypts every held credential with the current generation of the server key, and returns how many. One that cannot
 * be decrypted stays as it is: its caller gets an error until it is replaced.
 */
export function sealCredentialsAgain(connection: GatewayConnection, keys: Keys): number {
  let sealed = 0;
  for (const held of connection.all<HeldRow>(EVERY_HELD)) {
    const upstream = generationOf(held.sealed) === keys.generation ? undefined : readableSecret(keys, held);
    if (upstream === undefined) continue;
    connection.run(SEAL_AGAIN, keys.seal('upstream-credential', upstream, contextOf(held)), held.caller_hash);
    sealed += 1;
  }
  return sealed;
}

function readableSecret(keys: Keys, held: HeldRow): string | undefined {
  try {
    return keys.unseal('upstream-credential', held.sealed, contextOf(held));
  } catch {
    return undefined;
  }
}

function unsealed(keys: Keys, held: HeldRow): string {
  try {
    return keys.unseal('upstream-credential', held.sealed, contextOf(held));
  } catch (cause) {
    const error = gatewayError({
      code: 'crm.gateway_credential_unreadable',
      status: 500,
      message: 'The upstream credential held for this caller cannot be read. Nothing was sent.',
      retryable: false,
      outcome: 'not_done',
    });
    error.cause = cause;
    throw error;
  }
}

/** Binds the sealed text to its row: moved to another key, org or kind, it can no longer be unsealed. */
function contextOf({ caller_hash, orgcode, kind }: Omit<HeldRow, 'sealed'>): string {
  return JSON.stringify([caller_hash, orgcode, kind]);
}

function shown(connection: GatewayConnection, callerFingerprint: string): HeldCaller {
  const caller = connection.one<HeldCaller>(SHOW, callerFingerprint);
  if (caller === undefined) throw unknownCaller();
  return caller;
}

/** The message does not quote the input: it may be the key itself. */
function unknownCaller(): HeldCredentialError {
  return new HeldCredentialError("no caller's key has that fingerprint");
}

/** In upper case, as the pipeline normalizes every orgcode. */
function upstreamOrgcode(orgcode: string): string {
  const code = orgcode.trim().toUpperCase();
  if (!/^[\x21-\x7e]{1,64}$/.test(code))
    throw new HeldCredentialError('the org code must be 1 to 64 printable characters, no spaces');
  return code;
}

function checkedSecret(secret: string): string {
  const trimmed = secret.trim();
  if (trimmed.length > MAX_SECRET || !/^[\x21-\x7e]+(?: [\x21-\x7e]+)?$/.test(trimmed)) {
    const form = `1 to ${MAX_SECRET} printable characters, at most one space, as in "Bot abc"`;
    throw new HeldCredentialError(`the upstream credential must be ${form}`);
  }
  return trimmed;
}

function checkedName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > MAX_NAME) {
    throw new HeldCredentialError(`the name must be 1 to ${MAX_NAME} characters`);
  }
  return trimmed;
}
