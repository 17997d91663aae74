/** Checks of a customer before money, points or records move: active, and without a hold. */
import { invalidState, notFound } from '../../contract/errors.js';
import { all, one, type Steps, together } from '../engine/step.js';
import type { LoyaltyAccount } from '../loyalty/ledger.js';

interface Status {
  readonly customer_id: string;
  readonly status: string;
  readonly merged_into_customer_id: string | null;
}

type AccountWithStatus = LoyaltyAccount & Status;

const ACCOUNT_WITH_STATUS = `SELECT c.customer_id, c.status, c.merged_into_customer_id, COALESCE(a.points_balance, 0) AS points_balance,
    COALESCE(a.lifetime_points, 0) AS lifetime_points, COALESCE(a.debt_points, 0) AS debt_points, a.next_expiry_at,
    COALESCE(a.last_seq, 0) AS last_seq, a.last_entry_at
  FROM customer c LEFT JOIN loyalty_account a ON a.orgcode = c.orgcode AND a.customer_id = c.customer_id
  WHERE c.orgcode = ? AND c.customer_id = ?`;
const HOLDS = `SELECT hold_id FROM hold
  WHERE orgcode = ? AND customer_id = ? AND status IN ('active', 'confirmed') AND scope IN ('all', COALESCE(?, scope))
  LIMIT 20`;

/**
 * The loyalty account of an active customer.
 * @throws CrmError 404, or 409 `crm.customer_not_active` with the survivor of a merge.
 */
export function* activeLoyaltyAccount(orgcode: string, customerId: string): Steps<LoyaltyAccount> {
  const row = yield* one<AccountWithStatus>(ACCOUNT_WITH_STATUS, orgcode, customerId);
  if (row === undefined) throw notFound();
  const { status, merged_into_customer_id, ...account } = row;
  requireActive(row);
  return account;
}

/** @throws CrmError 409 `crm.customer_not_active` when the record is merged, anonymized or doomed. */
export function requireActive({ customer_id, status, merged_into_customer_id: survivor }: Status): void {
  if (status === 'active') return;
  throw invalidState(
    'crm.customer_not_active',
    `The customer is ${status}.`,
    survivor === null ? { customer_id, status } : { customer_id, status, merged_into_customer_id: survivor },
    [
      survivor === null
        ? 'Ask the user which customer they mean.'
        : 'Repeat the call on details.merged_into_customer_id.',
    ],
  );
}

/**
 * @param scope what moves; undefined means everything, which a hold of any scope blocks
 * @throws CrmError 409 `crm.customer_on_hold` when an active or confirmed hold covers `scope` on any of the customers.
 */
export function* requireNoHold(
  orgcode: string,
  customerIds: readonly string[],
  scope?: 'loyalty' | 'stored_value',
): Steps<void> {
  const holds = yield* together(
    ...customerIds.map((id) => all<{ hold_id: string }>(HOLDS, orgcode, id, scope ?? null)),
  );
  const hold_ids = holds.flat().map(({ hold_id }) => hold_id);
  if (hold_ids.length === 0) return;
  throw invalidState('crm.customer_on_hold', 'A hold blocks this action.', { hold_ids });
}
