/** Errors for a write that was sent before and is not sent again. idempotent-send.ts decides when they apply. */
import { CrmError } from '../contract/errors.js';
import { gatewayError } from './upstream-error.js';

/** What may be reported about the earlier call. */
export interface PreviousCall {
  readonly request_id: string;
  /** Milliseconds since the epoch. */
  readonly sent_ms: number;
  /** When its idempotency record expires; milliseconds since the epoch. */
  readonly expires_ms: number;
  /** It had an idempotency_key. */
  readonly keyed: boolean;
  /** The operation accepts idempotency keys. */
  readonly acceptsKey: boolean;
  /** The tools that can show whether it happened. */
  readonly outcomeProbes: readonly string[];
}

/** 504: the call was sent once and its outcome is unknown. */
export function outcomeUnknown(previous: PreviousCall): CrmError {
  return gatewayError({
    code: 'crm.gateway_timeout',
    status: 504,
    message: `The same call was sent at ${iso(previous.sent_ms)} and its outcome is unknown. It was not sent again.`,
    retryable: false,
    outcome: 'unknown',
    details: firstCall(previous),
    nextSteps: [readFirst(previous), callAgain(previous)],
  });
}

/**
 * 504: the call was sent by another process and may still get its response, or this process waited too long for it.
 * With a key the same call can be retried and gets that response. Without a key a later call would be a new one.
 */
export function stillRunning(previous: PreviousCall, retryAfterMs: number): CrmError {
  return gatewayError({
    code: 'crm.gateway_timeout',
    status: 504,
    message: `The same call was sent at ${iso(previous.sent_ms)} and is still under way. It was not sent again.`,
    retryable: previous.keyed,
    outcome: 'unknown',
    details: { ...firstCall(previous), retry_after_ms: Math.max(0, retryAfterMs) },
    nextSteps: previous.keyed
      ? ['Wait for details.retry_after_ms, then repeat the very same call with the same idempotency_key.']
      : ['Wait for details.retry_after_ms.', readFirst(previous), callAgain(previous)],
  });
}

/** 409: the response is not stored: it was too long, or was erased with a customer's personal data. */
export function responseNotStored(previous: PreviousCall, ended: 'done' | 'refused'): CrmError {
  return new CrmError({
    code: 'crm.answer_not_kept',
    tag: 'conflict',
    message: `The same call was sent before and was ${ended}. Its answer is not kept, and it was not sent again.`,
    details: firstCall(previous),
    nextSteps: [
      ended === 'done' ? `Take it as done. ${readFirst(previous)}` : readFirst(previous),
      'For a new action, use a new idempotency_key.',
    ],
    replayed: true,
  });
}

/** 503: the idempotency record could not be written, so nothing was sent. */
export function recordNotWritten(cause: unknown): CrmError {
  const outage = cause instanceof CrmError ? cause : undefined;
  const error = gatewayError({
    code: 'crm.storage_unavailable',
    status: 503,
    message: `The receipt of this call could not be written, so it was not sent. ${outage?.message ?? ''}`.trimEnd(),
    retryable: true,
    outcome: 'not_done',
    nextSteps: outage?.nextSteps ?? ['Wait a moment and repeat the call.'],
  });
  error.cause = cause;
  return error;
}

function firstCall({ request_id, sent_ms }: PreviousCall) {
  return { first_sent_at: iso(sent_ms), first_request_id: request_id };
}

function readFirst({ outcomeProbes }: PreviousCall): string {
  const where = outcomeProbes.length === 0 ? 'Read the record' : `Call ${outcomeProbes.join(' or ')}`;
  return `${where} to see whether it happened.`;
}

function callAgain({ keyed, acceptsKey, expires_ms }: PreviousCall): string {
  if (keyed) return 'If it did not happen, call again with a new idempotency_key.';
  if (acceptsKey) return 'If it did not happen, call again with an idempotency_key: that is a new call.';
  return `If it did not happen, call again after ${iso(expires_ms)}.`;
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
