/** Finds the customer of a call, and checks its revision and that its identifiers are unique. */
import { conflict, notFound } from '../../contract/errors.js';
import type { Context } from '../engine/handler.js';
import { lockKey, lockKeys, locksFor, one, type Steps, together } from '../engine/step.js';
import { find, requireRevision } from '../engine/table.js';
import { requireActive } from './customer-checks.js';
import { CUSTOMER, type CustomerRow, showCustomer } from './customers.js';

/** @throws CrmError 404 when the org has no such customer. */
export function* requireCustomer(cx: Context, id: string): Steps<CustomerRow> {
  const row = yield* find(CUSTOMER, cx.orgcode, id);
  if (row === undefined) throw notFound();
  return row;
}

/** @throws CrmError 404, or 409 `crm.customer_not_active`. */
export function* requireActiveCustomer(cx: Context, id: string): Steps<CustomerRow> {
  const row = yield* requireCustomer(cx, id);
  requireActive(row);
  return row;
}

/** @throws CrmError 428, or 409 with the record as this caller may see it. */
export function* requireCustomerRevision(
  cx: Context,
  expected: number | string | undefined,
  row: CustomerRow,
): Steps<void> {
  if (expected !== undefined && Number(expected) === row.revision) return;
  const shown = yield* showCustomer(cx, row);
  requireRevision(expected, row, () => shown);
}

/**
 * Checks that identifiers are free, and locks them: nobody else can take them before this change commits.
 * @param self the customer whose own identifiers do not count
 * @throws CrmError 409 `crm.customer_exists` when another active customer has one of the identifiers in `fields`.
 */
export function* requireUnique(cx: Context, fields: Partial<CustomerRow>, self = ''): Steps<void> {
  const given = cx.settings.uniqueCustomerFields.flatMap((field) => {
    const value = fields[field];
    return value === undefined || value === null ? [] : [{ field, value }];
  });
  if (given.length === 0) return;
  const free = given.map(({ field, value }) => requireFree(cx, field, value, self));
  const locks = locksFor(cx.dialect, () =>
    given.map(({ field, value }) => lockKey(cx.orgcode, 'customer', field, value)),
  );
  yield* together(lockKeys(locks), ...free);
}

function* requireFree(cx: Context, field: 'email' | 'phone', value: string, self: string): Steps<void> {
  const taken = yield* one<{ customer_id: string }>(
    `SELECT customer_id FROM customer
      WHERE orgcode = ? AND ${field} = ? AND status = 'active' AND customer_id <> ? LIMIT 1`,
    cx.orgcode,
    value,
    self,
  );
  if (taken !== undefined) throw exists(field, taken.customer_id);
}

function exists(field: string, id: string) {
  return conflict('crm.customer_exists', `Another customer has this ${field}.`, { field, existing_customer_id: id });
}
