/**
 * Rate limits: calls per caller and failed credentials per address, counted per minute in the memory of this process.
 * The pipeline decides what counts as a failure; see pipeline/call-limits.ts.
 */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { CrmError } from '../contract/errors.js';
import { throttled } from '../contract/errors.js';
import type { CallLimits } from '../pipeline/call-limits.js';
import { fingerprint } from '../secrets/keys.js';

export interface RateLimitOptions {
  /** 0 for no limit. */
  readonly callsPerMinute: number;
  readonly failuresPerMinute: number;
}

const MINUTE_S = 60;
/** Maximum callers, addresses and valid credentials kept in memory; the oldest are dropped first. */
const MAX_KEYS = 10_000;

/** The limits of one process; undefined when both are 0. */
export function createRateLimits({ callsPerMinute, failuresPerMinute }: RateLimitOptions): CallLimits | undefined {
  if (callsPerMinute === 0 && failuresPerMinute === 0) return undefined;
  const calls = createBudget(callsPerMinute);
  const listsByAddress = createBudget(callsPerMinute);
  const failures = createBudget(failuresPerMinute);
  const valid = createKeySet();
  return {
    async checkAddress(address, secret, isIssued) {
      const wait = await failures.waitOf(address);
      if (wait === 0 || (secret !== undefined && (valid.has(fingerprint(secret)) || isIssued()))) return;
      throw tooManyFailures(wait);
    },
    async countFailure(address, secret) {
      if (secret !== undefined) valid.remove(fingerprint(secret));
      await failures.spend(address);
    },
    async countCall(caller) {
      if (caller.unknown !== true) valid.add(caller.fingerprint);
      const wait = await calls.spend(caller.fingerprint);
      if (wait > 0) throw tooManyCalls(wait);
    },
    async countList(caller, address) {
      const wait =
        caller === undefined ? await listsByAddress.spend(address ?? '') : await calls.spend(caller.fingerprint);
      if (wait > 0) throw tooManyCalls(wait);
    },
    acceptCredential: (secret) => valid.add(fingerprint(secret)),
  };
}

interface Budget {
  /** Spends one point; returns the milliseconds to wait when none was left, else 0. */
  spend(key: string): Promise<number>;
  /** As `spend`, without spending. */
  waitOf(key: string): Promise<number>;
}

/** `points` per key and minute, counted from the key's first; all may be spent at once. 0 points: no limit. */
function createBudget(points: number): Budget {
  const limiter = new RateLimiterMemory({ points, duration: MINUTE_S, keyPrefix: '' });
  const known = createKeySet((dropped) => void limiter.delete(dropped));
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

/** A set of at most `MAX_KEYS` keys; the oldest is dropped first. */
function createKeySet(onDrop?: (key: string) => void) {
  const keys = new Set<string>();
  return {
    has: (key: string) => keys.has(key),
    add(key: string): void {
      if (!keys.has(key)) this.addLast(key);
    },
    addLast(key: string): void {
      keys.delete(key);
      keys.add(key);
      if (keys.size <= MAX_KEYS) return;
      const [oldest] = keys;
      if (oldest === undefined) return;
      keys.delete(oldest);
      onDrop?.(oldest);
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
