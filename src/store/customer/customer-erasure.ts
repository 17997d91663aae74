/** Erases the personal data of a customer from its record and from all records that refer to it. */
import { CONTRACT } from '../../contract/generated/contract.js';
import { erased, rootsOf } from '../../domain/erasure.js';
import { removeGrants } from '../consent/consents.js';
import type { Context } from '../engine/handler.js';
import { eraseIdempotencyRecords } from '../engine/idempotency.js';
import { all, run, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode, revise } from '../engine/table.js';
import { CUSTOMER, type CustomerRow } from './customers.js';

const PERSONAL = CONTRACT.operations.find(({ id }) => id === 'customer_get')?.personal ?? [];

/** The fields of a customer's record that the contract marks as personal data. */
export const PERSONAL_FIELDS: readonly string[] = rootsOf(PERSONAL);

/** A trigger lets idempotency records be rewritten only for a customer with this mark. */
const MARK = `UPDATE ${CUSTOMER.name} SET erased_at = ? WHERE orgcode = ? AND customer_id = ?`;
const ERASE = [
  `UPDATE account_contact SET caption = NULL, given_name = NULL, family_name = NULL, email = NULL, phone = NULL,
    revision = revision + 1, updated_at = ? WHERE orgcode = ? AND customer_id = ?`,
  `UPDATE certificate SET certificate_number = 'erased', document_ref = NULL, attributes = '{}',
    revision = revision + 1, updated_at = ? WHERE orgcode = ? AND customer_id = ?`,
  `UPDATE customer_flag SET note = NULL, revision = revision + 1, updated_at = ?
    WHERE orgcode = ? AND customer_id = ? AND note IS NOT NULL`,
];
const DELETE_IDENTIFIERS = 'DELETE FROM fraud_identifier WHERE orgcode = ? AND customer_id = ?';
const MERGED = `SELECT ${columnsOf(CUSTOMER, 'c')} FROM ${CUSTOMER.name} c
  WHERE c.orgcode = ? AND c.merged_into_customer_id = ? AND c.customer_id > ? ORDER BY c.customer_id LIMIT 100`;

/** Erases a customer and every customer merged into it. Returns its record, which is now anonymized. */
export function* eraseCustomer(cx: Context, row: CustomerRow): Steps<CustomerRow> {
  let after = '';
  for (;;) {
    const merged = yield* all<Record<string, Scalar>>(MERGED, cx.orgcode, row.customer_id, after);
    for (const raw of merged) yield* eraseRecord(cx, decode(CUSTOMER, raw), {});
    const last = merged.at(-1);
    if (last === undefined) break;
    after = String(last.customer_id);
  }
  return yield* eraseRecord(cx, row, { status: 'anonymized' });
}

function* eraseRecord(cx: Context, row: CustomerRow, changes: Partial<CustomerRow>): Steps<CustomerRow> {
  const key = [cx.orgcode, row.customer_id] as const;
  yield* run(MARK, cx.stamp.now, ...key);
  for (const sql of ERASE) yield* run(sql, cx.stamp.now, ...key);
  yield* run(DELETE_IDENTIFIERS, ...key);
  yield* removeGrants(...key, Object.keys(row.consents));
  yield* eraseIdempotencyRecords(...key);
  const blank = erased(row, PERSONAL);
  const emptied = Object.entries(blank).filter(([name]) => PERSONAL_FIELDS.includes(name));
  return yield* revise(CUSTOMER, cx, row, { ...(Object.fromEntries(emptied) as Partial<CustomerRow>), ...changes });
}
