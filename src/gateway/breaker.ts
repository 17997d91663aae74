/** Leaves a failing upstream in peace: closed, open, half open with one probe. Not: what counts as a failure. */
import { UpstreamError } from './upstream-error.js';

/** So many failures in a row open it. */
const FAILURES = 10;
const REST_MS = 5_000;

/** How an attempt that was let through ended; `neither`: that says nothing of the upstream. */
export type Ending = 'answered' | 'failed' | 'neither';

export interface Breaker {
  /** Lets an attempt through; its end must be told, once. @throws Fault `breaker_open`, with the rest to wait. */
  enter(): (ending: Ending) => void;
}

/** `clock` is monotonic, in milliseconds; `changed` hears of every opening and closing. */
export function createBreaker(clock: () => number, changed: (state: 'open' | 'closed') => void): Breaker {
  let failures = 0;
  /** While open: when the next probe may go. */
  let restsUntil: number | undefined;
  let probing = false;

  const answered = () => {
    failures = 0;
    if (restsUntil === undefined) return;
    restsUntil = undefined;
    changed('closed');
  };

  const failed = () => {
    failures += 1;
    if (failures < FAILURES) return;
    const opens = restsUntil === undefined;
    restsUntil = clock() + REST_MS;
    if (opens) changed('open');
  };

  return {
    enter() {
      const isProbe = restsUntil !== undefined;
      const rest = restsUntil === undefined ? 0 : restsUntil - clock();
      if (rest > 0 || (isProbe && probing)) throw open(Math.max(rest, 1));
      probing ||= isProbe;
      return (ending) => {
        if (isProbe) probing = false;
        if (ending === 'answered') answered();
        if (ending === 'failed') failed();
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
