/** One deadline for all that is done upstream on behalf of one call. Not: what happens when it passes. */
import type { Stamp } from '../contract/backend.js';

export interface Deadline {
  /** The whole time of the call. */
  readonly ms: number;
  /** Milliseconds left, never below 0. */
  left(): number;
}

/**
 * Answers the deadline of a call, known by its stamp: it runs from when it is first asked for, so that finding out who
 * calls and doing what they ask share it. `clock` is monotonic, in milliseconds.
 */
export function createDeadlines(ms: number, clock: () => number): (stamp: Stamp) => Deadline {
  const running = new WeakMap<Stamp, Deadline>();
  return (stamp) => {
    const known = running.get(stamp);
    if (known !== undefined) return known;
    const end = clock() + ms;
    const deadline = { ms, left: () => Math.max(0, end - clock()) };
    running.set(stamp, deadline);
    return deadline;
  };
}

/** Waits, unless `signal` is aborted: then it ends at once. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
  });
}
