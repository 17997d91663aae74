/**
 * The unit of work of a change: replays its idempotency record if there is one; else runs the handler, and writes the
 * journal row and a new idempotency record. The lookup shares a round trip with the handler's locks (locks.ts) and its
 * first reads. Does not begin or commit transactions; see the driver.
 */
import type { BackendResult } from '../../contract/backend.js';
import { CrmError, IDEMPOTENCY_MISMATCH } from '../../contract/errors.js';
import type { Operation } from '../../contract/operation.js';
import { type Started, start } from './first-steps.js';
import type { AnyHandler, Context, RejectedWrite, Written } from './handler.js';
import {
  errorInit,
  type FoundRecord,
  type IdempotencyRequest,
  lookup,
  type StoredResponse,
  saveIdempotencyRecord,
  storedResponse,
} from './idempotency.js';
import { appendJournal } from './journal.js';
import { isAwaited, type Step, type Steps } from './step.js';

/** A call to run, and the idempotency record it requests, if it requests one. */
export interface UnitOfWork {
  readonly cx: Context;
  readonly operation: Operation;
  readonly handler: AnyHandler;
  readonly input: object;
  readonly request: IdempotencyRequest | undefined;
}

export interface UnitResult {
  readonly response: StoredResponse;
  /** Whether a record was changed; a counted failure, an idempotency record and a replay do not count. */
  readonly changed: boolean;
}

/** Runs a unit of work. @throws CrmError for an error that rolls it back. */
export function* runUnitOfWork(unit: UnitOfWork): Steps<UnitResult> {
  const { cx, operation, handler, input, request } = unit;
  const { idempotency_key: _, ...rest } = input as { idempotency_key?: string };
  if (request === undefined) return yield* settle(unit, rest, yield* handler(cx, rest));
  const started = cx.dialect.hasManyWriters ? startOrError(() => handler(cx, rest)) : later(() => handler(cx, rest));
  const { found, early } = yield* lookUpWith(lookup(cx, operation, request), started.early);
  const stored = yield* storedResponse(cx, operation, request, found);
  if (stored !== undefined) return { response: replay(stored), changed: false };
  return yield* settle(unit, rest, yield* started.finish(early));
}

/** Looks for the record after the handler's locks, so that an engine can join the lookup with the handler's reads. */
function* lookUpWith(
  [lock, find]: readonly [Step, Step],
  early: readonly Step[],
): Steps<{ found: FoundRecord; early: readonly unknown[] }> {
  const firstRead = early.findIndex(isAwaited);
  const locks = firstRead === -1 ? early.length : firstRead;
  const results = (yield [lock, ...early.slice(0, locks), find, ...early.slice(locks)]) as readonly unknown[];
  const [found] = results.slice(locks + 1);
  return { found: found as FoundRecord, early: results.slice(1).filter((_, index) => index !== locks) };
}

/** Starts nothing yet: where a round trip costs nothing, a replay need not read more than its record. */
function later(handler: () => Steps<object>): Started<object> {
  return { early: [], finish: handler };
}

/** Starts the handler. An error that it throws at once comes after the lookup: a stored response has precedence. */
function startOrError(handler: () => Steps<object>): Started<object> {
  try {
    return start(handler());
  } catch (error) {
    return {
      early: [],
      finish: () => {
        throw error;
      },
    };
  }
}

/** Makes the response, and writes the journal row and the idempotency record. */
function* settle({ cx, operation, request }: UnitOfWork, input: object, outcome: object): Steps<UnitResult> {
  const response: StoredResponse = isRejected(outcome)
    ? { refusal: errorInit(outcome.error) }
    : { performed: toResult(outcome) };
  const changed = isWritten(outcome) && outcome.fields.length > 0;
  if (changed) yield* appendJournal(cx, operation, outcome, input);
  if (request !== undefined && !(isRejected(outcome) && outcome.error.retryable)) {
    yield* saveIdempotencyRecord(cx, operation, request, response);
  }
  return { response, changed };
}

/** Stores the idempotency record of a unit that was rolled back by this error, if the error is to be replayed. */
export function recordError({ cx, operation, request }: UnitOfWork, error: CrmError): Steps<void> | undefined {
  const isStored = request !== undefined && !error.retryable && error.code !== IDEMPOTENCY_MISMATCH;
  return isStored ? saveIdempotencyRecord(cx, operation, request, { refusal: errorInit(error) }) : undefined;
}

/** The result in a response. @throws CrmError when the response is an error. */
export function resultOf(response: StoredResponse): BackendResult {
  if ('refusal' in response) throw new CrmError(response.refusal);
  return response.performed;
}

function replay(stored: StoredResponse): StoredResponse {
  return 'refusal' in stored
    ? { refusal: { ...stored.refusal, replayed: true } }
    : { performed: { ...stored.performed, replayed: true } };
}

function toResult(outcome: object): BackendResult {
  const data = isWritten(outcome) ? outcome.data : outcome;
  const { revision } = data as { revision?: number };
  return revision === undefined ? { data } : { data, revision };
}

function isWritten(outcome: object): outcome is Written<object> {
  return 'target_id' in outcome && 'fields' in outcome && 'data' in outcome;
}

function isRejected(outcome: object): outcome is RejectedWrite {
  return 'error' in outcome;
}
