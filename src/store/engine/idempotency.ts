/**
 * Idempotency records: the response to the first call with a key is replayed for 24 h (contract §1). Does not decide
 * which responses are recorded; see unit-of-work.ts.
 */
import type { BackendResult } from '../../contract/backend.js';
import { canonical } from '../../contract/canonical-json.js';
import { type CrmError, type CrmErrorInit, idempotencyMismatch } from '../../contract/errors.js';
import { CONTRACT } from '../../contract/generated/contract.js';
import type { FieldPath, Operation } from '../../contract/operation.js';
import { erased } from '../../domain/erasure.js';
import type { Context } from './handler.js';
import { all, count, lockKey, run, type Step, type Steps } from './step.js';

const RETENTION_MS = 24 * 60 * 60 * 1000;

const FIND = `SELECT request_mac, answer, expires_at FROM receipt
  WHERE orgcode = ? AND actor = ? AND endpoint = ? AND idempotency_key = ?`;
/** A trigger allows records to be deleted only when they expired before the org's horizon, which only moves forward. */
const MOVE_HORIZON = `INSERT INTO receipt_horizon (orgcode, forgotten_until) VALUES (?, ?)
  ON CONFLICT (orgcode) DO UPDATE SET forgotten_until = excluded.forgotten_until
  WHERE excluded.forgotten_until > receipt_horizon.forgotten_until`;
