/**
 * Identifies the caller by session or API key, which are looked up by keyed hash, or by the user that a verified access
 * token names. What a role permits is decided in contract/access.ts.
 */
import type { Caller, Credentials, OrgStatus, Stamp } from '../contract/backend.js';
import { epochOf } from '../contract/date-time.js';
import { credentialsInvalid, notFound } from '../contract/errors.js';
import { fingerprint, generationOf, type Keys } from '../secrets/keys.js';
import { statusOf } from './credential-status.js';
import { one, run, type Steps } from './engine/step.js';

interface Found {
  readonly principal_id: string;
  readonly fingerprint: string;
  readonly roles: string | null;
  readonly owner: number | null;
  readonly member_status: string | null;
  readonly org_status: OrgStatus | null;
}

interface FoundSession extends Found {
  readonly expires_at: string;
  readonly ttl_seconds: number;
  readonly revoked_at: string | null;
}

interface FoundKey extends Found {
  readonly key_orgcode: string;
  readonly revoked_at: string | null;
  readonly expires_at: string | null;
}

/** One statement for every case: an unknown org, another org and a suspended membership read the same indexes. */
const BY_SESSION = `SELECT s.principal_id, s.fingerprint, s.expires_at, s.ttl_seconds, s.revoked_at,
    m.roles, m.owner, m.status AS member_status, o.status AS org_status
  FROM session s
  LEFT JOIN membership m ON m.orgcode = ? AND m.principal_id = s.principal_id
  LEFT JOIN org o ON o.orgcode = ?
  WHERE s.credential_hash = ?`;
const BY_KEY = `SELECT k.principal_id, k.fingerprint, k.orgcode AS key_orgcode, k.revoked_at, k.expires_at,
    m.roles, m.owner, m.status AS member_status, o.status AS org_status
  FROM api_key k
  LEFT JOIN membership m ON m.orgcode = ? AND m.principal_id = k.principal_id
  LEFT JOIN org o ON o.orgcode = ?
  WHERE k.credential_hash = ?`;
const BY_USER = `SELECT p.principal_id, m.roles, m.owner, m.status AS member_status, o.status AS org_status
  FROM principal p
  LEFT JOIN membership m ON m.orgcode = ? AND m.principal_id = p.principal_id
  LEFT JOIN org o ON o.orgcode = ?
  WHERE p.kind = 'user' AND p.name = ?`;
const TOUCH = 'UPDATE session SET expires_at = ? WHERE credential_hash = ? AND expires_at < ? AND revoked_at IS NULL';
const KEY_AGAIN = 'UPDATE api_key SET credential_hash = ? WHERE credential_hash = ?';
const SESSION_AGAIN = 'UPDATE session SET credential_hash = ? WHERE credential_hash = ?';

/** The expiry of a session is moved at most this often, so that reads do not become writes. */
const TOUCH_EVERY_MS = 60_000;

export interface Identified {
  readonly caller: Caller;
  /** Writes the new expiry of the session, when it is time. */
  readonly touch?: () => Steps<void>;
  /** The hash of the API key that was used, and the one that replaces it, if any; see key-uses.ts. */
  readonly usedKeys?: readonly string[];
  /** Hashes the credential with the current generation of the server key, when an older one is stored. */
  readonly hashAgain?: () => Steps<void>;
}

interface Stored<Row> {
  readonly found: Row | undefined;
  readonly hash: string;
  readonly again: Pick<Identified, 'hashAgain'>;
}

/**
 * Resolves credentials in an org.
 * @throws CrmError 401 `crm.credentials_invalid` (unknown, expired, revoked), 404 when the caller is not in the org.
 */
export function* identify(credentials: Credentials, keys: Keys, stamp: Stamp): Steps<Identified> {
  return (yield* lookUp(credentials, keys))(stamp);
}

/** What a credential was found to be: says who calls, at another time too, as long as its rows are the same. */
export type FoundCredential = (stamp: Stamp) => Identified;

