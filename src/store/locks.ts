/**
 * The locks that each change takes first, so that nothing it reads can change before it commits. They are computed from
 * the input alone and sent together with the first reads. SQLite, which has one writer, takes none.
 *
 * Everybody locks in this order, so that no two changes wait for each other:
 * 1. the idempotency key (engine/idempotency.ts);
 * 2. names that follow from the input;
 * 3. owners by table: customers, accounts, gift cards, then the record itself; rows of one table by id;
 * 4. names that follow from what was read: unique identifiers (customer-identity.ts), then the keys of duplicates
 *    (duplicate-keys.ts), each sorted; last, counted gift card failures (giftcard-handlers.ts).
 *
 * What unique keys of the schema prevent needs no lock: the driver runs the second change again, and it then finds what
 * the first one wrote. So it is with policy versions, account numbers, gift card codes and names of users.
 */
import type { families } from '../contract/generated/openapi.js';
import type { Context, InputOf } from './engine/handler.js';
import { isOneOf, lockKey, lockRows, type Scalar, type Step } from './engine/step.js';
import { codeHashes } from './giftcard/giftcard-handlers.js';

type Changes = Exclude<families[keyof families], [string, 'read']>[0];

/** Reading a gift card counts failures. */
type Locking = Changes | 'giftcard_get';

type Locks = { readonly [Id in Locking]: (cx: Context, input: InputOf<Id>) => readonly Step[] };

/** The locks of operations by id, as the dispatcher calls them; a read has none. */
export interface LockTable {
  readonly [operation: string]: ((cx: Context, input: object) => readonly Step[]) | undefined;
}

const NONE = () => [];

/** The type requires an entry for every change; the cast drops the types of the inputs, for dispatch. */
export const LOCKS = Object.freeze({
  account_contact_create: (cx, { contact }) => [
    ...(contact.customer_id === undefined ? [] : [customer(cx, contact.customer_id)]),
    row(cx, 'account', contact.account_id),
  ],
  account_contact_status_set: (cx, input) => contactOwners(cx, input.account_contact_id),
  account_contact_update: (cx, input) => contactOwners(cx, input.account_contact_id, input.contact.customer_id),
  account_create: NONE, // its number is a unique key, and nothing else knows its id
  account_credit_consume: (cx, input) => [row(cx, 'account', input.account_id)],
  account_credit_release: (cx, input) => [row(cx, 'account', input.account_id)],
  account_status_set: (cx, input) => [row(cx, 'account', input.account_id)],
  account_update: (cx, input) => [
    // two accounts that get each other as parent would make a circle
    ...(input.account.parent_account_id == null ? [] : [lockKey(cx.orgcode, 'account-parents')]),
    row(cx, 'account', input.account_id),
  ],
  comment: (cx, { comment: { target_type, target_id } }) =>
    // a merge moves a customer's comments and their totals; no other target changes them
    target_type === 'customer' ? [customer(cx, target_id)] : [],
  comment_revise: (cx, input) => commentOwners(cx, input.comment_id),
  comment_status: (cx, input) => commentOwners(cx, input.comment_id),
  customer_anonymize: (cx, input) => [customersWithMerged(cx, [input.customer_id])],
  customer_consent_set: (cx, input) => [customer(cx, input.customer_id)],
  customer_create: NONE, // nothing else knows its id; its identifiers are locked with the check that they are free
  customer_flag_set: (cx, input) => [customer(cx, input.customer_id)],
  customer_fraud_assess: (cx, input) => [customer(cx, input.customer_id)],
  customer_hold_resolve: (cx, input) => [customerOf(cx, 'hold', input.hold_id), row(cx, 'hold', input.hold_id)],
  customer_merge: (cx, input) => [customersWithMerged(cx, [input.customer_id, ...input.merge_customer_ids])],
  customer_update: (cx, input) => [customer(cx, input.customer_id)],
  exemption_certificate_create: (cx, { certificate }) =>
    certificate.customer_id === undefined ? [] : [customer(cx, certificate.customer_id)],
  exemption_certificate_status_set: (cx, input) => [
    customerOf(cx, 'certificate', input.certificate_id),
    row(cx, 'certificate', input.certificate_id),
  ],
  giftcard_get: cardOnly,
  giftcard_issue: (cx, input) => (input.customer_id === undefined ? [] : [customer(cx, input.customer_id)]),
  giftcard_redeem: (cx, input) => [cardOwner(cx, input), ...cardOnly(cx, input)],
  inbox_create: NONE, // refers to a record in any state, and changes nothing else
  inbox_state: (cx, input) => [row(cx, 'inbox', input.inbox_id)],
  inbox_status: (cx, input) => [row(cx, 'inbox', input.inbox_id)],
  loyalty_adjust: (cx, input) => [customer(cx, input.customer_id)],
  loyalty_earn: (cx, input) => [customer(cx, input.customer_id)],
  // without a customer: ledger-sweep.ts locks those whose points are due, by id
  loyalty_expire: (cx, input) => (input.customer_id === undefined ? [] : [customer(cx, input.customer_id)]),
  loyalty_policy_set: NONE, // its version is a unique key
  loyalty_redeem: (cx, input) => [customer(cx, input.customer_id)],
  loyalty_restore: (cx, input) => [customerOf(cx, 'loyalty_txn', input.loyalty_txn_id)],
  loyalty_reverse: (cx, input) => [customerOf(cx, 'loyalty_txn', input.loyalty_txn_id)],
} satisfies Locks) as unknown as LockTable;

