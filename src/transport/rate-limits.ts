/**
 * Calls per caller and failures per address, counted in this process's memory by the minute. Not: what is a failure, or
 * where it is asked.
 */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { CrmError } from '../contract/errors.js';
import { throttled } from '../contract/errors.js';
import type { CallLimits } from '../pipeline/call-limits.js';
import { fingerprint } from '../secrets/keys.js';

export interface RateLimitOptions {
  /** 0 for as many as they like. */
  readonly callsPerMinute: number;
  readonly failuresPerMinute: number;
}

const MINUTE_S = 60;
/** Callers, addresses and good credentials that are remembered; the oldest are forgotten first. */
const MOST_KEYS = 10_000;

/** The limits of one process; undefined when there are none. */
export function createRateLimits({ callsPerMinute, failuresPerMinute }: RateLimitOptions): CallLimits | undefined {
  if (callsPerMinute === 0 && failuresPerMinute === 0) return undefined;
  const calls = createBudget(callsPerMinute);
  const failures = createBudget(failuresPerMinute);
  const good = createKeySet();
  return {
    async checkAddress(address, secret) {
      const wait = await failures.waitOf(address);
      if (wait === 0 || (secret !== undefined && good.has(fingerprint(secret)))) return;
      throw tooManyFailures(wait);
    },
    async countFailure(address, secret) {
      if (secret !== undefined) good.remove(fingerprint(secret));
      await failures.spend(address);
    },
    async countCall(caller) {
      if (caller.unknown !== true) good.add(caller.fingerprint);
      const wait = await calls.spend(caller.fingerprint);
      if (wait > 0) throw tooManyCalls(wait);
    },
  };
}

interface Budget {
  /** Spends one; answers how many milliseconds to wait when there was none left, else 0. */
  spend(key: string): Promise<number>;
  /** As `spend`, without spending. */
  waitOf(key: string): Promise<number>;
}

/** `points` a key and minute, counted from the key's first; all may be spent at once. 0 points: no limit. */
function createBudget(points: number): Budget {
  const limiter = new RateLimiterMemory({ points, duration: MINUTE_S, keyPrefix: '' });
  const known = createKeySet((forgotten) => void limiter.delete(forgotten));
  return {
    async spend(key) {
      if (points === 0) return 0;
      try {
        if ((await limiter.consume(key)).isFirstInDuration) known.addLast(key);
        return 0;
      } catch (spent) {
        return (spent as RateLimiterRes).msBeforeNext;
      }
    },
    async waitOf(key) {
      if (points === 0 || !known.has(key)) return 0;
      const spent = await limiter.get(key);
      return spent === null || spent.consumedPoints < points ? 0 : Math.max(0, spent.msBeforeNext);
    },
  };
}

/** At most `MOST_KEYS` keys: the oldest goes first. */
function createKeySet(onForget?: (key: string) => void) {
  const keys = new Set<string>();
  return {
    has: (key: string) => keys.has(key),
    add(key: string): void {
      if (!keys.has(key)) this.addLast(key);
    },
    addLast(key: string): void {
      keys.delete(key);
      keys.add(key);
      if (keys.size <= MOST_KEYS) return;
      const [oldest] = keys;
      if (oldest === undefined) return;
      keys.delete(oldest);
      onForget?.(oldest);
    },
    remove: (key: string) => void keys.delete(key),
  };
}

function tooManyFailures(wait: number): CrmError {
  return throttled('Too many credentials from this address were refused. Wait before trying again.', wait, [
    'Ask the operator for a valid session or API key; do not guess.',
  ]);
}

function tooManyCalls(wait: number): CrmError {
  return throttled('Too many calls. Wait before making the next.', wait, [
    'Make fewer calls: read lists with a larger limit, and do not repeat a call whose answer you have.',
  ]);
}
