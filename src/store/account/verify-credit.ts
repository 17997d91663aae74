/** Recomputes the credit used by accounts from its ledger, which is append-only. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, type Scalar, type Steps } from '../engine/step.js';

/** Checks the credit of an org's accounts against its ledger. Returns the number of entries. */
export function* verifyCredit(orgcode: string, report: ReportDisagreement): Steps<number> {
  const signed = `CASE t.kind WHEN 'consume' THEN t.amount_minor ELSE -t.amount_minor END`;
  const accounts = `SELECT a.account_id, a.credit_used_minor, a.last_seq, COALESCE(SUM(${signed}), 0) AS computed,
      COUNT(t.kind) AS entries
    FROM account a LEFT JOIN account_credit_txn t ON t.orgcode = a.orgcode AND t.account_id = a.account_id
    WHERE a.orgcode = ? GROUP BY a.orgcode, a.account_id, a.credit_used_minor, a.last_seq`;
  const entries = `SELECT t.credit_txn_id, t.seq, t.used_after_minor,
      SUM(${signed}) OVER (PARTITION BY t.account_id ORDER BY t.seq) AS computed,
      ROW_NUMBER() OVER (PARTITION BY t.account_id ORDER BY t.seq) AS position
    FROM account_credit_txn t WHERE t.orgcode = ?`;
  const wrong = `SELECT * FROM (${entries}) e WHERE used_after_minor <> computed OR seq <> position`;
  const rows = yield* all<Record<string, Scalar>>(accounts, orgcode);
  for (const row of rows) {
    report('account.credit_used', String(row.account_id), row.credit_used_minor, row.computed);
    report('account.last_seq', String(row.account_id), row.last_seq, row.entries);
  }
  for (const row of yield* all<Record<string, Scalar>>(wrong, orgcode)) {
    report('account_credit_txn.used_after', String(row.credit_txn_id), row.used_after_minor, row.computed);
    report('account_credit_txn.seq', String(row.credit_txn_id), row.seq, row.position);
  }
  return rows.reduce((sum, row) => sum + Number(row.entries), 0);
}
