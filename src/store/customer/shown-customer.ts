/** Reads one customer as a caller may see it, with what other tables hold about it. Pages: customers.ts. */
import { notFound } from '../../contract/errors.js';
import type { Context } from '../engine/handler.js';
import { one, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode } from '../engine/table.js';
import { type LoyaltyAccount, noAccount } from '../loyalty/ledger.js';
import { CURRENT_POLICY_TEXT, policyIn } from '../loyalty/policies.js';
import { requireCustomer } from './customer-identity.js';
import { CUSTOMER, type Customer, findTogether, showWith } from './customers.js';

/** One statement, which also says whether there is more to read: most customers have no card and no flag. */
const CUSTOMER_AND_MORE = `SELECT ${columnsOf(CUSTOMER, 'c')},
    a.customer_id AS has_account, a.points_balance, a.lifetime_points, a.debt_points, a.next_expiry_at, a.last_seq,
    a.last_entry_at, (${CURRENT_POLICY_TEXT}) AS policy,
    (SELECT COUNT(*) FROM hold h
      WHERE h.orgcode = c.orgcode AND h.customer_id = c.customer_id AND h.status IN ('active', 'confirmed')
    ) AS active_holds,
    EXISTS (SELECT 1 FROM giftcard g WHERE g.orgcode = c.orgcode AND g.customer_id = c.customer_id) AS has_cards,
    EXISTS (SELECT 1 FROM customer_flag f
      WHERE f.orgcode = c.orgcode AND f.customer_id = c.customer_id AND f.active = 1) AS has_flags
  FROM customer c LEFT JOIN loyalty_account a ON a.orgcode = c.orgcode AND a.customer_id = c.customer_id
  WHERE c.orgcode = ? AND c.customer_id = ?`;

type Found = Record<string, Scalar> &
  Omit<LoyaltyAccount, 'customer_id'> & {
    readonly has_account: string | null;
    readonly policy: string | null;
    readonly active_holds: number;
    readonly has_cards: number;
    readonly has_flags: number;
  };

/**
 * The record of a customer as this caller may see it.
 * @throws CrmError 404 when the org has no such customer.
 */
export function* showFound(cx: Context, id: string): Steps<Customer> {
  // Where a statement costs a round trip, several share one; else one statement costs less than several.
  if (cx.dialect.hasManyWriters) return yield* findTogether(cx, requireCustomer(cx, id), id);
  const found = yield* one<Found>(CUSTOMER_AND_MORE, cx.orgcode, id);
  if (found === undefined) throw notFound();
  return yield* showWith(cx, decode(CUSTOMER, found), {
    policy: policyIn(found.policy),
    account: found.has_account === null ? noAccount(id) : { ...accountIn(found), customer_id: id },
    active_holds: found.active_holds,
    hasCards: found.has_cards === 1,
    hasFlags: found.has_flags === 1,
  });
}

function accountIn({
  points_balance,
  lifetime_points,
  debt_points,
  next_expiry_at,
  last_seq,
  last_entry_at,
}: Found): Omit<LoyaltyAccount, 'customer_id'> {
  return { points_balance, lifetime_points, debt_points, next_expiry_at, last_seq, last_entry_at };
}
