/**
 * Upstream credentials that this server holds for its callers: each behind a caller's key that only we know. Not: who
 * the credential's owner is, and what they may do; that is for the upstream to say.
 */
import type { Credentials } from '../contract/backend.js';
import { credentialsInvalid, notFound } from '../contract/errors.js';
import { fingerprint, type Keys, mintSecret } from '../secrets/keys.js';
import type { GatewayConnection, GatewayDb } from './gateway-db.js';
import { gatewayError } from './upstream-error.js';

/** An operator's mistake; its message says which, and never quotes a secret. */
export class HeldCredentialError extends Error {}

export interface NewHeldCredential {
  readonly orgcode: string;
  /** The header the upstream expects the secret in: a session's, or an API key's. */
  readonly kind: Credentials['kind'];
  /** The upstream credential, as it travels in its header. */
  readonly secret: string;
  /** What the caller's key is for; told by `listCallers`. */
  readonly name: string;
}

/** What may be told of a held credential. */
export interface HeldCaller {
  /** Of the caller's key: its public name, here and in `stats`. */
  readonly fingerprint: string;
  readonly orgcode: string;
  readonly kind: Credentials['kind'];
  readonly name: string;
  /** ISO-8601 UTC; `replaced_at` is null until the credential is replaced. */
  readonly created_at: string;
  readonly replaced_at: string | null;
}

/** The credential to send upstream for what a caller sent us. @throws CrmError as `createHeldCredentials` says. */
export type Exchange = (credentials: Credentials) => Credentials;

interface Held {
  readonly caller_hash: string;
  readonly orgcode: string;
  readonly kind: Credentials['kind'];
  readonly sealed: string;
}

/** The same prefix as the embedded store's keys: to a caller they are one kind of thing. */
const CALLER_KEY = 'g3nk';
/** As long as the pipeline lets a credential be. */
const MAX_SECRET = 512;
const MAX_NAME = 100;
/** So that the list of callers is one bounded answer. */
const MAX_CALLERS = 10_000;

