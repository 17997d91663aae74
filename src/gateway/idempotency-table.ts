/** Receipts of writes that were sent upstream, as rows: one a scope, found and changed here. Not: what follows. */
import type { BackendCall } from '../contract/backend.js';
import { canonical } from '../contract/canonical-json.js';
import type { Keys } from '../secrets/keys.js';
import type { GatewayConnection } from './gateway-db.js';

/**
 * `sent`: it may be on its way, or its process died. `unknown`: its answer never came. `done`: it succeeded.
 * `refused`: by a rule of the domain, an answer as final as success.
 */
export type RecordState = 'sent' | 'unknown' | 'done' | 'refused';

/** What makes a write the same as another one, in keyed hashes: nothing of it can be read back. */
export interface RecordRequest {
  readonly orgcode: string;
  /** Org, caller, endpoint and idempotency_key; without a key, the whole call. */
  readonly scope_mac: string;
  /** The body; without a key, the scope again. */
  readonly request_mac: string;
  readonly keyed: boolean;
}

export interface IdempotencyRecord {
  readonly request_mac: string;
  readonly state: RecordState;
  /** Which process sent it: a random name. */
  readonly sender: string;
  /** The `request_id` of the call that sent it. */
  readonly request_id: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly sent_ms: number;
  /** As long as its process is alive, it has settled by then. */
  readonly lease_ms: number;
  readonly expires_ms: number;
  /** 1 while an answer with personal data is kept, or may yet come. */
  readonly personal: 0 | 1;
  /** The sealed answer; null as long as there is none, and when it is not kept. */
  readonly answer: string | null;
}

const COLUMNS = 'request_mac, state, sender, request_id, sent_ms, lease_ms, expires_ms, personal, answer';
const FIND = `SELECT ${COLUMNS} FROM receipt WHERE orgcode = ? AND scope_mac = ?`;
const KEEP = `INSERT INTO receipt (orgcode, scope_mac, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const DROP = 'DELETE FROM receipt WHERE orgcode = ? AND scope_mac = ?';
/** Its own row only: another may have taken the scope after this one expired. */
const OWN = 'orgcode = ? AND scope_mac = ? AND sender = ? AND request_id = ?';
const SETTLE = `UPDATE receipt SET state = ?, answer = CASE WHEN personal = ? THEN ? END WHERE ${OWN}`;
const DROP_OWN = `DELETE FROM receipt WHERE ${OWN}`;
const FORGET = `DELETE FROM receipt WHERE receipt_no IN (
  SELECT receipt_no FROM receipt WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?)`;
/** Answers on their way are marked too: `SETTLE` finds `personal` changed and keeps none. */
const WIPE = `UPDATE receipt SET personal = 0, answer = NULL WHERE receipt_no IN (
  SELECT receipt_no FROM receipt WHERE orgcode = ? AND personal = 1 AND scope_mac <> ? AND receipt_no <= ? LIMIT ?)`;
const LAST = 'SELECT MAX(receipt_no) AS last FROM receipt';

/** What a write is remembered by. `idempotency_key` is no part of the body (contract §1). */
export function recordRequest(keys: Keys, performance: BackendCall): RecordRequest {
  const { operation, input, caller, context } = performance;
  const { idempotency_key: key, ...body } = input;
  const { orgcode } = caller;
  const whose = [orgcode, ...callerOf(performance), `${operation.method} ${operation.path}`];
  if (typeof key !== 'string') {
    const scope_mac = keys.mac('upstream-receipt', 'call', ...whose, canonical(input), canonical(context));
    return { orgcode, scope_mac, request_mac: scope_mac, keyed: false };
  }
  const scope_mac = keys.mac('upstream-receipt', 'key', ...whose, key);
  const request_mac = keys.mac('upstream-receipt', 'body', scope_mac, canonical(body));
  return { orgcode, scope_mac, request_mac, keyed: true };
}

/**
 * Who calls, through every renewal of a session; where the upstream never said who that is, what they call with, as
 * they sent it: a caller's key outlives the credential held behind it.
 */
function callerOf({ caller, credentials }: BackendCall): readonly string[] {
  return caller.unknown === true ? ['credential', credentials.kind, credentials.secret] : ['actor', caller.actor];
}

/** The receipt of a scope at an instant; one that has expired, or has nothing left to tell, is dropped. */
export function findRecord(
  connection: GatewayConnection,
  request: RecordRequest,
  now: number,
): IdempotencyRecord | undefined {
  const receipt = connection.one<IdempotencyRecord>(FIND, request.orgcode, request.scope_mac);
  if (receipt === undefined) return undefined;
  if (receipt.expires_ms > now && !(receipt.state === 'refused' && receipt.answer === null)) return receipt;
  connection.run(DROP, request.orgcode, request.scope_mac);
  return undefined;
}

/** Notes that a write is about to be sent. */
export function insertRecord(connection: GatewayConnection, request: RecordRequest, receipt: IdempotencyRecord): void {
  const { request_mac, state, sender, request_id, sent_ms, lease_ms, expires_ms, personal, answer } = receipt;
  const times = [sent_ms, lease_ms, expires_ms] as const;
  const args = [request_mac, state, sender, request_id, ...times, personal, answer] as const;
  connection.run(KEEP, request.orgcode, request.scope_mac, ...args);
}

/** Notes how it ended. `receipt` is the one inserted. */
export function settleRecord(
  connection: GatewayConnection,
  request: RecordRequest,
  receipt: IdempotencyRecord,
  state: RecordState,
  answer: string | null,
): void {
  connection.run(SETTLE, state, receipt.personal, answer, ...own(request, receipt));
}

/** Forgets a write that was not done, or that nobody may ask about. */
export function deleteRecord(connection: GatewayConnection, request: RecordRequest, receipt: IdempotencyRecord): void {
  connection.run(DROP_OWN, ...own(request, receipt));
}

/** Deletes up to `limit` receipts that have expired. */
export function deleteExpired(connection: GatewayConnection, now: number, limit: number): void {
  connection.run(FORGET, now, limit);
}

/** The number of the newest receipt: what is wiped up to there is a bounded piece of work. */
export function lastRecord(connection: GatewayConnection): number {
  return connection.one<{ last: number | null }>(LAST)?.last ?? 0;
}

/**
 * Empties up to `limit` kept answers of an org that hold personal data, except one's own. Answers how many; fewer than
 * `limit` is all of them.
 */
export function wipeAnswers(
  connection: GatewayConnection,
  except: Pick<RecordRequest, 'orgcode' | 'scope_mac'>,
  last: number,
  limit: number,
): number {
  return connection.run(WIPE, except.orgcode, except.scope_mac, last, limit);
}

function own({ orgcode, scope_mac }: RecordRequest, { sender, request_id }: IdempotencyRecord) {
  return [orgcode, scope_mac, sender, request_id] as const;
}
