/**
 * Rows of the idempotency records of writes that were sent upstream, one per scope. The table is called `receipt` in
 * files that exist. What follows from a record is decided in idempotent-send.ts.
 */
import type { BackendCall } from '../contract/backend.js';
import { canonical } from '../contract/canonical-json.js';
import type { Keys } from '../secrets/keys.js';
import type { GatewayConnection } from './gateway-db.js';

/**
 * `sent`: the write may be in flight, or its process died. `unknown`: no response came. `done`: the write succeeded.
 * `refused`: a domain rule rejected it, which is as final as success.
 */
export type RecordState = 'sent' | 'unknown' | 'done' | 'refused';

/** Identifies a write by keyed hashes, from which nothing of the request can be recovered. */
export interface RecordRequest {
  readonly orgcode: string;
  /** Hash of org, caller, endpoint and idempotency_key; without a key, of the whole call. */
  readonly scope_mac: string;
  /** Hash of the body; without a key, equal to `scope_mac`. */
  readonly request_mac: string;
  readonly keyed: boolean;
}

export interface IdempotencyRecord {
  readonly request_mac: string;
  readonly state: RecordState;
  /** The random name of the process that sent it. */
  readonly sender: string;
  /** The `request_id` of the call that sent it. */
  readonly request_id: string;
  /** Milliseconds since the epoch, like the other times here. */
  readonly sent_ms: number;
  /** The sending process settles the record by then, if it is still alive. */
  readonly lease_ms: number;
  readonly expires_ms: number;
  /** 1 while a response with personal data is stored, or may still come. */
  readonly personal: 0 | 1;
  /** The sealed response; null while there is none, and when it is not stored. */
  readonly answer: string | null;
}

/** A record before it is known which generation of the server key hashes its request. */
export type NewRecord = Omit<IdempotencyRecord, 'request_mac'>;

