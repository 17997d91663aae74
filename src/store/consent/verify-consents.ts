/** Recomputes the copy of the consents that each customer row holds. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, type Steps } from '../engine/step.js';

/** Checks the consents copied to customer rows against the consent states of an org. */
export function* verifyConsents(orgcode: string, report: ReportDisagreement): Steps<void> {
  const sql = `SELECT c.customer_id, c.consents AS mirror, s.consents FROM customer_consent s
    JOIN customer c ON c.orgcode = s.orgcode AND c.customer_id = s.customer_id WHERE s.orgcode = ?`;
  for (const row of yield* all<{ customer_id: string; mirror: string; consents: string }>(sql, orgcode)) {
    const states = Object.entries(JSON.parse(row.consents) as Record<string, { state: string }>);
    const computed = JSON.stringify(Object.fromEntries(states.map(([purpose, { state }]) => [purpose, state])));
    report('customer.consents', row.customer_id, row.mirror, computed);
  }
}
