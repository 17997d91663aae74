/**
 * One change as a whole: its receipt if there is one, else its handler, its journal row and a new receipt. Not: when
 * it runs, and whether it stays.
 */
import type { Performed } from '../../contract/backend.js';
import { CrmError, IDEMPOTENCY_MISMATCH } from '../../contract/errors.js';
import type { Operation } from '../../contract/operation.js';
import type { AnyHandler, Context, Refused, Written } from './handler.js';
import { type Answer, findReceipt, keepReceipt, type ReceiptRequest, refusalInit } from './idempotency.js';
import { appendJournal } from './journal.js';
import type { Steps } from './step.js';

/** What is to be done, and the receipt it asks for, if it asks for one. */
export interface Unit {
  readonly cx: Context;
  readonly operation: Operation;
  readonly handler: AnyHandler;
  readonly input: object;
  readonly request: ReceiptRequest | undefined;
}

export interface UnitDone {
  readonly answer: Answer;
  /** Whether it changed a record; a counted failure, a receipt and a replay do not. */
  readonly changed: boolean;
}

/** Runs a unit. @throws CrmError for a refusal that undoes it. */
export function* runUnit({ cx, operation, handler, input, request }: Unit): Steps<UnitDone> {
  if (request !== undefined) {
    const kept = yield* findReceipt(cx, operation, request);
    if (kept !== undefined) return { answer: replay(kept), changed: false };
  }
  const { idempotency_key: _, ...rest } = input as { idempotency_key?: string };
  const outcome = yield* handler(cx, rest);
  const answer: Answer = isRefused(outcome)
    ? { refusal: refusalInit(outcome.refusal) }
    : { performed: performed(outcome) };
  const changed = isWritten(outcome) && outcome.fields.length > 0;
  if (changed) yield* appendJournal(cx, operation, outcome, rest);
  if (request !== undefined && !(isRefused(outcome) && outcome.refusal.retryable)) {
    yield* keepReceipt(cx, operation, request, answer);
  }
  return { answer, changed };
}

/** What stays of a unit that this refusal undid: its receipt, where one is kept. */
export function keepRefusal({ cx, operation, request }: Unit, refusal: CrmError): Steps<void> | undefined {
  const keep = request !== undefined && !refusal.retryable && refusal.code !== IDEMPOTENCY_MISMATCH;
  return keep ? keepReceipt(cx, operation, request, { refusal: refusalInit(refusal) }) : undefined;
}

/** What was performed. @throws CrmError when the answer is a refusal. */
export function performedOf(answer: Answer): Performed {
  if ('refusal' in answer) throw new CrmError(answer.refusal);
  return answer.performed;
}

function replay(kept: Answer): Answer {
  return 'refusal' in kept
    ? { refusal: { ...kept.refusal, replayed: true } }
    : { performed: { ...kept.performed, replayed: true } };
}

function performed(outcome: object): Performed {
  const data = isWritten(outcome) ? outcome.data : outcome;
  const { revision } = data as { revision?: number };
  return revision === undefined ? { data } : { data, revision };
}

function isWritten(outcome: object): outcome is Written<object> {
  return 'target_id' in outcome && 'fields' in outcome && 'data' in outcome;
}

function isRefused(outcome: object): outcome is Refused {
  return 'refusal' in outcome;
}
