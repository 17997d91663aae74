/** Budgets that this process counts in its own memory. */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

export const MINUTE_S = 60;
/** Maximum callers, addresses and valid credentials kept in memory; the oldest are dropped first. */
const MAX_KEYS = 10_000;

/** Points that keys spend. */
export interface Budget {
  /** Spends one point; returns the milliseconds to wait when none was left, else 0. */
  spend(key: string): Promise<number>;
  /** As `spend`, without spending. */
  waitOf(key: string): Promise<number>;
}

/**
 * `points` per key and minute, counted from the key's first; all may be spent at once. 0 points: no limit.
 * @param onDrop called with a key that is forgotten
 */
export function createLocalBudget(points: number, onDrop?: (key: string) => void): Budget {
  const limiter = new RateLimiterMemory({ points, duration: MINUTE_S, keyPrefix: '' });
  const known = createKeySet((dropped) => {
    void limiter.delete(dropped);
    onDrop?.(dropped);
  });
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
export function createKeySet(onDrop?: (key: string) => void) {
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
