/** Recomputes gift card balances from their ledger, which is append-only. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, type Scalar, type Steps } from '../engine/step.js';

/** Checks the gift cards of an org against their ledgers. Returns the number of entries. */
export function* verifyGiftcards(orgcode: string, report: ReportDisagreement): Steps<number> {
  const sql = `SELECT g.giftcard_id, g.balance_minor, g.initial_minor, g.status,
      COALESCE(SUM(CASE t.kind WHEN 'issue' THEN t.amount_minor ELSE -t.amount_minor END), 0) AS computed,
      COALESCE(SUM(CASE t.kind WHEN 'issue' THEN t.amount_minor ELSE 0 END), 0) AS issued, COUNT(t.kind) AS entries
    FROM giftcard g LEFT JOIN giftcard_txn t ON t.orgcode = g.orgcode AND t.giftcard_id = g.giftcard_id
    WHERE g.orgcode = ? GROUP BY g.orgcode, g.giftcard_id`;
  const rows = yield* all<Record<string, Scalar>>(sql, orgcode);
  for (const row of rows) {
    const id = String(row.giftcard_id);
    report('giftcard.balance', id, row.balance_minor, row.computed);
    report('giftcard.initial_amount', id, row.initial_minor, row.issued);
    if (row.status !== 'blocked') report('giftcard.status', id, row.status === 'exhausted', row.balance_minor === 0);
  }
  return rows.reduce((sum, row) => sum + Number(row.entries), 0);
}