const IDS = {
  account: 'account_id',
  certificate: 'certificate_id',
  comment: 'comment_id',
  giftcard: 'giftcard_id',
  hold: 'hold_id',
  inbox: 'inbox_id',
  loyalty_txn: 'loyalty_txn_id',
} as const;

function row({ orgcode }: Context, table: keyof typeof IDS, id: string): Step {
  return lockRows(`SELECT 1 FROM ${table} WHERE orgcode = ? AND ${IDS[table]} = ?`, orgcode, id);
}

function customer({ orgcode }: Context, id: string): Step {
  return lockRows('SELECT 1 FROM customer WHERE orgcode = ? AND customer_id = ?', orgcode, id);
}

/** The customer that a record belongs to. */
function customerOf({ orgcode }: Context, table: keyof typeof IDS, id: string): Step {
  const owner = `SELECT customer_id FROM ${table} WHERE orgcode = ? AND ${IDS[table]} = ?`;
  return lockRows(`SELECT 1 FROM customer WHERE orgcode = ? AND customer_id = (${owner})`, orgcode, orgcode, id);
}

/** Customers, and those merged into them, which a merge or an erasure changes, too. */
function customersWithMerged({ orgcode }: Context, ids: readonly string[]): Step {
  const list = ids.map(() => '?').join(', ');
  const sql = `SELECT 1 FROM customer WHERE orgcode = ?
    AND (customer_id IN (${list}) OR merged_into_customer_id IN (${list})) ORDER BY customer_id`;
  return lockRows(sql, orgcode, ...ids, ...ids);
}

/** The customers that a contact refers to, before and after the change, and its account. */
function contactOwners({ orgcode }: Context, contactId: string, customerId?: string | null): readonly Step[] {
  const of = (column: string) => `SELECT ${column} FROM account_contact WHERE orgcode = ? AND account_contact_id = ?`;
  const key: readonly Scalar[] = [orgcode, orgcode, contactId];
  return [
    lockRows(
      `SELECT 1 FROM customer WHERE orgcode = ? AND customer_id IN ((${of('customer_id')}), ?) ORDER BY customer_id`,
      ...key,
      customerId ?? null,
    ),
    lockRows(`SELECT 1 FROM account WHERE orgcode = ? AND account_id = (${of('account_id')})`, ...key),
  ];
}

function commentOwners(cx: Context, commentId: string): readonly Step[] {
  const { orgcode } = cx;
  const target = `SELECT target_id FROM comment WHERE orgcode = ? AND comment_id = ? AND target_type = 'customer'`;
  const owner = `SELECT 1 FROM customer WHERE orgcode = ? AND customer_id = (${target})`;
  return [lockRows(owner, orgcode, orgcode, commentId), row(cx, 'comment', commentId)];
}

type Presented = InputOf<'giftcard_get'>;

function cardOnly(cx: Context, { giftcard_id, code }: Presented): readonly Step[] {
  if (code === undefined) return [row(cx, 'giftcard', giftcard_id ?? '')];
  const hashes = codeHashes(cx, code);
  return [
    lockRows(
      `SELECT 1 FROM giftcard WHERE orgcode = ? AND ${isOneOf('code_hash', hashes.length)}`,
      cx.orgcode,
      ...hashes,
    ),
  ];
}

function cardOwner(cx: Context, { giftcard_id, code }: Presented): Step {
  if (code === undefined) return customerOf(cx, 'giftcard', giftcard_id ?? '');
  const { orgcode } = cx;
  const hashes = codeHashes(cx, code);
  const owner = `SELECT customer_id FROM giftcard WHERE orgcode = ? AND ${isOneOf('code_hash', hashes.length)}`;
  const sql = `SELECT 1 FROM customer WHERE orgcode = ? AND customer_id = (${owner})`;
  return lockRows(sql, orgcode, orgcode, ...hashes);
}
