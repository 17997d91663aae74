/** One deadline for all upstream requests of one call. */
import type { Stamp } from '../contract/backend.js';

export const DEFAULT_DEADLINE_MS = 10_000;
/** Upper bound of the option, so that no call waits and no timer runs without end. */
export const LONGEST_DEADLINE_MS = 600_000;

export interface Deadline {
  /** The total time the call may take. */
  readonly ms: number;
  /** Milliseconds left, never below 0. */
  left(): number;
}

/**
 * Returns a function from a call's stamp to its deadline. The deadline starts when it is first requested, so that
 * identifying the caller and sending the call share it. `clock` is monotonic, in milliseconds.
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

/** Waits `ms` milliseconds, or until `signal` is aborted. */
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