const COLUMNS = 'request_mac, state, sender, request_id, sent_ms, lease_ms, expires_ms, personal, answer';
const FIND = `SELECT ${COLUMNS} FROM receipt WHERE orgcode = ? AND scope_mac = ?`;
const INSERT = `INSERT INTO receipt (orgcode, scope_mac, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const DELETE = 'DELETE FROM receipt WHERE orgcode = ? AND scope_mac = ?';
/** Matches the record's own row only: another record may have taken the scope after this one expired. */
const OWN_ROW = 'orgcode = ? AND scope_mac = ? AND sender = ? AND request_id = ?';
const SETTLE = `UPDATE receipt SET state = ?, answer = CASE WHEN personal = ? THEN ? END WHERE ${OWN_ROW}`;
const DELETE_OWN_ROW = `DELETE FROM receipt WHERE ${OWN_ROW}`;
const DELETE_EXPIRED = `DELETE FROM receipt WHERE receipt_no IN (
  SELECT receipt_no FROM receipt WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?)`;
/** Also changes records of writes in flight: `SETTLE` then finds `personal` changed and stores no response. */
const ERASE_RESPONSES = `UPDATE receipt SET personal = 0, answer = NULL WHERE receipt_no IN (
  SELECT receipt_no FROM receipt WHERE orgcode = ? AND personal = 1 AND scope_mac <> ? AND receipt_no <= ? LIMIT ?)`;
const LAST = 'SELECT MAX(receipt_no) AS last FROM receipt';

/** Whether the caller gave the write an idempotency_key. */
export function isKeyed({ input }: BackendCall): boolean {
  return typeof input.idempotency_key === 'string';
}

/** What identifies a write, to be hashed: org, caller, endpoint and idempotency_key, or the whole call. */
export function scopeParts(call: BackendCall): readonly string[] {
  const { operation, input, caller, context } = call;
  const owner = [caller.orgcode, ...callerOf(call), `${operation.method} ${operation.path}`];
  if (isKeyed(call)) return ['key', ...owner, String(input.idempotency_key)];
  return ['call', ...owner, canonical(input), canonical(context)];
}

/**
 * Returns the hashes that may identify a write, by each generation of the server key, the current one first.
 * `idempotency_key` is not part of the body (contract §1).
 */
export function recordRequests(keys: Keys, call: BackendCall): readonly [RecordRequest, ...RecordRequest[]] {
  const { idempotency_key: _, ...body } = call.input;
  const { orgcode } = call.caller;
  const keyed = isKeyed(call);
  const requests = keys.macs('upstream-receipt', ...scopeParts(call)).map((scope_mac) => {
    const request_mac = keyed
      ? keys.macLike(scope_mac, 'upstream-receipt', 'body', scope_mac, canonical(body))
      : scope_mac;
    return { orgcode, scope_mac, request_mac, keyed };
  });
  return requests as [RecordRequest, ...RecordRequest[]];
}

/**
 * The actor, which stays the same when a session is renewed. When the upstream does not report an actor, the credential
 * as the caller sent it: a caller's key outlives the credential held behind it.
 */
function callerOf({ caller, credentials }: BackendCall): readonly string[] {
  return caller.unknown === true ? ['credential', credentials.kind, credentials.secret] : ['actor', caller.actor];
}

/**
 * Returns the idempotency record of a scope. Deletes a record that has expired, and a `refused` one whose response was
 * erased.
 */
export function findRecord(
  connection: GatewayConnection,
  request: RecordRequest,
  now: number,
): IdempotencyRecord | undefined {
  const record = connection.one<IdempotencyRecord>(FIND, request.orgcode, request.scope_mac);
  if (record === undefined) return undefined;
  if (record.expires_ms > now && !(record.state === 'refused' && record.answer === null)) return record;
  connection.run(DELETE, request.orgcode, request.scope_mac);
  return undefined;
}

/** Inserts the record of a write that is about to be sent. */
export function insertRecord(connection: GatewayConnection, request: RecordRequest, record: NewRecord): void {
  const { state, sender, request_id, sent_ms, lease_ms, expires_ms, personal, answer } = record;
  const times = [sent_ms, lease_ms, expires_ms] as const;
  const args = [request.request_mac, state, sender, request_id, ...times, personal, answer] as const;
  connection.run(INSERT, request.orgcode, request.scope_mac, ...args);
}

/** Stores how the write ended. `record` is the one inserted. */
export function settleRecord(
  connection: GatewayConnection,
  request: RecordRequest,
  record: NewRecord,
  state: RecordState,
  answer: string | null,
): void {
  connection.run(SETTLE, state, record.personal, answer, ...ownRow(request, record));
}

/** Deletes the record of a write that was not done, or that needs no record. */
export function deleteRecord(connection: GatewayConnection, request: RecordRequest, record: NewRecord): void {
  connection.run(DELETE_OWN_ROW, ...ownRow(request, record));
}

/** Deletes up to `limit` expired records. */
export function deleteExpired(connection: GatewayConnection, now: number, limit: number): void {
  connection.run(DELETE_EXPIRED, now, limit);
}

/** The number of the newest record. It bounds the work of an erasure. */
export function lastRecordNumber(connection: GatewayConnection): number {
  return connection.one<{ last: number | null }>(LAST)?.last ?? 0;
}

/**
 * Erases up to `limit` stored responses of an org that hold personal data, except that of `except`. Returns how many;
 * fewer than `limit` means all.
 */
export function eraseResponses(
  connection: GatewayConnection,
  except: Pick<RecordRequest, 'orgcode' | 'scope_mac'>,
  last: number,
  limit: number,
): number {
  return connection.run(ERASE_RESPONSES, except.orgcode, except.scope_mac, last, limit);
}

function ownRow({ orgcode, scope_mac }: RecordRequest, { sender, request_id }: NewRecord) {
  return [orgcode, scope_mac, sender, request_id] as const;
}
