/** Keeps the sums of points by month on SQLite: a trigger adds each entry of the ledger (migration 6). */
import { forgetSums, type PointsByMonth, storedSums } from '../engine/points-by-month.js';
import { run, type Steps } from '../engine/step.js';

const SUM_UP = `INSERT INTO loyalty_month (orgcode, month, kind, points)
  SELECT orgcode, substr(created_at, 1, 7), kind, SUM(points) FROM loyalty_txn WHERE orgcode = ? GROUP BY 1, 2, 3
  UNION ALL SELECT t.orgcode, substr(l.value ->> 'expires_at', 1, 7), 'expiring', SUM(l.value ->> 'points')
    FROM loyalty_txn t, json_each(t.lots) l WHERE t.orgcode = ? AND l.value ->> 'expires_at' IS NOT NULL GROUP BY 1, 2`;

export const SQLITE_MONTHS: PointsByMonth = {
  read: storedSums,
  note: nothing,
  // biome-ignore lint/correctness/useYield: nothing is noted
  *add() {
    return 0;
  },
  findNoted: undefined,

  *rebuild(orgcode) {
    yield* forgetSums(orgcode);
    yield* run(SUM_UP, orgcode, orgcode);
  },
};

function* nothing(): Steps<void> {}
