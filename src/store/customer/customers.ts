/**
 * The rows of customers: the table, its side tables (tags, references, search), and the record that a caller may see.
 */
import type { components } from '../../contract/generated/openapi.js';
import { isMasked, maskCustomer } from '../../domain/consent.js';
import { searchTerms } from '../../domain/customer.js';
import { toMajor } from '../../domain/money.js';
import type { LoyaltyPolicy } from '../../domain/policy.js';
import { tierOf } from '../../domain/tiers.js';
import type { Context } from '../engine/handler.js';
import { ledgerTime } from '../engine/ledger-time.js';
import type { SearchTable, Words } from '../engine/search-index.js';
import { all, one, run, type Step, type Steps, together } from '../engine/step.js';
import { defineTable } from '../engine/table.js';
import { ACCOUNT_COLUMNS, type LoyaltyAccount, noAccount } from '../loyalty/ledger.js';
import { currentPolicy } from '../loyalty/policies.js';
import { addDuplicateKeys, removeDuplicateKeys } from './duplicate-keys.js';

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
  /** State of the consent `profile_access`, for searches that must not find what they may not show. */
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

export const CUSTOMER_SEARCH: SearchTable = { name: 'customer_search', columns: ['names', 'other'], record: CUSTOMER };

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

const accountsSql = (ids: string) => `SELECT ${ACCOUNT_COLUMNS} FROM loyalty_account
  WHERE orgcode = ? AND customer_id IN (${ids})`;
const cardsSql = (ids: string) => `SELECT customer_id, currency, SUM(balance_minor) AS balance_minor, COUNT(*) AS cards
  FROM giftcard WHERE orgcode = ? AND customer_id IN (${ids}) AND status = 'active'
    AND (expires_at IS NULL OR (expires_at > ? AND expires_at > COALESCE(last_entry_at, '')))
  GROUP BY customer_id, currency ORDER BY customer_id, currency`;
const holdsSql = (ids: string) => `SELECT customer_id, COUNT(*) AS active_holds FROM hold
  WHERE orgcode = ? AND customer_id IN (${ids}) AND status IN ('active', 'confirmed') GROUP BY customer_id`;
const flagsSql = (ids: string) => `SELECT customer_id, flag FROM customer_flag
  WHERE orgcode = ? AND customer_id IN (${ids}) AND active = 1 AND (expires_at IS NULL OR expires_at > ?)
  ORDER BY customer_id, flag`;

const MAX_CURRENCIES = 50;
const MAX_FLAGS = 100;

/** The record as this caller may see it, with the values computed from other rows. */
export function* showCustomer(cx: Context, row: CustomerRow): Steps<Customer> {
  const [record] = yield* showCustomers(cx, [row]);
  return record as Customer;
}

/** The record of a customer that was just created: nothing else can belong to it yet. */
export function* showNewCustomer(cx: Context, row: CustomerRow): Steps<Customer> {
  const account = noAccount(row.customer_id);
  const { policy } = yield* currentPolicy(cx.orgcode);
  return recordOf(cx, row, policy, { account, expiry: unexpiring(account) });
}

/** The records of a page; each other table is read once for all of its customers. */
export function* showCustomers(cx: Context, rows: readonly CustomerRow[]): Steps<Customer[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ customer_id }) => customer_id);
  const [policy, belongings] = yield* together(currentPolicy(cx.orgcode), belongingsOf(cx, ids));
  return yield* assemble(cx, rows, policy.policy, belongings);
}

/** Finds a customer, as `find` does, and reads what belongs to it in the same round trip. */
export function* findTogether(cx: Context, find: Steps<CustomerRow>, id: string): Steps<Customer> {
  const [row, policy, belongings] = yield* together(find, currentPolicy(cx.orgcode), belongingsOf(cx, [id]));
  const [record] = yield* assemble(cx, [row], policy.policy, belongings);
  return record as Customer;
}

/** The rows of other tables that a page of customers shows. */
type Belongings = readonly [readonly LoyaltyAccount[], readonly CardsRow[], readonly HoldsRow[], readonly FlagRow[]];

function* belongingsOf({ orgcode, stamp }: Context, customerIds: readonly string[]): Steps<Belongings> {
  const { placeholders, ids } = idList(customerIds);
  const [some, now] = [
    [orgcode, ...ids],
    [orgcode, ...ids, stamp.now],
  ];
  const steps: readonly Step[] = [
    { sql: accountsSql(placeholders), args: some, mode: 'all' },
    { sql: cardsSql(placeholders), args: now, mode: 'all' },
    { sql: holdsSql(placeholders), args: some, mode: 'all' },
    { sql: flagsSql(placeholders), args: now, mode: 'all' },
  ];
  return (yield steps) as Belongings;
}

