/**
 * Circuit breaker in front of the upstream: closed, open, or half open with one trial request. Does not decide what
 * counts as a failure; see relay.ts.
 */
import { UpstreamError } from './upstream-error.js';

/** This many consecutive failures open the breaker. */
const FAILURE_THRESHOLD = 10;
const OPEN_MS = 5_000;

/** How an admitted attempt ended. `neither`: the end says nothing about the state of the upstream. */
export type AttemptResult = 'answered' | 'failed' | 'neither';

export interface Breaker {
  /**
   * Admits an attempt. The caller must call the returned function once, with the result of the attempt.
   * @throws UpstreamError `breaker_open` with the time to wait, while the breaker is open.
   */
  enter(): (result: AttemptResult) => void;
  /** Whether it is open, or half open. */
  isOpen(): boolean;
}

/** `clock` is monotonic, in milliseconds. `onChange` is called each time the breaker opens or closes. */
export function createBreaker(clock: () => number, onChange: (state: 'open' | 'closed') => void): Breaker {
  let failures = 0;
  /** While the breaker is open: when the next trial request may be sent. */
  let openUntil: number | undefined;
  let trialInFlight = false;

  const answered = () => {
    failures = 0;
    if (openUntil === undefined) return;
    openUntil = undefined;
    onChange('closed');
  };

  const failed = () => {
    failures += 1;
    if (failures < FAILURE_THRESHOLD) return;
    const opens = openUntil === undefined;
    openUntil = clock() + OPEN_MS;
    if (opens) onChange('open');
  };

  return {
    isOpen: () => openUntil !== undefined,
    enter() {
      const isTrial = openUntil !== undefined;
      const remainingMs = openUntil === undefined ? 0 : openUntil - clock();
      if (remainingMs > 0 || (isTrial && trialInFlight)) throw open(Math.max(remainingMs, 1));
      trialInFlight ||= isTrial;
      return (result) => {
        if (isTrial) trialInFlight = false;
        if (result === 'answered') answered();
        if (result === 'failed') failed();
      };
    },
  };
}

function open(retryAfterMs: number): UpstreamError {
  return new UpstreamError({
    kind: 'unreached',
    reason: 'breaker_open',
    outcome: 'not_done',
    transient: true,
    retryAfterMs: Math.ceil(retryAfterMs),
  });
}
