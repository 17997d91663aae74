/**
 * Keeps the sums of points by month on PostgreSQL: a trigger notes each entry of the ledger (migration 5), which makes
 * nobody wait, and the housekeeping adds what is noted. The trigger also notes what servers of older versions write.
 */
import { EXPIRING, forgetSums, type MonthSum, type PointsByMonth } from '../engine/points-by-month.js';
import { all, lockKey, run, type Steps } from '../engine/step.js';

/** The part of each entry in the sums: its points, and what it changes in lots that expire. */
const partsOf = (
  from: string,
  where: string,
) => `SELECT t.orgcode, substr(t.created_at, 1, 7) AS month, t.kind, t.points
    FROM ${from} WHERE ${where}
  UNION ALL SELECT t.orgcode, substr(l.expires_at, 1, 7), '${EXPIRING}', l.points
    FROM ${from} CROSS JOIN LATERAL json_to_recordset(t.lots::json) AS l (points BIGINT, expires_at TEXT)
    WHERE ${where} AND l.expires_at IS NOT NULL`;
/** The conditions on the month and the id, which are always true, say that all rows of the org are meant. */
const PARTS_NOTED = partsOf(
  'loyalty_month_noted n JOIN loyalty_txn t ON t.orgcode = n.orgcode AND t.loyalty_txn_id = n.loyalty_txn_id',
  `n.orgcode = ? AND n.loyalty_txn_id > '' AND t.orgcode = ?`,
);
const PARTS_LISTED = partsOf('loyalty_txn t', 't.orgcode = ? AND t.loyalty_txn_id = ANY (?::text[])');
const PARTS_OF_ALL = partsOf('loyalty_txn t', 't.orgcode = ?');
const READ = `SELECT month, kind, SUM(points)::bigint AS points FROM (
    SELECT orgcode, month, kind, points FROM loyalty_month WHERE orgcode = ? AND month > ''
    UNION ALL ${PARTS_NOTED}) e GROUP BY month, kind`;

const SOME_NOTED = 'SELECT loyalty_txn_id FROM loyalty_month_noted WHERE orgcode = ? ORDER BY loyalty_txn_id LIMIT ?';
const ADD = `INSERT INTO loyalty_month (orgcode, month, kind, points)
  SELECT orgcode, month, kind, SUM(points)::bigint FROM (
    ${PARTS_LISTED}) e GROUP BY 1, 2, 3
  ON CONFLICT (orgcode, month, kind) DO UPDATE SET points = loyalty_month.points + excluded.points`;
const DELETE = 'DELETE FROM loyalty_month_noted WHERE orgcode = ? AND loyalty_txn_id = ANY (?::text[])';

/** In one statement, so in one snapshot: what is committed later stays noted. */
const SUM_UP = `WITH added AS (DELETE FROM loyalty_month_noted WHERE orgcode = ?)
  INSERT INTO loyalty_month (orgcode, month, kind, points)
  SELECT orgcode, month, kind, SUM(points)::bigint FROM (
    ${PARTS_OF_ALL}) e GROUP BY 1, 2, 3`;

export const POSTGRES_MONTHS: PointsByMonth = {
  *read(orgcode) {
    return yield* all<MonthSum>(READ, ...Array(5).fill(orgcode));
  },

  *note() {}, // the trigger does it

  *add(orgcode, limit) {
    yield lockSums(orgcode);
    const noted = yield* all<{ loyalty_txn_id: string }>(SOME_NOTED, orgcode, limit);
    if (noted.length === 0) return 0;
    const ids = `{${noted.map(({ loyalty_txn_id }) => JSON.stringify(loyalty_txn_id)).join(',')}}`;
    yield* run(ADD, orgcode, ids, orgcode, ids);
    yield* run(DELETE, orgcode, ids);
    return noted.length;
  },

  findNoted: 'SELECT 1 AS found FROM loyalty_month_noted WHERE orgcode = ? LIMIT 1',

  *rebuild(orgcode) {
    yield lockSums(orgcode);
    yield* forgetSums(orgcode);
    yield* run(SUM_UP, orgcode, orgcode, orgcode);
  },
};

/** Where Citus distributes the tables, which then have no triggers. */
export const DISTRIBUTED_MONTHS: PointsByMonth = {
  ...POSTGRES_MONTHS,
  *note(orgcode, loyaltyTxnId): Steps<void> {
    yield* run(NOTE, orgcode, loyaltyTxnId);
  },
};
const NOTE = 'INSERT INTO loyalty_month_noted (orgcode, loyalty_txn_id) VALUES (?, ?)';

/** The sums are changed by one transaction at a time. */
function lockSums(orgcode: string) {
  return lockKey(orgcode, 'loyalty_month');
}
