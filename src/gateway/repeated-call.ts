/** What a caller is told whose write was sent before, and is not sent again. Not: when that is so. */
import { CrmError } from '../contract/errors.js';
import { gatewayError } from './upstream-error.js';

/** The earlier call, as far as it may be told. */
export interface PastCall {
  readonly request_id: string;
  /** Milliseconds since the epoch. */
  readonly sent_ms: number;
  /** When it is forgotten. */
  readonly expires_ms: number;
  /** It had an idempotency_key. */
  readonly keyed: boolean;
  /** The operation knows idempotency keys. */
  readonly acceptsKey: boolean;
  /** The tools whose answer tells whether it happened. */
  readonly reads: readonly string[];
}

/** 504: sent once, and nobody knows what became of it. */
export function outcomeUnknown(past: PastCall): CrmError {
  return gatewayError({
    code: 'crm.gateway_timeout',
    status: 504,
    message: `The same call was sent at ${iso(past.sent_ms)} and its outcome is unknown. It was not sent again.`,
    retryable: false,
    outcome: 'unknown',
    details: first(past),
    nextSteps: [readFirst(past), callAnew(past)],
  });
}

/**
 * 504: sent by another process, which may still have its answer to come; or awaited here for too long. With a key the
 * very same call may be tried again, and learns the answer; without one a try after the answer would be a new call.
 */
export function stillRunning(past: PastCall, retryAfterMs: number): CrmError {
  return gatewayError({
    code: 'crm.gateway_timeout',
    status: 504,
    message: `The same call was sent at ${iso(past.sent_ms)} and is still under way. It was not sent again.`,
    retryable: past.keyed,
    outcome: 'unknown',
    details: { ...first(past), retry_after_ms: Math.max(0, retryAfterMs) },
    nextSteps: past.keyed
      ? ['Wait for details.retry_after_ms, then repeat the very same call with the same idempotency_key.']
      : ['Wait for details.retry_after_ms.', readFirst(past), callAnew(past)],
  });
}

/** 409: it was answered, and the answer is gone: too long, or erased with somebody's personal data. */
export function answerNotKept(past: PastCall, ended: 'done' | 'refused'): CrmError {
  return new CrmError({
    code: 'crm.answer_not_kept',
    tag: 'conflict',
    message: `The same call was sent before and was ${ended}. Its answer is not kept, and it was not sent again.`,
    details: first(past),
    nextSteps: [
      ended === 'done' ? `Take it as done. ${readFirst(past)}` : readFirst(past),
      'For a new action, use a new idempotency_key.',
    ],
    replayed: true,
  });
}

/** 503: without a receipt nothing is sent. */
export function recordNotWritten(cause: unknown): CrmError {
  const fault = gatewayError({
    code: 'crm.storage_unavailable',
    status: 503,
    message: 'The receipt of this call could not be written, so it was not sent.',
    retryable: true,
    outcome: 'not_done',
    nextSteps: ['Wait a moment and repeat the call.'],
  });
  fault.cause = cause;
  return fault;
}

function first({ request_id, sent_ms }: PastCall) {
  return { first_sent_at: iso(sent_ms), first_request_id: request_id };
}

function readFirst({ reads }: PastCall): string {
  const where = reads.length === 0 ? 'Read the record' : `Call ${reads.join(' or ')}`;
  return `${where} to see whether it happened.`;
}

function callAnew({ keyed, acceptsKey, expires_ms }: PastCall): string {
  if (keyed) return 'If it did not happen, call again with a new idempotency_key.';
  if (acceptsKey) return 'If it did not happen, call again with an idempotency_key: that is a new call.';
  return `If it did not happen, call again after ${iso(expires_ms)}.`;
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
