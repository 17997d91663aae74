/**
 * Budgets that several servers share: through a table of their database, or through the process that started them (see
 * counts-in-primary.ts). Each server counts in its own memory, and adds that up in blocks of a hundredth of the budget.
 */
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { fingerprint } from '../secrets/keys.js';
import { type Budget, createLocalBudget, MINUTE_S } from './local-budget.js';

/** The table that the servers share, as rate-limiter-flexible uses it. */
export interface SharedCounts {
  /** Runs a statement with `$1 …` as pg does, but returns integers as numbers. Gives up within a second or so. */
  query(statement: {
    readonly text: string;
    readonly values: readonly (string | number | null)[];
  }): Promise<{ readonly rows: readonly object[]; readonly rowCount: number }>;
}

/** What is left of a budget that is shared, and when it is whole again. */
export interface SharedRest {
  readonly remainingPoints: number;
  readonly msBeforeNext: number;
}

/** Where the points of all servers are added up. */
export interface SharedLimiter {
  /** Spends points. Rejects with a `SharedRest` when they were not left, and with an Error when nobody answers. */
  consume(key: string, points: number): Promise<SharedRest>;
}

/** Makes the limiter of a budget: so many points a minute. */
export type MakeSharedLimiter = (points: number, name: string) => SharedLimiter;

/** A migration creates it. Its keys are hashes: addresses are personal data. */
const TABLE = 'rate_limit';
const BLOCKS = 100;

/** After the table could not be reached, it is left alone for this long. */
const PAUSE_MS = 1000;

/**
 * A budget over all servers. One of fewer points than two hundred is counted point by point, and `spend` waits for the
 * table; with a larger one nothing waits, and each server may allow a block too many. While nobody answers,
 * each server allows all points for itself.
 */
export function createSharedBudget(points: number, name: string, makeLimiter: MakeSharedLimiter): Budget {
  const block = Math.max(1, Math.floor(points / BLOCKS));
  /** Points that the table does not know yet. */
  const unsent = new Map<string, number>();
  /** When the keys that are out of points get new ones, in milliseconds since the epoch. */
  const renewed = new Map<string, number>();
  const local = createLocalBudget(points, (key) => {
    unsent.delete(key);
    renewed.delete(key);
  });
  const shared = makeLimiter(points, name);
  let pausedUntil = 0;
  const waitFor = (key: string) => {
    const wait = (renewed.get(key) ?? 0) - Date.now();
    if (wait > 0) return wait;
    renewed.delete(key);
    return 0;
  };
  /** Returns the milliseconds to wait when others had spent what was left, else 0. */
  const send = async (key: string, spent: number) => {
    unsent.delete(key);
    try {
      const { remainingPoints, msBeforeNext } = await shared.consume(fingerprint(key), spent);
      if (remainingPoints === 0) renewed.set(key, Date.now() + msBeforeNext);
      return 0;
    } catch (error) {
      if (error instanceof Error) {
        pausedUntil = performance.now() + PAUSE_MS;
        return 0;
      }
      renewed.set(key, Date.now() + (error as SharedRest).msBeforeNext);
      return waitFor(key);
    }
  };
  return {
    async spend(key) {
      const wait = waitFor(key) || (await local.spend(key));
      if (wait > 0) return wait;
      const spent = (unsent.get(key) ?? 0) + 1;
      unsent.set(key, spent);
      if (spent < block || performance.now() < pausedUntil) return 0;
      const sent = send(key, spent);
      return block === 1 ? sent : 0;
    },
    waitOf: async (key) => waitFor(key) || local.waitOf(key),
  };
}

/** Adds the points up in the table. */
export function countsInTable(counts: SharedCounts): MakeSharedLimiter {
  return (points, name) =>
    new RateLimiterPostgres({
      storeClient: counts,
      storeType: 'client',
      tableName: TABLE,
      tableCreated: true,
      keyPrefix: name,
      points,
      duration: MINUTE_S,
    });
}
