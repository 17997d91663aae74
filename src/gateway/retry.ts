/** Retries an attempt while its error is transient and the deadline allows. */
import { type Deadline, pause } from './deadline.js';
import { UpstreamError } from './upstream-error.js';
import type { ParsedReply } from './upstream-reply.js';

const ATTEMPTS = 3;
const FIRST_BACKOFF_MS = 100;
/** With less time than this, an attempt would only run into the deadline. */
const SHORTEST_ATTEMPT_MS = 50;

/** Status codes after which the upstream may recover within moments. */
const TRANSIENT_STATUSES = new Set([429, 500, 502, 503, 504]);

export interface RetryOptions {
  readonly deadline: Deadline;
  /** No further attempt is made after it is aborted. */
  readonly signal: AbortSignal | undefined;
  /** The request is a write: what one attempt may have changed, a later attempt cannot undo. */
  readonly write: boolean;
  /** The operation counts requests, so only an attempt that certainly did nothing is retried. */
  readonly counted: boolean;
  /** Unpredictable 32-bit numbers. */
  readonly random32: () => number;
  /** Called before each attempt but the first. */
  readonly onRetry?: () => void;
}

/**
 * Runs `attempt` until its result is final, at most three times, with exponential backoff and full jitter, and no
 * earlier than the upstream requests. When a wait would exceed the deadline, the last result is returned.
 * @throws the UpstreamError of the last attempt; for a write, that of the first attempt whose outcome is unknown.
 */
export async function withRetries(attempt: () => Promise<ParsedReply>, options: RetryOptions): Promise<ParsedReply> {
  let uncertain: UpstreamError | undefined;
  for (let count = 1; ; count += 1) {
    const result = await settle(attempt);
    if (options.write && result instanceof UpstreamError && result.outcome === 'unknown') uncertain ??= result;
    const waitMs = backoff(count, options.random32) + (result.retryAfterMs ?? 0);
    const retry =
      count < ATTEMPTS &&
      isTransient(result, options.counted) &&
      !isAborted(options.signal) &&
      waitMs + SHORTEST_ATTEMPT_MS <= options.deadline.left();
    if (retry) await pause(waitMs, options.signal);
    if (retry && !isAborted(options.signal)) {
      options.onRetry?.();
      continue;
    }
    if (uncertain !== undefined && (result instanceof UpstreamError || isTransient(result, false))) throw uncertain;
    if (result instanceof UpstreamError) throw result;
    return result;
  }
}

async function settle(attempt: () => Promise<ParsedReply>): Promise<ParsedReply | UpstreamError> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof UpstreamError) return error;
    throw error;
  }
}

function isTransient(result: ParsedReply | UpstreamError, counted: boolean): boolean {
  if (result instanceof UpstreamError) {
    return result.transient && result.reason !== 'breaker_open' && (!counted || result.outcome === 'not_done');
  }
  const { envelope, status } = result;
  if (envelope.success || !TRANSIENT_STATUSES.has(status)) return false;
  return status === 429 || (!counted && envelope.error.retryable);
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Full jitter: between zero and a bound that doubles with each attempt. */
function backoff(count: number, random32: () => number): number {
  return (FIRST_BACKOFF_MS * 2 ** (count - 1) * random32()) / 2 ** 32;
}
