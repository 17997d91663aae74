/**
 * Deletes what no call needs any more: expired idempotency records, and credentials that ended long ago. What explains
 * the journal stays: principals, memberships, and the rows about the credentials themselves.
 */
import type { AdminContext } from '../administration.js';
import { deleteExpiredIdempotencyRecords } from '../engine/idempotency.js';
import { all, count, enterOrg, one, run, type Scalar, type Steps } from '../engine/step.js';
import { recordActs } from './record-act.js';

export interface PrunedOfOrg {
  readonly idempotency_records: number;
  readonly api_keys: number;
}

const RECORDS = 'SELECT COUNT(*) AS found FROM receipt WHERE orgcode = ? AND expires_at <= ?';
const ENDED = '(revoked_at <= ? OR expires_at <= ?)';
const KEYS = `SELECT fingerprint, principal_id, created_at, revoked_at, expires_at FROM api_key
  WHERE orgcode = ? AND ${ENDED} ORDER BY fingerprint LIMIT ?`;
const KEY_COUNT = `SELECT COUNT(*) AS found FROM api_key WHERE orgcode = ? AND ${ENDED}`;
const DELETE_KEY = `DELETE FROM api_key WHERE fingerprint = ? AND ${ENDED}`;
/** In one transaction at most. */
const BATCH = 500;
const DELETE_SESSIONS = `DELETE FROM session WHERE credential_hash IN (
  SELECT credential_hash FROM session WHERE ${ENDED} LIMIT ${BATCH})`;

interface EndedKey {
  readonly fingerprint: string;
  readonly principal_id: string;
  readonly created_at: string;
  readonly revoked_at: string | null;
  readonly expires_at: string | null;
}

/** What `pruneBatch` would delete of an org in all. @param before what ended until then */
export function* countPrunable(orgcode: string, before: string): Steps<PrunedOfOrg> {
  yield* enterOrg(orgcode);
  return {
    idempotency_records: yield* found(RECORDS, orgcode, before),
    api_keys: yield* found(KEY_COUNT, orgcode, before, before),
  };
}

/** Deletes up to 500 of each kind. A key that goes gets a last row in the journal. Repeat until nothing is deleted. */
export function* pruneBatch(cx: AdminContext, orgcode: string, before: string): Steps<PrunedOfOrg> {
  yield* enterOrg(orgcode);
  const idempotency_records = yield* deleteExpiredIdempotencyRecords(orgcode, before);
  const keys = yield* all<EndedKey>(KEYS, orgcode, before, before, BATCH);
  for (const { fingerprint } of keys) yield* run(DELETE_KEY, fingerprint, before, before);
  const acts = keys.map(({ fingerprint, principal_id, ...times }) => {
    const facts = { actor: `service_account_guid:${principal_id}`, ...times };
    return { operation: 'admin prune', target: fingerprint, fields: ['api_key'], facts };
  });
  yield* recordActs(cx, orgcode, acts);
  return { idempotency_records, api_keys: keys.length };
}

/** The sessions that ended until `before`. */
export function* countEndedSessions(before: string): Steps<number> {
  return yield* found(`SELECT COUNT(*) AS found FROM session WHERE ${ENDED}`, before, before);
}

/** Deletes up to 500 sessions that ended until `before`, and returns how many. Repeat until that is none. */
export function* pruneSessions(before: string): Steps<number> {
  return yield* count(DELETE_SESSIONS, before, before);
}

function* found(sql: string, ...args: readonly Scalar[]): Steps<number> {
  return Number((yield* one<{ found: number }>(sql, ...args))?.found ?? 0);
}
