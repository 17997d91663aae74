/**
 * Loads one customer of an import: in one transaction the calls that make it, unless its external reference is there
 * already. A customer gets one opening balance, which is recognised by the reason of its ledger entry.
 */

import { normalizeCustomer } from '../../domain/customer.js';
import { expiryOf } from '../../domain/policy.js';
import { lockKey, one, type Steps } from '../engine/step.js';
import { currentPolicy } from '../loyalty/policies.js';

/** What the ledger gives as reason of an opening balance. Part of the stored format: a second run looks for it. */
export const OPENING_BALANCE = 'Opening balance';

export interface LoadedRow {
  readonly outcome: 'created' | 'existing';
  readonly customer_id: string;
  readonly points: 'posted' | 'none';
  /** The identifiers of the new customer, as they are stored. */
  readonly email: string | null;
  readonly phone: string | null;
}

export interface CreatedCustomer {
  readonly customer_id: string;
  readonly email?: string | null;
  readonly phone?: string | null;
}

/** What to load; each call takes the customer's id where it needs one. */
export interface LoadPlan {
  readonly orgcode: string;
  readonly ref: { readonly system: string; readonly ref: string };
  create(): Steps<CreatedCustomer>;
  readonly setConsents: ((customerId: string) => Steps<unknown>) | undefined;
  /** `expiresAt` is when the points expire by the policy of now; null when never. */
  readonly postPoints: ((customerId: string, expiresAt: string | null) => Steps<unknown>) | undefined;
  readonly now: string;
}

const FIND = `SELECT c.customer_id FROM customer_ref r
  JOIN customer c ON c.orgcode = r.orgcode AND c.customer_id = r.customer_id
  WHERE r.orgcode = ? AND r.system = ? AND r.ref = ? ORDER BY r.customer_id LIMIT 1`;
/** Those merged into a customer keep their ledgers. */
const HAS_OPENING = `SELECT 1 AS found FROM customer c
  JOIN loyalty_txn t ON t.orgcode = c.orgcode AND t.customer_id = c.customer_id
  WHERE c.orgcode = ? AND (c.customer_id = ? OR c.merged_into_customer_id = ?) AND t.kind = 'adjust' AND t.reason = ?
  LIMIT 1`;

/** A reference in the form in which a customer's are stored. */
export function storedRef(ref: LoadPlan['ref']): LoadPlan['ref'] {
  return normalizeCustomer({ external_refs: [ref] }, '').external_refs[0] ?? ref;
}

/** @throws CrmError what a call throws; nothing of the row is then there. */
export function* loadCustomer(plan: LoadPlan): Steps<LoadedRow> {
  const { orgcode, ref } = plan;
  yield lockKey(orgcode, 'import', ref.system, ref.ref);
  const found = yield* one<{ customer_id: string }>(FIND, orgcode, ref.system, ref.ref);
  if (found !== undefined) return yield* completeExisting(plan, found.customer_id);
  const { customer_id, email = null, phone = null } = yield* plan.create();
  if (plan.setConsents !== undefined) yield* plan.setConsents(customer_id);
  const points = yield* postOpening(plan, customer_id);
  return { outcome: 'created', customer_id, points, email, phone };
}

/** A customer that is there keeps what it has; only an opening balance that it never got is added. */
function* completeExisting(plan: LoadPlan, customer_id: string): Steps<LoadedRow> {
  const existing = { outcome: 'existing', customer_id, email: null, phone: null } as const;
  if (plan.postPoints === undefined) return { ...existing, points: 'none' };
  const opening = yield* one(HAS_OPENING, plan.orgcode, customer_id, customer_id, OPENING_BALANCE);
  return { ...existing, points: opening === undefined ? yield* postOpening(plan, customer_id) : 'none' };
}

function* postOpening(plan: LoadPlan, customerId: string): Steps<'posted' | 'none'> {
  if (plan.postPoints === undefined) return 'none';
  const { policy } = yield* currentPolicy(plan.orgcode);
  yield* plan.postPoints(customerId, expiryOf(policy, plan.now));
  return 'posted';
}