const DELETE = 'DELETE FROM receipt WHERE orgcode = ? AND actor = ? AND endpoint = ? AND idempotency_key = ?';
const INSERT = `INSERT INTO receipt (orgcode, actor, endpoint, idempotency_key, request_mac, answer, expires_at, customer_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** The fields with personal data in the responses of an endpoint. */
const PERSONAL: ReadonlyMap<string, readonly FieldPath[]> = new Map(
  CONTRACT.operations.map(({ path, personal }) => [path, personal]),
);
const OF_CUSTOMER = `SELECT actor, endpoint, idempotency_key, answer FROM receipt
  WHERE orgcode = ? AND customer_id = ? AND (actor, endpoint, idempotency_key) > (?, ?, ?)
  ORDER BY actor, endpoint, idempotency_key LIMIT 100`;
const REWRITE = `UPDATE receipt SET answer = ?
  WHERE orgcode = ? AND actor = ? AND endpoint = ? AND idempotency_key = ?`;

/** Expired records deleted in one transaction, so that no commit waits for a large clean-up. */
const EXPIRED_PER_RUN = 500;
const DELETE_EXPIRED = `DELETE FROM receipt WHERE orgcode = ? AND (actor, endpoint, idempotency_key) IN (
  SELECT actor, endpoint, idempotency_key FROM receipt WHERE orgcode = ? AND expires_at <= ? LIMIT ${EXPIRED_PER_RUN})`;

/** A response as it is stored: a result or an error. The keys are part of the stored format. */
export type StoredResponse = { readonly performed: BackendResult } | { readonly refusal: CrmErrorInit };

/** A caller's key at an endpoint, and the request that came with it. */
export interface IdempotencyRequest {
  readonly key: string;
  readonly mac: string;
  /** Whether a stored hash is that of the same request, by any generation of the server key. */
  hasMac(stored: string): boolean;
  /** The customer whose id the request contains, if it contains one. */
  readonly customer_id: string | undefined;
}

/** The idempotency record that a call requests with its `idempotency_key`; undefined without one. */
export function idempotencyRequest(cx: Context, input: object): IdempotencyRequest | undefined {
  const { idempotency_key: key, ...body } = input as { idempotency_key?: string };
  if (key === undefined) return undefined;
  const text = canonical(body);
  const mac = cx.keys.mac('request', text);
  const hasMac = (stored: string) => stored === mac || stored === cx.keys.macLike(stored, 'request', text);
  return { key, mac, hasMac, customer_id: customerIn(body) };
}

function customerIn(record: object): string | undefined {
  const owners = [record, ...Object.values(record).filter((value) => typeof value === 'object' && value !== null)];
  const ids = owners.map((owner) => (owner as { customer_id?: unknown }).customer_id);
  return ids.find((id) => typeof id === 'string');
}

/**
 * The steps that look for an idempotency record. The first locks the key until the call has committed: of several calls
 * with one key, one acts, and the others wait and find its record.
 */
export function lookup(cx: Context, operation: Operation, { key }: IdempotencyRequest): readonly [Step, Step] {
  const scope = [cx.orgcode, cx.caller.actor, operation.path, key] as const;
  const [orgcode, ...name] = scope;
  return [lockKey(orgcode, 'receipt', ...name), { sql: FIND, args: scope, mode: 'one' }];
}

/** What `lookup` finds. */
export type FoundRecord =
  | { readonly request_mac: string; readonly answer: string; readonly expires_at: string }
  | undefined;

/**
 * The stored response to the same key and the same body. An expired record is deleted.
 * @throws CrmError 409 `crm.idempotency_mismatch` when the body differs.
 */
export function* storedResponse(
  cx: Context,
  operation: Operation,
  request: IdempotencyRequest,
  found: FoundRecord,
): Steps<StoredResponse | undefined> {
  if (found === undefined) return undefined;
  if (found.expires_at <= cx.retentionNow) {
    yield* run(MOVE_HORIZON, cx.orgcode, cx.retentionNow);
    yield* run(DELETE, cx.orgcode, cx.caller.actor, operation.path, request.key);
    return undefined;
  }
  if (!request.hasMac(found.request_mac)) throw idempotencyMismatch();
  return JSON.parse(found.answer) as StoredResponse;
}

/** Stores a response, without the fields that are shown only once. */
export function* saveIdempotencyRecord(
  cx: Context,
  operation: Operation,
  request: IdempotencyRequest,
  response: StoredResponse,
): Steps<void> {
  yield* run(
    INSERT,
    cx.orgcode,
    cx.caller.actor,
    operation.path,
    request.key,
    request.mac,
    JSON.stringify(withoutSecrets(operation, response)),
    new Date(cx.stamp.epoch_ms + RETENTION_MS).toISOString(),
    personalSubject(operation, request, response),
  );
}

/** The customer whose personal data the response holds, so that it is found when that customer is erased. */
function personalSubject(operation: Operation, request: IdempotencyRequest, response: StoredResponse): string | null {
  if (operation.personal.length === 0) return null;
  const record = 'performed' in response ? response.performed.data : (response.refusal.conflictSnapshot ?? {});
  return customerIn(record) ?? request.customer_id ?? null;
}

/** Removes the personal data from every stored response about a customer, who must be marked as erased already. */
export function* eraseIdempotencyRecords(orgcode: string, customerId: string): Steps<void> {
  let after: readonly [string, string, string] = ['', '', ''];
  for (;;) {
    const rows = yield* all<StoredRow>(OF_CUSTOMER, orgcode, customerId, ...after);
    for (const { actor, endpoint, idempotency_key, answer } of rows) {
      const blank = withoutPersonal(JSON.parse(answer) as StoredResponse, PERSONAL.get(endpoint) ?? []);
      after = [actor, endpoint, idempotency_key];
      yield* run(REWRITE, JSON.stringify(blank), orgcode, ...after);
    }
    if (rows.length === 0) return;
  }
}

interface StoredRow {
  readonly actor: string;
  readonly endpoint: string;
  readonly idempotency_key: string;
  readonly answer: string;
}

/** An error shows the record in its snapshot or its details, in the shape of `data`. */
function withoutPersonal(response: StoredResponse, paths: readonly FieldPath[]): StoredResponse {
  if ('performed' in response) {
    return { performed: { ...response.performed, data: erased(response.performed.data, paths) } };
  }
  const { details, conflictSnapshot, ...error } = response.refusal;
  return {
    refusal: {
      ...error,
      ...(details ? { details: erased(details, paths) } : {}),
      ...(conflictSnapshot ? { conflictSnapshot: erased(conflictSnapshot, paths) } : {}),
    },
  };
}

/** Deletes up to `EXPIRED_PER_RUN` records of an org that have expired at `now`, and returns how many. */
export function* deleteExpiredIdempotencyRecords(orgcode: string, now: string): Steps<number> {
  yield* run(MOVE_HORIZON, orgcode, now);
  return yield* count(DELETE_EXPIRED, orgcode, orgcode, now);
}

/** An error as it can be stored and thrown again. */
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

function withoutSecrets(operation: Operation, response: StoredResponse): StoredResponse {
  if ('refusal' in response || operation.shownOnce.length === 0) return response;
  const { data } = response.performed;
  const shown = operation.shownOnce.filter((field) => Object.hasOwn(data, field));
  const hidden = Object.fromEntries(shown.map((field) => [field, null]));
  return { performed: { ...response.performed, data: { ...data, ...hidden } } };
}