function* assemble(
  cx: Context,
  rows: readonly CustomerRow[],
  policy: LoyaltyPolicy,
  belongings: Belongings,
): Steps<Customer[]> {
  const [accountRows, cardRows, holdRows, flagRows] = belongings;
  const [accounts, cards] = [byCustomer(accountRows), byCustomer(cardRows)];
  const [holds, flags] = [byCustomer(holdRows), byCustomer(flagRows)];
  const owned = rows.map(({ customer_id: id }) => accounts.get(id)?.[0] ?? noAccount(id));
  const expiring = owned.filter(({ next_expiry_at }) => next_expiry_at !== null);
  const read = expiring.length === 0 ? [] : yield* together(...expiring.map((account) => expiryOf(cx, account)));
  const expiries = new Map(expiring.map(({ customer_id }, index) => [customer_id, read[index]]));
  return rows.map((row, index) => {
    const id = row.customer_id;
    const account = owned[index] ?? noAccount(id);
    return recordOf(cx, row, policy, {
      account,
      expiry: expiries.get(id) ?? unexpiring(account),
      cards: cards.get(id),
      holds: holds.get(id),
      flags: flags.get(id),
    });
  });
}

/** What was read together with a customer's row. */
interface ReadWith {
  readonly policy: LoyaltyPolicy;
  readonly account: LoyaltyAccount;
  readonly active_holds: number;
  readonly hasCards: boolean;
  readonly hasFlags: boolean;
}

/** The record of a row with which most of what belongs to it was read. */
export function* showWith(
  cx: Context,
  row: CustomerRow,
  { policy, account, active_holds, hasCards, hasFlags }: ReadWith,
): Steps<Customer> {
  const { customer_id } = row;
  const now = [cx.orgcode, customer_id, cx.stamp.now] as const;
  return recordOf(cx, row, policy, {
    account,
    expiry: account.next_expiry_at === null ? unexpiring(account) : yield* expiryOf(cx, account),
    cards: hasCards ? yield* all<CardsRow>(cardsSql('?'), ...now) : [],
    holds: [{ customer_id, active_holds }],
    flags: hasFlags ? yield* all<FlagRow>(flagsSql('?'), ...now) : [],
  });
}

/** What a record shows of other tables. */
interface Belonging {
  readonly account: LoyaltyAccount;
  readonly expiry: Expiry;
  readonly cards?: readonly CardsRow[] | undefined;
  readonly holds?: readonly HoldsRow[] | undefined;
  readonly flags?: readonly FlagRow[] | undefined;
}

/** One record, masked where this caller may not see it. */
function recordOf(
  cx: Context,
  row: CustomerRow,
  policy: LoyaltyPolicy,
  { account, expiry, cards = [], holds = [], flags = [] }: Belonging,
): Customer {
  // Written out, it takes a seventh of the time of a loop over the columns.
  const record: Customer = {
    orgcode: row.orgcode,
    customer_id: row.customer_id,
    status: row.status,
    revision: row.revision,
    caption: row.caption,
    email: row.email,
    phone: row.phone,
    given_name: row.given_name,
    family_name: row.family_name,
    company: row.company,
    birth_date: row.birth_date,
    locale: row.locale,
    addresses: row.addresses,
    home_logical_guid: row.home_logical_guid,
    external_refs: row.external_refs,
    tags: [...row.tags],
    attributes: row.attributes,
    merged_into_customer_id: row.merged_into_customer_id,
    consents: row.consents,
    created_at: row.created_at,
    updated_at: row.updated_at,
    loyalty: loyaltyOf(account, expiry, policy),
    stored_value: cards.slice(0, MAX_CURRENCIES).map(storedValue),
    active_holds: holds[0]?.active_holds ?? 0,
    flags: flags.slice(0, MAX_FLAGS).map(({ flag }) => flag),
  };
  return isMasked(row.consents) && !cx.permits('unmasked') ? maskCustomer(record) : record;
}

/** The points that can be redeemed now: the balance without points that have expired but are not posted yet. */
export function* pointsAvailable(cx: Context, account: LoyaltyAccount): Steps<number> {
  const now = ledgerTime(cx, account);
  if (account.next_expiry_at === null || account.next_expiry_at > now) return Math.max(0, account.points_balance);
  const row = yield* one<{ points: number }>(AVAILABLE, cx.orgcode, account.customer_id, now);
  return Math.max(0, row?.points ?? 0);
}

