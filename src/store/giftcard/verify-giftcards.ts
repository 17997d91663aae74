/** Recomputes gift card balances from their ledger, which is append-only. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, type Scalar, type Steps } from '../engine/step.js';

/** Checks the gift cards of an org against their ledgers. Returns the number of entries. */
export function* verifyGiftcards(orgcode: string, report: ReportDisagreement): Steps<number> {
  const signed = `CASE t.kind WHEN 'issue' THEN t.amount_minor ELSE -t.amount_minor END`;
  const cards = `SELECT g.giftcard_id, g.balance_minor, g.initial_minor, g.status, g.last_seq,
      COALESCE(SUM(${signed}), 0) AS computed,
      COALESCE(SUM(CASE t.kind WHEN 'issue' THEN t.amount_minor ELSE 0 END), 0) AS issued, COUNT(t.kind) AS entries
    FROM giftcard g LEFT JOIN giftcard_txn t ON t.orgcode = g.orgcode AND t.giftcard_id = g.giftcard_id
    WHERE g.orgcode = ? GROUP BY g.orgcode, g.giftcard_id`;
  const entries = `SELECT t.giftcard_txn_id, t.seq, t.balance_after_minor,
      SUM(${signed}) OVER (PARTITION BY t.giftcard_id ORDER BY t.seq) AS computed,
      ROW_NUMBER() OVER (PARTITION BY t.giftcard_id ORDER BY t.seq) AS position
    FROM giftcard_txn t WHERE t.orgcode = ?`;
  const wrong = `SELECT * FROM (${entries}) e WHERE balance_after_minor <> computed OR seq <> position`;
  const rows = yield* all<Record<string, Scalar>>(cards, orgcode);
  for (const row of rows) {
    const id = String(row.giftcard_id);
    report('giftcard.balance', id, row.balance_minor, row.computed);
    report('giftcard.initial_amount', id, row.initial_minor, row.issued);
    report('giftcard.last_seq', id, row.last_seq, row.entries);
    if (row.status !== 'blocked') report('giftcard.status', id, row.status === 'exhausted', row.balance_minor === 0);
  }
  for (const row of yield* all<Record<string, Scalar>>(wrong, orgcode)) {
    report('giftcard_txn.balance_after', String(row.giftcard_txn_id), row.balance_after_minor, row.computed);
    report('giftcard_txn.seq', String(row.giftcard_txn_id), row.seq, row.position);
  }
  return rows.reduce((sum, row) => sum + Number(row.entries), 0);
}
