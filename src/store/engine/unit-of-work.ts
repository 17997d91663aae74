/**
 * One change as a whole: its receipt if there is one, else its handler, its journal row and a new receipt. Not: when
 * it runs, and whether it stays.
 */
import type { BackendResult } from '../../contract/backend.js';
import { CrmError, IDEMPOTENCY_MISMATCH } from '../../contract/errors.js';
import type { Operation } from '../../contract/operation.js';
import type { AnyHandler, Context, RejectedWrite, Written } from './handler.js';
import {
  errorInit,
  findIdempotencyRecord,
  type IdempotencyRequest,
  type RecordedAnswer,
  saveIdempotencyRecord,
} from './idempotency.js';
import { appendJournal } from './journal.js';
import type { Steps } from './step.js';

/** What is to be done, and the receipt it asks for, if it asks for one. */
export interface UnitOfWork {
  readonly cx: Context;
  readonly operation: Operation;
  readonly handler: AnyHandler;
  readonly input: object;
  readonly request: IdempotencyRequest | undefined;
}

export interface UnitResult {
  readonly answer: RecordedAnswer;
  /** Whether it changed a record; a counted failure, a receipt and a replay do not. */
  readonly changed: boolean;
}

/** Runs a unit. @throws CrmError for a refusal that undoes it. */
export function* runUnitOfWork({ cx, operation, handler, input, request }: UnitOfWork): Steps<UnitResult> {
  if (request !== undefined) {
    const kept = yield* findIdempotencyRecord(cx, operation, request);
    if (kept !== undefined) return { answer: replay(kept), changed: false };
  }
  const { idempotency_key: _, ...rest } = input as { idempotency_key?: string };
  const outcome = yield* handler(cx, rest);
  const answer: RecordedAnswer = isRefused(outcome)
    ? { refusal: errorInit(outcome.error) }
    : { performed: performed(outcome) };
  const changed = isWritten(outcome) && outcome.fields.length > 0;
  if (changed) yield* appendJournal(cx, operation, outcome, rest);
  if (request !== undefined && !(isRefused(outcome) && outcome.error.retryable)) {
    yield* saveIdempotencyRecord(cx, operation, request, answer);
  }
  return { answer, changed };
}

/** What stays of a unit that this refusal undid: its receipt, where one is kept. */
export function recordError({ cx, operation, request }: UnitOfWork, refusal: CrmError): Steps<void> | undefined {
  const keep = request !== undefined && !refusal.retryable && refusal.code !== IDEMPOTENCY_MISMATCH;
  return keep ? saveIdempotencyRecord(cx, operation, request, { refusal: errorInit(refusal) }) : undefined;
}

/** What was performed. @throws CrmError when the answer is a refusal. */
export function resultOf(answer: RecordedAnswer): BackendResult {
  if ('refusal' in answer) throw new CrmError(answer.refusal);
  return answer.performed;
}

function replay(kept: RecordedAnswer): RecordedAnswer {
  return 'refusal' in kept
    ? { refusal: { ...kept.refusal, replayed: true } }
    : { performed: { ...kept.performed, replayed: true } };
}

function performed(outcome: object): BackendResult {
  const data = isWritten(outcome) ? outcome.data : outcome;
  const { revision } = data as { revision?: number };
  return revision === undefined ? { data } : { data, revision };
}

function isWritten(outcome: object): outcome is Written<object> {
  return 'target_id' in outcome && 'fields' in outcome && 'data' in outcome;
}

function isRefused(outcome: object): outcome is RejectedWrite {
  return 'error' in outcome;
}
