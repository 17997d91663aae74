/**
 * Keeps the sums of points by month on PostgreSQL: a trigger notes each entry of the ledger (migration 5), which makes
 * nobody wait, and the housekeeping adds what is noted. The trigger also notes what servers of older versions write.
 */
import { EXPIRING, forgetSums, type MonthSum, type PointsByMonth } from '../engine/points-by-month.js';
import { all, lockKey, run, type Steps } from '../engine/step.js';

/** What the entries `t` add to the sums: their points, and what they change in lots that expire. */
const PARTS = `CROSS JOIN LATERAL (
    SELECT substr(t.created_at, 1, 7), t.kind, t.points
    UNION ALL SELECT substr(l.expires_at, 1, 7), '${EXPIRING}', l.points
      FROM json_to_recordset(t.lots::json) AS l (points BIGINT, expires_at TEXT) WHERE l.expires_at IS NOT NULL
  ) AS p (month, kind, points)`;
/**
 * The conditions on the month and the id, which are always true, say that all rows of the org are meant. LIMIT keeps
 * the planner from reading all entries of the org to join them.
 */
const READ = `SELECT month, kind, SUM(points)::bigint AS points FROM (
    SELECT month, kind, points FROM loyalty_month WHERE orgcode = ? AND month > ''
    UNION ALL SELECT p.month, p.kind, p.points FROM loyalty_month_noted n CROSS JOIN LATERAL (
        SELECT t.created_at, t.kind, t.points, t.lots FROM loyalty_txn t
        WHERE t.orgcode = ? AND t.loyalty_txn_id = n.loyalty_txn_id LIMIT 1
      ) t ${PARTS} WHERE n.orgcode = ? AND n.loyalty_txn_id > '') e GROUP BY month, kind`;

const SOME_NOTED = 'SELECT loyalty_txn_id FROM loyalty_month_noted WHERE orgcode = ? ORDER BY loyalty_txn_id LIMIT ?';
const SUM_OF = `INSERT INTO loyalty_month (orgcode, month, kind, points)
  SELECT t.orgcode, p.month, p.kind, SUM(p.points)::bigint FROM loyalty_txn t ${PARTS} WHERE t.orgcode = ?`;
const ADD = `${SUM_OF} AND t.loyalty_txn_id = ANY (?::text[]) GROUP BY 1, 2, 3
  ON CONFLICT (orgcode, month, kind) DO UPDATE SET points = loyalty_month.points + excluded.points`;
const DELETE = 'DELETE FROM loyalty_month_noted WHERE orgcode = ? AND loyalty_txn_id = ANY (?::text[])';

/** In one statement, so in one snapshot: what is committed later stays noted. */
const SUM_UP = `WITH forgotten AS (DELETE FROM loyalty_month_noted WHERE orgcode = ?) ${SUM_OF} GROUP BY 1, 2, 3`;

export const POSTGRES_MONTHS: PointsByMonth = {
  *read(orgcode) {
    return yield* all<MonthSum>(READ, orgcode, orgcode, orgcode);
  },

  *note() {}, // the trigger does it

  *add(orgcode, limit) {
    yield lockSums(orgcode);
    const noted = yield* all<{ loyalty_txn_id: string }>(SOME_NOTED, orgcode, limit);
    if (noted.length === 0) return 0;
    const ids = `{${noted.map(({ loyalty_txn_id }) => JSON.stringify(loyalty_txn_id)).join(',')}}`;
    yield* run(ADD, orgcode, ids);
    yield* run(DELETE, orgcode, ids);
    return noted.length;
  },

  findNoted: 'SELECT 1 AS found FROM loyalty_month_noted WHERE orgcode = ? LIMIT 1',

  *rebuild(orgcode) {
    yield lockSums(orgcode);
    yield* forgetSums(orgcode);
    yield* run(SUM_UP, orgcode, orgcode);
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