const COLUMNS = 'fingerprint, orgcode, kind, name, created_at, replaced_at';
const FIND = 'SELECT caller_hash, orgcode, kind, sealed FROM held_credential WHERE caller_hash = ?';
const FIND_NAMED = 'SELECT caller_hash, orgcode, kind, sealed FROM held_credential WHERE fingerprint = ?';
const SHOW = `SELECT ${COLUMNS} FROM held_credential WHERE fingerprint = ?`;
const LIST = `SELECT ${COLUMNS} FROM held_credential ORDER BY created_at, fingerprint LIMIT ${MAX_CALLERS}`;
const COUNT = 'SELECT COUNT(*) AS held FROM held_credential';
const HOLD = `INSERT INTO held_credential (caller_hash, fingerprint, orgcode, kind, sealed, name, created_at)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const REPLACE = 'UPDATE held_credential SET sealed = ?, replaced_at = ? WHERE fingerprint = ?';
const REVOKE = 'DELETE FROM held_credential WHERE fingerprint = ?';

/**
 * Seals an upstream credential behind a new caller's key, which leaves here once, in clear.
 * @throws HeldCredentialError when a field is no such thing, or too many are held.
 */
export async function holdCredential(
  db: GatewayDb,
  { orgcode, kind, secret, name }: NewHeldCredential,
): Promise<HeldCaller & { readonly caller_key: string }> {
  const org = checkedOrgcode(orgcode);
  const upstream = checkedSecret(secret);
  const told = checkedName(name);
  const caller_key = mintSecret(CALLER_KEY);
  const caller_hash = db.keys.mac('caller-key', caller_key);
  const sealed = db.keys.seal('upstream-credential', upstream, contextOf({ caller_hash, orgcode: org, kind }));
  const caller = await db.write((connection) => {
    const { held } = connection.one<{ held: number }>(COUNT) ?? { held: 0 };
    if (held >= MAX_CALLERS) throw new HeldCredentialError(`${held} credentials are held already: revoke some first`);
    const now = new Date().toISOString();
    connection.run(HOLD, caller_hash, fingerprint(caller_key), org, kind, sealed, told, now);
    return shown(connection, fingerprint(caller_key));
  });
  return { caller_key, ...caller };
}

/**
 * Puts another upstream credential of the same kind behind a caller's key, when the old one has expired.
 * @throws HeldCredentialError when no key has that fingerprint, or the secret is none.
 */
export async function replaceCredential(db: GatewayDb, callerFingerprint: string, secret: string): Promise<HeldCaller> {
  const upstream = checkedSecret(secret);
  return db.write((connection) => {
    const held = connection.one<Held>(FIND_NAMED, callerFingerprint);
    if (held === undefined) throw unknownCaller();
    const sealed = db.keys.seal('upstream-credential', upstream, contextOf(held));
    connection.run(REPLACE, sealed, new Date().toISOString(), callerFingerprint);
    return shown(connection, callerFingerprint);
  });
}

/**
 * Forgets a caller's key and what was held behind it; its next call is 401.
 * @throws HeldCredentialError when no key has that fingerprint.
 */
export async function revokeCaller(db: GatewayDb, callerFingerprint: string): Promise<HeldCaller> {
  return db.write((connection) => {
    const caller = shown(connection, callerFingerprint);
    connection.run(REVOKE, callerFingerprint);
    return caller;
  });
}

/** Every caller a credential is held for, oldest first; no secrets. */
export function listCallers(db: GatewayDb): readonly HeldCaller[] {
  return db.reader.all<HeldCaller>(LIST);
}

/**
 * The exchange of a caller's key for the upstream credential held behind it: one indexed probe, one unsealing, and
 * nothing remembered. A session is never one of ours: only keys are given out here.
 * @returns a function that throws CrmError 401 `crm.credentials_invalid` for an unknown or revoked key, 404
 * `crm.not_found` for another org's, 500 `crm.gateway_credential_unreadable` when the row was altered.
 */
export function createHeldCredentials(db: GatewayDb): Exchange {
  return ({ orgcode, kind, secret }) => {
    if (kind === 'session') throw credentialsInvalid();
    const held = db.reader.one<Held>(FIND, db.keys.mac('caller-key', secret));
    if (held === undefined) throw credentialsInvalid();
    if (held.orgcode !== orgcode) throw notFound();
    return { orgcode, kind: held.kind, secret: unsealed(db.keys, held) };
  };
}

function unsealed(keys: Keys, held: Held): string {
  try {
    return keys.unseal('upstream-credential', held.sealed, contextOf(held));
  } catch (cause) {
    const fault = gatewayError({
      code: 'crm.gateway_credential_unreadable',
      status: 500,
      message: 'The upstream credential held for this caller cannot be read. Nothing was sent.',
      retryable: false,
      outcome: 'not_done',
      nextSteps: ['Ask the operator to replace the credential held for this key.'],
    });
    fault.cause = cause;
    throw fault;
  }
}

/** Ties the sealed text to its row: moved to another key, org or kind, it no longer opens. */
function contextOf({ caller_hash, orgcode, kind }: Omit<Held, 'sealed'>): string {
  return JSON.stringify([caller_hash, orgcode, kind]);
}

function shown(connection: GatewayConnection, callerFingerprint: string): HeldCaller {
  const caller = connection.one<HeldCaller>(SHOW, callerFingerprint);
  if (caller === undefined) throw unknownCaller();
  return caller;
}

/** Without quoting what was given: it may be the key itself. */
function unknownCaller(): HeldCredentialError {
  return new HeldCredentialError("no caller's key has that fingerprint");
}

/** Upper case, as the pipeline makes every orgcode. */
function checkedOrgcode(orgcode: string): string {
  const code = orgcode.trim().toUpperCase();
  if (!/^[\x21-\x7e]{1,64}$/.test(code))
    throw new HeldCredentialError('the org code must be 1 to 64 printable characters, no spaces');
  return code;
}

function checkedSecret(secret: string): string {
  const trimmed = secret.trim();
  if (trimmed.length > MAX_SECRET || !/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new HeldCredentialError(`the upstream credential must be 1 to ${MAX_SECRET} printable characters, no spaces`);
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
