/** Anonymizes a customer: personal data is erased; the pseudonymous id and its ledger stay. */

import type { Handlers } from '../engine/handler.js';
import { requireActive, requireNoHold } from './customer-checks.js';
import { eraseCustomer, PERSONAL_FIELDS } from './customer-erasure.js';
import { requireCustomer, requireCustomerRevision } from './customer-identity.js';
import { showCustomer, unindexCustomer } from './customers.js';

export const customerAnonymize: Pick<Handlers<'customer'>, 'customer_anonymize'> = {
  *customer_anonymize(cx, input) {
    const current = yield* requireCustomer(cx, input.customer_id);
    yield* requireCustomerRevision(cx, input.expected_revision, current);
    requireActive(current);
    yield* requireNoHold(cx.orgcode, [current.customer_id]);
    yield* unindexCustomer(cx, current);
    const next = yield* eraseCustomer(cx, current);
    return {
      data: yield* showCustomer(cx, next),
      target_id: next.customer_id,
      revision_before: current.revision,
      fields: ['status', ...PERSONAL_FIELDS],
    };
  },
};
