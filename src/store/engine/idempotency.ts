/**
 * Idempotency receipts: the first answer to a key, given again for 24 h (contract §1). Not: which answers are worth
 * one.
 */
import type { BackendResult } from '../../contract/backend.js';
import { canonical } from '../../contract/canonical-json.js';
import { type CrmError, type CrmErrorInit, idempotencyMismatch } from '../../contract/errors.js';
import { CONTRACT } from '../../contract/generated/contract.js';
import type { FieldPath, Operation } from '../../contract/operation.js';
import { erased } from '../../domain/erasure.js';
import type { Context } from './handler.js';
import { all, one, run, type Steps } from './step.js';

const KEPT_MS = 24 * 60 * 60 * 1000;

const FIND = `SELECT request_mac, answer, expires_at FROM receipt
  WHERE orgcode = ? AND actor = ? AND endpoint = ? AND idempotency_key = ?`;
/** The database lets receipts go only up to here; it only moves on. */
const MOVE_HORIZON = `INSERT INTO receipt_horizon (orgcode, forgotten_until) VALUES (?, ?)
  ON CONFLICT (orgcode) DO UPDATE SET forgotten_until = excluded.forgotten_until
  WHERE excluded.forgotten_until > receipt_horizon.forgotten_until`;
const FORGET = 'DELETE FROM receipt WHERE orgcode = ? AND actor = ? AND endpoint = ? AND idempotency_key = ?';
const KEEP = `INSERT INTO receipt (orgcode, actor, endpoint, idempotency_key, request_mac, answer, expires_at, customer_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** Where the answers of an endpoint hold personal data. */
const PERSONAL: ReadonlyMap<string, readonly FieldPath[]> = new Map(
  CONTRACT.operations.map(({ path, personal }) => [path, personal]),
);
const OF_CUSTOMER = `SELECT actor, endpoint, idempotency_key, answer FROM receipt
  WHERE orgcode = ? AND customer_id = ? AND (actor, endpoint, idempotency_key) > (?, ?, ?)
  ORDER BY actor, endpoint, idempotency_key LIMIT 100`;
const REWRITE = `UPDATE receipt SET answer = ?
  WHERE orgcode = ? AND actor = ? AND endpoint = ? AND idempotency_key = ?`;

/** So that no commit waits for a large clean-up. */
const FORGET_AT_ONCE = 500;
const FORGET_EXPIRED = `DELETE FROM receipt WHERE orgcode = ? AND (actor, endpoint, idempotency_key) IN (
  SELECT actor, endpoint, idempotency_key FROM receipt WHERE orgcode = ? AND expires_at <= ? LIMIT ${FORGET_AT_ONCE})`;

/** What is kept of an answer. */
export type RecordedAnswer = { readonly performed: BackendResult } | { readonly refusal: CrmErrorInit };

/** One key of one caller at one endpoint, and the request that came with it. */
export interface IdempotencyRequest {
  readonly key: string;
  readonly mac: string;
  /** The customer the request names, when it names one. */
  readonly customer_id: string | undefined;
}

/** The receipt a call asks for, when it gives an `idempotency_key`. */
export function idempotencyRequest(cx: Context, input: object): IdempotencyRequest | undefined {
  const { idempotency_key: key, ...body } = input as { idempotency_key?: string };
  if (key === undefined) return undefined;
  return { key, mac: cx.keys.mac('request', canonical(body)), customer_id: customerIn(body) };
}

function customerIn(record: object): string | undefined {
  const owners = [record, ...Object.values(record).filter((value) => typeof value === 'object' && value !== null)];
  const ids = owners.map((owner) => (owner as { customer_id?: unknown }).customer_id);
  return ids.find((id) => typeof id === 'string');
}

/**
 * The kept answer to the same key and the same body.
 * @throws CrmError 409 `crm.idempotency_mismatch` when the body differs.
 */
export function* findIdempotencyRecord(
  cx: Context,
  operation: Operation,
  request: IdempotencyRequest,
): Steps<RecordedAnswer | undefined> {
  const scope = [cx.orgcode, cx.caller.actor, operation.path, request.key] as const;
  const row = yield* one<{ request_mac: string; answer: string; expires_at: string }>(FIND, ...scope);
  if (row === undefined) return undefined;
  if (row.expires_at <= cx.stamp.now) {
    yield* run(MOVE_HORIZON, cx.orgcode, cx.stamp.now);
    yield* run(FORGET, ...scope);
    return undefined;
  }
  if (row.request_mac !== request.mac) throw idempotencyMismatch();
  return JSON.parse(row.answer) as RecordedAnswer;
}

/** Keeps an answer, without the fields that are shown once only. */
export function* saveIdempotencyRecord(
  cx: Context,
  operation: Operation,
  request: IdempotencyRequest,
  answer: RecordedAnswer,
): Steps<void> {
  yield* run(
    KEEP,
    cx.orgcode,
    cx.caller.actor,
    operation.path,
    request.key,
    request.mac,
    JSON.stringify(withoutSecrets(operation, answer)),
    new Date(cx.stamp.epoch_ms + KEPT_MS).toISOString(),
    personalSubject(operation, request, answer),
  );
}

/** Whose personal data the answer holds, so that it can be found when theirs is erased. */
function personalSubject(operation: Operation, request: IdempotencyRequest, answer: RecordedAnswer): string | null {
  if (operation.personal.length === 0) return null;
  const told = 'performed' in answer ? answer.performed.data : (answer.refusal.conflictSnapshot ?? {});
  return customerIn(told) ?? request.customer_id ?? null;
}

/** Takes the personal data out of every kept answer about a customer, which must be marked as erased already. */
export function* eraseIdempotencyRecords(orgcode: string, customerId: string): Steps<void> {
  let after: readonly [string, string, string] = ['', '', ''];
  for (;;) {
    const receipts = yield* all<KeptAnswer>(OF_CUSTOMER, orgcode, customerId, ...after);
    for (const { actor, endpoint, idempotency_key, answer } of receipts) {
      const blank = withoutPersonal(JSON.parse(answer) as RecordedAnswer, PERSONAL.get(endpoint) ?? []);
      after = [actor, endpoint, idempotency_key];
      yield* run(REWRITE, JSON.stringify(blank), orgcode, ...after);
    }
    if (receipts.length === 0) return;
  }
}

interface KeptAnswer {
  readonly actor: string;
  readonly endpoint: string;
  readonly idempotency_key: string;
  readonly answer: string;
}

/** A refusal shows the record as `data` would, in its snapshot or its details. */
function withoutPersonal(answer: RecordedAnswer, paths: readonly FieldPath[]): RecordedAnswer {
  if ('performed' in answer) {
    return { performed: { ...answer.performed, data: erased(answer.performed.data, paths) } };
  }
  const { details, conflictSnapshot, ...refusal } = answer.refusal;
  return {
    refusal: {
      ...refusal,
      ...(details ? { details: erased(details, paths) } : {}),
      ...(conflictSnapshot ? { conflictSnapshot: erased(conflictSnapshot, paths) } : {}),
    },
  };
}

/** Forgets up to `FORGET_AT_ONCE` receipts of an org that have expired at `now`. */
export function* deleteExpiredIdempotencyRecords(orgcode: string, now: string): Steps<void> {
  yield* run(MOVE_HORIZON, orgcode, now);
  yield* run(FORGET_EXPIRED, orgcode, orgcode, now);
}

/** A refusal as it can be kept and thrown again. */
export function errorInit(error: CrmError): CrmErrorInit {
  return {
    code: error.code,
    tag: error.tag,
    message: error.message,
    status: error.status,
    retryable: error.retryable,
    ...(error.details ? { details: error.details } : {}),
    ...(error.conflictSnapshot ? { conflictSnapshot: error.conflictSnapshot } : {}),
    ...(error.nextSteps ? { nextSteps: error.nextSteps } : {}),
  };
}

function withoutSecrets(operation: Operation, answer: RecordedAnswer): RecordedAnswer {
  if ('refusal' in answer || operation.shownOnce.length === 0) return answer;
  const hidden = Object.fromEntries(operation.shownOnce.map((field) => [field, null]));
  return { performed: { ...answer.performed, data: { ...answer.performed.data, ...hidden } } };
}
