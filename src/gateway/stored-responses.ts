/**
 * Responses to writes: which are stored, in what form, and how one is replayed. They are stored in the rows of
 * idempotency-table.ts.
 */
import type { Stamp } from '../contract/backend.js';
import type { Envelope, ErrorEnvelope } from '../contract/envelope.js';
import { CrmError, type ErrorTag, IDEMPOTENCY_MISMATCH } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { outcomeOf } from './upstream-error.js';

/** A longer response is not stored: a repeated call learns only that the write was done. */
export const MAX_STORED_RESPONSE_BYTES = 256 * 1024;

/**
 * What a response, or the lack of one, means for a write. `not_done`: it may be sent again. `unknown`: it may have
 * happened. `done` and `refused` are final: from now on they are the response to the same idempotency_key.
 */
export type WriteVerdict = 'not_done' | 'unknown' | 'done' | 'refused';

/**
 * Tags of errors from step 9 of the contract's checks. Other tags also occur in earlier steps, which are not stored.
 */
const DOMAIN_TAGS: ReadonlySet<ErrorTag> = new Set(['conflict', 'invalid-state', 'expected-revision-required']);
const UNAVAILABLE = 503;

/** The verdict of a response of the upstream. */
export function verdictOf(envelope: Envelope): WriteVerdict {
  if (envelope.success) return 'done';
  const { error } = envelope;
  if (error.http_status >= 500 || error.major.tag === 'internal-error') {
    return reportsNotDone(error) ? 'not_done' : 'unknown';
  }
  const final = DOMAIN_TAGS.has(error.major.tag) && !error.retryable && error.error_code !== IDEMPOTENCY_MISMATCH;
  return final ? 'refused' : 'not_done';
}

/** True when a failing upstream reports the outcome explicitly, or was unavailable and marks the call as retryable. */
function reportsNotDone({ details, http_status, retryable }: ErrorEnvelope['error']): boolean {
  if (details?.outcome !== undefined) return details.outcome === 'not_done';
  return http_status === UNAVAILABLE && retryable;
}

/**
 * The verdict of an error: the outcome it reports; `not_done` for a CrmError below 500, which was raised before
 * sending; `unknown` for anything unexpected.
 */
export function verdictOfError(thrown: unknown): WriteVerdict {
  const outcome = outcomeOf(thrown);
  if (outcome !== undefined) return outcome;
  return thrown instanceof CrmError && thrown.status < 500 ? 'not_done' : 'unknown';
}

/** The text to store of a response; undefined when it is too long. */
export function storableText(operation: Operation, envelope: Envelope): string | undefined {
  const text = JSON.stringify(storableEnvelope(operation, envelope));
  return Buffer.byteLength(text) > MAX_STORED_RESPONSE_BYTES ? undefined : text;
}

/** The response without the fields that are shown only once. */
export function storableEnvelope(operation: Operation, envelope: Envelope): Envelope {
  if (!envelope.success || operation.shownOnce.length === 0) return envelope;
  const hidden = Object.fromEntries(
    operation.shownOnce.filter((field) => Object.hasOwn(envelope.data, field)).map((field) => [field, null]),
  );
  return { ...envelope, data: { ...envelope.data, ...hidden } };
}

/** A stored response as that of another call: with its ids and times, marked as a replay (contract §1). */
export function replayOf(stored: Envelope, stamp: Stamp, now: number): Envelope {
  const { request_id, trace_id } = stamp;
  const stats = {
    ...stored.stats,
    timestamp_utc: stamp.now,
    request_id,
    trace_id,
    latency_ms: Math.max(0, Math.round(now - stamp.epoch_ms)),
    idempotent_replay: true as const,
  };
  if (stored.success) return { ...stored, stats };
  return { ...stored, error: { ...stored.error, request_id, trace_id }, stats };
}
