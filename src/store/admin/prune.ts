/**
 * Deletes what no call needs any more: expired idempotency records, and credentials that ended long ago. What explains
 * the journal stays: principals, memberships, and the rows about the credentials themselves.
 */
import type { AdminContext } from '../administration.js';
import { deleteExpiredIdempotencyRecords } from '../engine/idempotency.js';
import { all, count, enterOrg, one, run, type Scalar, type Steps } from '../engine/step.js';
import { recordAct } from './record-act.js';

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
  const records = yield* found(RECORDS, orgcode, before);
  if (records > 0) yield* deleteExpiredIdempotencyRecords(orgcode, before);
  const left = records === 0 ? 0 : yield* found(RECORDS, orgcode, before);
  const keys = yield* all<EndedKey>(KEYS, orgcode, before, before, BATCH);
  for (const { fingerprint, principal_id, ...times } of keys) {
    yield* run(DELETE_KEY, fingerprint, before, before);
    const facts = { actor: `service_account_guid:${principal_id}`, ...times };
    yield* recordAct(cx, orgcode, { operation: 'admin prune', target: fingerprint, fields: ['api_key'], facts });
  }
  return { idempotency_records: records - left, api_keys: keys.length };
}

/** The sessions that ended until `before`. */
export function* countEndedSessions(before: string): Steps<number> {
  return yield* found(`SELECT COUNT(*) AS found FROM session WHERE ${ENDED}`, before, before);
}

/** Deletes the sessions that ended until `before`, and returns how many. */
export function* pruneSessions(before: string): Steps<number> {
  return yield* count(`DELETE FROM session WHERE ${ENDED}`, before, before);
}

function* found(sql: string, ...args: readonly Scalar[]): Steps<number> {
  return Number((yield* one<{ found: number }>(sql, ...args))?.found ?? 0);
}