interface OfCustomer {
  readonly customer_id: string;
}
interface CardsRow extends OfCustomer {
  readonly currency: string;
  readonly balance_minor: number;
  readonly cards: number;
}
interface HoldsRow extends OfCustomer {
  readonly active_holds: number;
}
interface FlagRow extends OfCustomer {
  readonly flag: string;
}

type Expiry = Pick<Customer['loyalty'], 'points_available' | 'points_pending_expiry'>;

/** Balances and tier of an account at this instant. */
function loyaltyOf(account: LoyaltyAccount, expiry: Expiry, policy: LoyaltyPolicy): Customer['loyalty'] {
  const { points_balance, lifetime_points } = account;
  const tier = tierOf(policy, lifetime_points)?.tier ?? null;
  return { points_balance, ...expiry, tier, lifetime_points };
}

function unexpiring({ points_balance }: LoyaltyAccount): Expiry {
  return { points_available: Math.max(0, points_balance), points_pending_expiry: [] };
}

function* expiryOf(cx: Context, account: LoyaltyAccount): Steps<Expiry> {
  const args = [cx.orgcode, account.customer_id, ledgerTime(cx, account)] as const;
  const [points_available, pending] = yield* together(
    pointsAvailable(cx, account),
    all<{ points: number; expires_at: string }>(EXPIRING, ...args),
  );
  return { points_available, points_pending_expiry: [...pending] };
}

function storedValue({ currency, balance_minor, cards }: CardsRow): Customer['stored_value'][number] {
  return { currency, balance: toMajor(balance_minor, currency), cards };
}

/**
 * Placeholders and ids for `IN`. The last id is repeated up to a power of two, so that few statements serve all pages.
 */
function idList(customerIds: readonly string[]): { readonly placeholders: string; readonly ids: readonly string[] } {
  const size = 2 ** Math.ceil(Math.log2(customerIds.length));
  const ids = Array.from({ length: size }, (_, index) => customerIds[index] ?? customerIds.at(-1) ?? '');
  return { placeholders: ids.map(() => '?').join(', '), ids };
}

function byCustomer<Row extends OfCustomer>(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.customer_id);
    if (group === undefined) groups.set(row.customer_id, [row]);
    else group.push(row);
  }
  return groups;
}

type Search = Pick<Context, 'search'>;
type Index = Pick<Context, 'search' | 'dialect'>;

/** Adds a customer to the side tables and the search index; with `before`, removes its earlier state first. */
export function* indexCustomer(cx: Index, row: CustomerRow, before?: CustomerRow): Steps<void> {
  if (before !== undefined) yield* unindexCustomer(cx, before);
  const key = [row.orgcode, row.customer_id] as const;
  yield* together(cx.search.add(CUSTOMER_SEARCH, ...key, wordsOf(row)), addToSideTables(cx, row));
}

function* addToSideTables({ dialect }: Index, row: CustomerRow): Steps<void> {
  const { orgcode, customer_id } = row;
  const added = [
    ...row.tags.map((tag): Step => ({ sql: ADD_TAG, args: [orgcode, tag, customer_id], mode: 'run' })),
    ...row.external_refs.map(
      ({ system, ref }): Step => ({ sql: ADD_REF, args: [orgcode, system, ref, customer_id], mode: 'run' }),
    ),
  ];
  if (added.length > 0) yield added;
  if (row.status === 'active') yield* addDuplicateKeys(dialect, row);
}

/** Removes a customer from the side tables and the search index: once, and with the row that was added. */
export function* unindexCustomer({ search }: Search, row: CustomerRow): Steps<void> {
  yield* search.remove(CUSTOMER_SEARCH, row.orgcode, row.customer_id, wordsOf(row));
  for (const tag of row.tags) yield* run(REMOVE_TAG, row.orgcode, tag, row.customer_id);
  for (const { system, ref } of row.external_refs) yield* run(REMOVE_REF, row.orgcode, system, ref, row.customer_id);
  yield* removeDuplicateKeys(row);
}

/** Whether a customer is in the side tables and the search index: a merged or anonymized one is not. */
export function isIndexed({ status }: CustomerRow): boolean {
  return status !== 'merged' && status !== 'anonymized';
}

/** The words by which the search index must find a customer. */
export function indexedWords(row: CustomerRow): Words {
  return isIndexed(row) ? wordsOf(row) : [[], []];
}

function wordsOf(row: CustomerRow): Words {
  const { names, other } = searchTerms(row);
  return [names, other];
}
