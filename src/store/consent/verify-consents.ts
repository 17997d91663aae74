/** Recomputes the copy of the consents that each customer row holds. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { eachPage } from '../engine/ordered-rows.js';
import type { Steps } from '../engine/step.js';

const CONSENTS = `SELECT s.customer_id, c.consents AS mirror, s.consents FROM customer_consent s
  JOIN customer c ON c.orgcode = s.orgcode AND c.customer_id = s.customer_id`;

interface MirroredConsents {
  readonly customer_id: string;
  /** The copy in the customer's row. */
  readonly mirror: string;
  readonly consents: string;
}

/** Checks the consents copied to customer rows against the consent states of an org. */
export function* verifyConsents(orgcode: string, report: ReportDisagreement): Steps<void> {
  const query = { orgcode, select: CONSENTS, alias: 's', key: ['customer_id'] };
  yield* eachPage<MirroredConsents>(query, (rows) => {
    for (const { customer_id, mirror, consents } of rows) {
      const states = Object.entries(JSON.parse(consents) as Record<string, { state: string }>);
      const computed = JSON.stringify(Object.fromEntries(states.map(([purpose, { state }]) => [purpose, state])));
      report('customer.consents', customer_id, mirror, computed);
    }
  });
}
