/** Customers as rows: the table, its side tables (tags, references, search), and the record a caller may see. */
import type { components } from '../contract/generated/openapi.js';
import { isMasked, maskCustomer } from '../domain/consent.js';
import { searchTerms } from '../domain/customer.js';
import { toMajor } from '../domain/money.js';
import { tierOf } from '../domain/tiers.js';
import type { Context } from './handler.js';
import { type Account, customerAccount } from './ledger.js';
import { currentPolicy, type PolicyRow } from './policies.js';
import { all, one, run, type Steps } from './step.js';
import { defineTable } from './table.js';

export type Customer = components['schemas']['Customer'];

export interface CustomerRow {
  readonly orgcode: string;
  readonly customer_id: string;
  readonly status: Customer['status'];
  readonly revision: number;
  readonly caption: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly company: string | null;
  readonly birth_date: string | null;
  readonly locale: string | null;
  readonly addresses: Customer['addresses'];
  readonly home_logical_guid: string | null;
  readonly external_refs: Customer['external_refs'];
  readonly tags: readonly string[];
  readonly attributes: Customer['attributes'];
  readonly merged_into_customer_id: string | null;
  readonly consents: Customer['consents'];
  /** State of that one consent, for searches that must not find what they may not show. */
  readonly profile_access: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export const CUSTOMER = defineTable<CustomerRow>({
  name: 'customer',
  id: 'customer_id',
  columns: [
    'orgcode',
    'customer_id',
    'status',
    'revision',
    'caption',
    'email',
    'phone',
    'given_name',
    'family_name',
    'company',
    'birth_date',
    'locale',
    'addresses',
    'home_logical_guid',
    'external_refs',
    'tags',
    'attributes',
    'merged_into_customer_id',
    'consents',
    'profile_access',
    'created_at',
    'updated_at',
  ],
  json: ['addresses', 'external_refs', 'tags', 'attributes', 'consents'],
});

const ROW_NO = `SELECT c.row_no, o.org_no FROM customer c JOIN org o ON o.orgcode = c.orgcode
  WHERE c.orgcode = ? AND c.customer_id = ?`;
const INDEX = 'INSERT INTO customer_search (rowid, names, other) VALUES (?, ?, ?)';
const UNINDEX = `INSERT INTO customer_search (customer_search, rowid, names, other) VALUES ('delete', ?, ?, ?)`;
const ADD_TAG = 'INSERT INTO customer_tag (orgcode, tag, customer_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';
const REMOVE_TAG = 'DELETE FROM customer_tag WHERE orgcode = ? AND tag = ? AND customer_id = ?';
const ADD_REF =
  'INSERT INTO customer_ref (orgcode, system, ref, customer_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
const REMOVE_REF = 'DELETE FROM customer_ref WHERE orgcode = ? AND system = ? AND ref = ? AND customer_id = ?';
const EXPIRING = `SELECT expires_at, SUM(remaining) AS points FROM loyalty_lot
  WHERE orgcode = ? AND customer_id = ? AND remaining <> 0 AND expires_at > ?
  GROUP BY expires_at ORDER BY expires_at LIMIT 3`;
const AVAILABLE = `SELECT COALESCE(SUM(remaining), 0) AS points FROM loyalty_lot
  WHERE orgcode = ? AND customer_id = ? AND remaining <> 0 AND (expires_at IS NULL OR expires_at > ?)`;
const CARDS = `SELECT currency, SUM(balance_minor) AS balance_minor, COUNT(*) AS cards FROM giftcard
  WHERE orgcode = ? AND customer_id = ? AND status = 'active' AND (expires_at IS NULL OR expires_at > ?)
  GROUP BY currency ORDER BY currency LIMIT 50`;
const MARKS = `SELECT (SELECT COUNT(*) FROM hold h WHERE h.orgcode = c.orgcode AND h.customer_id = c.customer_id
      AND h.status IN ('active', 'confirmed')) AS active_holds
  FROM customer c WHERE c.orgcode = ? AND c.customer_id = ?`;
const FLAGS = `SELECT flag FROM customer_flag WHERE orgcode = ? AND customer_id = ? AND active = 1
  AND (expires_at IS NULL OR expires_at > ?) ORDER BY flag LIMIT 100`;

/** The record as this caller may see it, with everything that is computed from other rows. */
export function* showCustomer(cx: Context, row: CustomerRow, policy?: PolicyRow): Steps<Customer> {
  const { profile_access: _, ...shown } = row;
  const record: Customer = {
    ...shown,
    tags: [...row.tags],
    loyalty: yield* loyaltyOf(cx, row.customer_id, policy ?? (yield* currentPolicy(cx.orgcode))),
    stored_value: yield* storedValueOf(cx, row.customer_id),
    active_holds: (yield* one<{ active_holds: number }>(MARKS, cx.orgcode, row.customer_id))?.active_holds ?? 0,
    flags: (yield* all<{ flag: string }>(FLAGS, cx.orgcode, row.customer_id, cx.stamp.now)).map(({ flag }) => flag),
  };
  return isMasked(row.consents) && !cx.permits('unmasked') ? maskCustomer(record) : record;
}

/** Balances and tier of a customer, as they are at this instant. */
export function* loyaltyOf(cx: Context, customerId: string, policy: PolicyRow): Steps<Customer['loyalty']> {
  const account = yield* customerAccount(cx.orgcode, customerId);
  const expiring = yield* all<{ expires_at: string; points: number }>(EXPIRING, cx.orgcode, customerId, cx.stamp.now);
  return {
    points_balance: account.points_balance,
    points_available: yield* pointsAvailable(cx, account),
    points_pending_expiry: expiring.map(({ points, expires_at }) => ({ points, expires_at })),
    tier: tierOf(policy.policy, account.lifetime_points)?.tier ?? null,
    lifetime_points: account.lifetime_points,
  };
}

/** What can be redeemed at this instant: the balance, less what has expired and is not posted yet. */
export function* pointsAvailable(cx: Context, account: Account): Steps<number> {
  if (account.next_expiry_at === null || account.next_expiry_at > cx.stamp.now)
    return Math.max(0, account.points_balance);
  const row = yield* one<{ points: number }>(AVAILABLE, cx.orgcode, account.customer_id, cx.stamp.now);
  return Math.max(0, row?.points ?? 0);
}

function* storedValueOf(cx: Context, customerId: string): Steps<Customer['stored_value']> {
  const rows = yield* all<{ currency: string; balance_minor: number; cards: number }>(
    CARDS,
    cx.orgcode,
    customerId,
    cx.stamp.now,
  );
  return rows.map(({ currency, balance_minor, cards }) => ({
    currency,
    balance: toMajor(balance_minor, currency),
    cards,
  }));
}

/** Puts a customer into the side tables; with `before`, takes its old self out first. */
export function* indexCustomer(row: CustomerRow, before?: CustomerRow): Steps<void> {
  if (before !== undefined) yield* unindexCustomer(before);
  yield* changeSearch(INDEX, row);
  for (const tag of row.tags) yield* run(ADD_TAG, row.orgcode, tag, row.customer_id);
  for (const { system, ref } of row.external_refs) yield* run(ADD_REF, row.orgcode, system, ref, row.customer_id);
}

/** Takes a customer out of the side tables. Once, and as it was put in: the search index keeps no copy to check. */
export function* unindexCustomer(row: CustomerRow): Steps<void> {
  yield* changeSearch(UNINDEX, row);
  for (const tag of row.tags) yield* run(REMOVE_TAG, row.orgcode, tag, row.customer_id);
  for (const { system, ref } of row.external_refs) yield* run(REMOVE_REF, row.orgcode, system, ref, row.customer_id);
}

function* changeSearch(sql: string, row: CustomerRow): Steps<void> {
  const numbers = yield* one<{ row_no: number; org_no: number }>(ROW_NO, row.orgcode, row.customer_id);
  if (numbers !== undefined) yield* run(sql, numbers.row_no, ...searchText(row, numbers.org_no));
}

/** Search words carry their org's number in front: a prefix search never touches another org's words. */
export function orgWord(orgNo: number, word: string): string {
  return orgNo.toString(36).padStart(ORG_WIDTH, '0') + word;
}

const ORG_WIDTH = 4;

function searchText(row: CustomerRow, orgNo: number): [string, string] {
  const { names, other } = searchTerms(row);
  const join = (words: readonly string[]) => words.map((word) => orgWord(orgNo, word)).join(' ');
  return [join(names), join(other)];
}
