/** Answers to writes: which are kept, in what form, and how one is given again. Not: where they are kept. */
import type { Stamp } from '../contract/backend.js';
import type { Envelope, ErrorEnvelope } from '../contract/envelope.js';
import { CrmError, type ErrorTag, IDEMPOTENCY_MISMATCH } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { outcomeOf } from './upstream-error.js';

/** A longer answer is not kept: its replay says only that it was done. */
export const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * What an answer, or the lack of one, says of a write. `not_done`: it may be sent again. `unknown`: it may have
 * happened. `done` and `refused` are final, and what the same idempotency_key is answered from now on.
 */
export type AnswerVerdict = 'not_done' | 'unknown' | 'done' | 'refused';

/** Refusals of step 9 of the contract's checks. Other tags stand for earlier steps too, and those are never kept. */
const DOMAIN_TAGS: ReadonlySet<ErrorTag> = new Set(['conflict', 'invalid-state', 'expected-revision-required']);
const UNAVAILABLE = 503;

/** What an upstream's answer says. */
export function verdictOf(envelope: Envelope): AnswerVerdict {
  if (envelope.success) return 'done';
  const { error } = envelope;
  if (error.http_status >= 500 || error.major.tag === 'internal-error') {
    return saysNotDone(error) ? 'not_done' : 'unknown';
  }
  const final = DOMAIN_TAGS.has(error.major.tag) && !error.retryable && error.error_code !== IDEMPOTENCY_MISMATCH;
  return final ? 'refused' : 'not_done';
}

/** A failing upstream is believed when it says so outright, or was not there and asks for the call again. */
function saysNotDone({ details, http_status, retryable }: ErrorEnvelope['error']): boolean {
  if (details?.outcome !== undefined) return details.outcome === 'not_done';
  return http_status === UNAVAILABLE && retryable;
}

/** What a fault says: what it reports; a refusal of ours was not sent; anything unforeseen may have happened. */
export function verdictOfError(thrown: unknown): AnswerVerdict {
  const outcome = outcomeOf(thrown);
  if (outcome !== undefined) return outcome;
  return thrown instanceof CrmError && thrown.status < 500 ? 'not_done' : 'unknown';
}

/** The text of an answer as it may be kept; undefined when it is too long. */
export function keptText(operation: Operation, envelope: Envelope): string | undefined {
  const text = JSON.stringify(keptForm(operation, envelope));
  return Buffer.byteLength(text) > MAX_ANSWER_BYTES ? undefined : text;
}

/** An answer without what is shown once only. */
export function keptForm(operation: Operation, envelope: Envelope): Envelope {
  if (!envelope.success || operation.shownOnce.length === 0) return envelope;
  const hidden = Object.fromEntries(operation.shownOnce.map((field) => [field, null]));
  return { ...envelope, data: { ...envelope.data, ...hidden } };
}

/** A kept answer as another call's: its own names and times, and a mark that it is a repetition (contract §1). */
export function replayOf(kept: Envelope, stamp: Stamp, now: number): Envelope {
  const { request_id, trace_id } = stamp;
  const stats = {
    ...kept.stats,
    timestamp_utc: stamp.now,
    request_id,
    trace_id,
    latency_ms: Math.max(0, Math.round(now - stamp.epoch_ms)),
    idempotent_replay: true as const,
  };
  if (kept.success) return { ...kept, stats };
  return { ...kept, error: { ...kept.error, request_id, trace_id }, stats };
}
