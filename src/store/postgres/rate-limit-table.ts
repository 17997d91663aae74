/** The table of the rate limits that servers share; see transport/shared-budget.ts, which speaks to it as to pg. */
import type { Driver } from '../engine/driver.js';
import { all, count, type Scalar } from '../engine/step.js';

/** A statement with `$1 …`, in any order. */
interface NumberedStatement {
  readonly text: string;
  readonly values: readonly Scalar[];
}

/** A caller may be waiting. */
const DEADLINE_MS = 1000;

/** Runs statements on the store's connections, each in a transaction of its own. They give up after a second. */
export function createRateLimitTable(driver: Pick<Driver, 'write'>) {
  return {
    async query({ text, values }: NumberedStatement) {
      const args: Scalar[] = [];
      const sql = text.replaceAll(/\$(\d+)/g, (_, place) => {
        args.push(values[Number(place) - 1] ?? null);
        return '?';
      });
      if (/^\s*DELETE/.test(sql)) {
        const rowCount = await driver.write({ steps: () => count(sql, ...args), deadlineMs: DEADLINE_MS });
        return { rows: [], rowCount };
      }
      const rows = await driver.write({ steps: () => all<object>(sql, ...args), deadlineMs: DEADLINE_MS });
      return { rows, rowCount: rows.length };
    },
  };
}
