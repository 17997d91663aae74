/** Tries again what may be tried again, while the deadline allows. Not: what one attempt is. */
import { type Deadline, pause } from './deadline.js';
import { UpstreamError } from './upstream-error.js';
import type { ParsedReply } from './upstream-reply.js';

const ATTEMPTS = 3;
const FIRST_BACKOFF_MS = 100;
/** An attempt with less time than this would only be cut off. */
const SHORTEST_ATTEMPT_MS = 50;

/** Refusals that the upstream itself may have got over a moment later. */
const PASSING = new Set([429, 500, 502, 503, 504]);

export interface RetryOptions {
  readonly deadline: Deadline;
  /** When aborted, nothing more is tried. */
  readonly signal: AbortSignal | undefined;
  /** What one attempt may have changed, no later one takes back. */
  readonly write: boolean;
  /** Only what surely did nothing is tried again: the operation counts what it is asked. */
  readonly counted: boolean;
  /** Unpredictable 32-bit numbers. */
  readonly random32: () => number;
}

/**
 * Runs `attempt` until it answers for good, at most three times, with exponential backoff and full jitter, and no
 * earlier than the upstream asks. A wait that would outlast the deadline is not begun: the last answer stands.
 * @throws the Fault of the last attempt; of a write, an earlier one after which it may have happened.
 */
export async function withRetries(attempt: () => Promise<ParsedReply>, options: RetryOptions): Promise<ParsedReply> {
  let doubt: UpstreamError | undefined;
  for (let count = 1; ; count += 1) {
    const ended = await settle(attempt);
    if (options.write && ended instanceof UpstreamError && ended.outcome === 'unknown') doubt ??= ended;
    const waitMs = backoff(count, options.random32) + (ended.retryAfterMs ?? 0);
    const again =
      count < ATTEMPTS &&
      isPassing(ended, options.counted) &&
      !isGone(options.signal) &&
      waitMs + SHORTEST_ATTEMPT_MS <= options.deadline.left();
    if (again) await pause(waitMs, options.signal);
    if (again && !isGone(options.signal)) continue;
    if (doubt !== undefined && (ended instanceof UpstreamError || isPassing(ended, false))) throw doubt;
    if (ended instanceof UpstreamError) throw ended;
    return ended;
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

function isPassing(ended: ParsedReply | UpstreamError, counted: boolean): boolean {
  if (ended instanceof UpstreamError) {
    return ended.transient && ended.reason !== 'breaker_open' && (!counted || ended.outcome === 'not_done');
  }
  const { envelope, status } = ended;
  if (envelope.success || !PASSING.has(status)) return false;
  return status === 429 || (!counted && envelope.error.retryable);
}

function isGone(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Full jitter: anything between nothing and a bound that doubles. */
function backoff(count: number, random32: () => number): number {
  return (FIRST_BACKOFF_MS * 2 ** (count - 1) * random32()) / 2 ** 32;
}