/** Looks credentials up in an org. What it returns identifies their caller, or throws what `identify` throws. */
export function* lookUp(credentials: Credentials, keys: Keys): Steps<FoundCredential> {
  const { orgcode, kind, secret } = credentials;
  if (kind === 'oauth') return yield* lookUpUser(credentials);
  const hashes = keys.macs('credential', kind, secret);
  if (kind === 'api_key') return foundKey(yield* stored<FoundKey>(BY_KEY, orgcode, hashes, KEY_AGAIN), orgcode, hashes);
  return foundSession(yield* stored<FoundSession>(BY_SESSION, orgcode, hashes, SESSION_AGAIN), orgcode);
}

function* lookUpUser({ orgcode, secret, token }: Credentials): Steps<FoundCredential> {
  const found = yield* one<Omit<Found, 'fingerprint'>>(BY_USER, orgcode, orgcode, token?.user ?? '');
  if (found === undefined) throw notFound(); // the token is good: its user has no place here, as in a foreign org
  return () => ({ caller: member({ ...found, fingerprint: fingerprint(secret) }, orgcode, 'oauth') });
}

function foundKey(
  { found, hash, again }: Stored<FoundKey>,
  orgcode: string,
  hashes: readonly string[],
): FoundCredential {
  const usedKeys = again.hashAgain === undefined ? [hash] : [hash, ...hashes.slice(0, 1)];
  let identified: Identified | undefined;
  return ({ now }) => {
    if (found === undefined || hasEnded(found, now)) throw credentialsInvalid();
    if (found.key_orgcode !== orgcode) throw notFound();
    identified ??= { caller: member(found, orgcode, 'api_key'), usedKeys, ...again };
    return identified;
  };
}

function foundSession({ found, hash, again }: Stored<FoundSession>, orgcode: string): FoundCredential {
  let identified: Identified | undefined;
  return (stamp) => {
    if (found === undefined || hasEnded(found, stamp.now)) throw credentialsInvalid();
    identified ??= { caller: member(found, orgcode, 'session'), ...again };
    const extendedMs = stamp.epoch_ms + found.ttl_seconds * 1000;
    if (extendedMs - epochOf(found.expires_at) < TOUCH_EVERY_MS) return identified;
    return { ...identified, touch: () => touchSession(hash, new Date(extendedMs).toISOString()) };
  };
}

/** Looks for a credential under its hash by the current generation of the server key, then by older ones. */
function* stored<Row extends Found>(
  sql: string,
  orgcode: string,
  hashes: readonly string[],
  sqlAgain: string,
): Steps<Stored<Row>> {
  const [current = ''] = hashes;
  for (const hash of hashes) {
    const found = yield* one<Row>(sql, orgcode, orgcode, hash);
    if (found === undefined) continue;
    const hashAgain = () => run(sqlAgain, current, hash);
    const isOlder = generationOf(hash) < generationOf(current); // a server that learns late hashes nothing back
    return { found, hash, again: isOlder ? { hashAgain } : {} };
  }
  return { found: undefined, hash: current, again: {} };
}

/** Revoked or expired: the caller is told the same in both cases, and as for an unknown credential. */
function hasEnded(found: FoundKey | FoundSession, now: string): boolean {
  return statusOf(found, now) !== 'active';
}

function* touchSession(hash: string, expiresAt: string): Steps<void> {
  yield* run(TOUCH, expiresAt, hash, expiresAt);
}

function member(found: Found, orgcode: string, kind: Credentials['kind']): Caller {
  if (found.member_status !== 'active' || found.org_status === null) throw notFound();
  return {
    orgcode,
    org_status: found.org_status,
    owner: found.owner === 1,
    roles: JSON.parse(found.roles ?? '[]') as string[],
    actor: `${kind === 'api_key' ? 'service_account_guid' : 'user_guid'}:${found.principal_id}`,
    context_source: kind,
    fingerprint: found.fingerprint,
  };
}
