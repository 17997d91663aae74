/**
 * Pages of customer pairs that may be one person: pairs of a block, compared. Keys and weights are in domain/dedupe.ts.
 */
import { notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { isMasked } from '../../domain/consent.js';
import {
  blockKeys,
  type CustomerIdentifier,
  commonIdentifiers,
  compare,
  SHARED_ABOVE,
  toSubject,
} from '../../domain/dedupe.js';
import type { Context, InputOf } from '../engine/handler.js';
import { makeToken, pageLimit, readToken } from '../engine/page-token.js';
import { all, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode, defineTable, find } from '../engine/table.js';
import { NOT_MASKED } from './customer-search.js';
import type { CustomerRow } from './customers.js';
import { PERSON_COLUMNS } from './duplicate-keys.js';

type Input = InputOf<'customer_dedupe_list'>;
type Candidate = components['schemas']['DuplicateCandidate'];

const ENDPOINT = 'customer/dedupe/list';
const DEFAULT_MIN_SCORE = 0.7;
/** So many older members of a block are compared; for a list about one customer, as many newer ones, too. */
const BLOCK_REACH = 32;
/** A call reads at most this many customers and pairs; a page that is left short has a token to continue. */
const MAX_READ = 4096;
const BATCH = 64;
/** Sorts after every id; appended to an id, sorts just after it. */
const AFTER_ALL = '~';

/** One page of candidates, each pair once. @throws CrmError 404, 400 `crm.invalid_token`. */
export function* listDuplicates(cx: Context, input: Input) {
  const { limit, minScore } = { limit: pageLimit(input), minScore: input.min_score ?? DEFAULT_MIN_SCORE };
  const walk = input.customer_id === undefined ? allSuspects(cx) : yield* oneCustomer(cx, input.customer_id);
  const items: Candidate[] = [];
  let at = readToken<Position>(cx, ENDPOINT, input);
  const pairs = openPairs(cx, walk, at);
  const sharedByKey: SharedByKey = new Map();
  for (let reads = 0; reads < MAX_READ; reads += 1) {
    const next = yield* pairs.next();
    if (next === undefined) return { items, next_token: null };
    const pair =
      next.partner === undefined ? undefined : yield* candidate(cx, next.customer, next.partner, sharedByKey);
    if (pair !== undefined && pair.score >= minScore) {
      if (items.length === limit) break;
      items.push(pair);
    }
    at = { customer: next.customer.customer_id, partner: next.partner?.customer_id ?? AFTER_ALL };
  }
  return { items, next_token: makeToken(cx, ENDPOINT, input, at) };
}

/** The pair after which the next page starts. */
interface Position {
  readonly customer: string;
  readonly partner: string;
}

const COMPARED_COLUMNS = ['customer_id', 'status', ...PERSON_COLUMNS, 'consents'] as const;

/** The columns that are compared. No others are read: each costs time, and a pair takes many rows. */
type Compared = Pick<CustomerRow, (typeof COMPARED_COLUMNS)[number]>;

const COMPARED = defineTable<Compared>({
  name: 'customer',
  id: 'customer_id',
  columns: COMPARED_COLUMNS,
  json: ['addresses', 'consents'],
});

/** The customers to compare, newest first, and the partners of each. */
interface Walk {
  customers(before: string): Steps<readonly Compared[]>;
  /** The ids of the customers to compare with `row`. */
  partners(row: Compared): Steps<readonly string[]>;
}

interface Pair {
  readonly customer: Compared;
  /** Absent when the customer was read without a partner. */
  readonly partner?: Compared | undefined;
}

/** Yields a customer, then each of its partners, then the next customer. */
function openPairs(cx: Context, walk: Walk, start: Position | undefined) {
  const customers: Compared[] = [];
  const partners: string[] = [];
  let before = start === undefined ? AFTER_ALL : start.customer + AFTER_ALL;
  let customer: Compared | undefined;
  return {
    *next(): Steps<Pair | undefined> {
      const partner = partners.shift();
      if (customer !== undefined && partner !== undefined)
        return { customer, partner: yield* find(COMPARED, cx.orgcode, partner) };
      if (customers.length === 0) customers.push(...(yield* walk.customers(before)));
      customer = customers.shift();
      if (customer === undefined) return undefined;
      before = customer.customer_id;
      const after = before === start?.customer ? start.partner : AFTER_ALL;
      partners.push(...(yield* walk.partners(customer)).filter((id) => id < after));
      return { customer };
    },
  };
}

const suspectsSql = ({ dialect }: Context) => `SELECT ${columnsOf(COMPARED, 'c')}
  FROM customer_suspect s ${dialect.orderedJoin} customer c ON c.orgcode = s.orgcode AND c.customer_id = s.customer_id
  WHERE s.orgcode = ? AND s.customer_id < ? ORDER BY s.customer_id DESC LIMIT ?`;

/** Every customer that shares a block with older ones, and those older ones: each pair once. */
function allSuspects(cx: Context): Walk {
  const sql = suspectsSql(cx);
  return {
    *customers(before) {
      const rows = yield* all<Record<string, Scalar>>(sql, cx.orgcode, before, BATCH);
      return rows.map((row) => decode(COMPARED, row));
    },
    partners: (row) => members(cx, row, ['older']),
  };
}

/** One customer, and all that share a block with it. @throws CrmError 404. */
function* oneCustomer(cx: Context, customerId: string): Steps<Walk> {
  const row = yield* find(COMPARED, cx.orgcode, customerId);
  if (row === undefined) throw notFound();
  return {
    // biome-ignore lint/correctness/useYield: the walk over all customers yields
    *customers(before) {
      return row.customer_id < before ? [row] : [];
    },
    partners: (customer) => members(cx, customer, ['newer', 'older']),
  };
}

const SIDES = {
  older: { sign: '<', order: 'DESC' },
  newer: { sign: '>', order: 'ASC' },
} as const;

/** The nearest members of the blocks of an active customer, newest first, without those that the caller may not see. */
function* members(cx: Context, row: Compared, sides: readonly (keyof typeof SIDES)[]): Steps<string[]> {
  if (row.status !== 'active' || (isMasked(row.consents) && !cx.permits('unmasked'))) return [];
  const ids = new Set<string>();
  for (const { kind, key } of blockKeys(toSubject(row))) {
    for (const side of sides) {
      for (const id of yield* memberIds(cx, kind, key, side, row.customer_id, BLOCK_REACH)) ids.add(id);
    }
  }
  return [...ids].sort().reverse();
}

/** Masked members are excluded before the LIMIT, so that they do not displace visible ones. */
function* memberIds(cx: Context, kind: string, key: string, side: keyof typeof SIDES, from: string, most: number) {
  const { sign, order } = SIDES[side];
  const masked = `${cx.dialect.orderedJoin} customer c ON c.orgcode = b.orgcode AND c.customer_id = b.customer_id AND ${NOT_MASKED}`;
  const sql = `SELECT b.customer_id FROM customer_block b ${cx.permits('unmasked') ? '' : masked}
    WHERE b.orgcode = ? AND b.block_kind = ? AND b.block_key = ? AND b.customer_id ${sign} ?
    ORDER BY b.customer_id ${order} LIMIT ?`;
  const rows = yield* all<{ customer_id: string }>(sql, cx.orgcode, kind, key, from, most);
  return rows.map(({ customer_id }) => customer_id);
}

/** Whether many customers share an identifier, by its block key, for the keys that this call has checked. */
type SharedByKey = Map<string, boolean>;

function* candidate(cx: Context, row: Compared, partner: Compared, sharedByKey: SharedByKey): Steps<Candidate> {
  const [older, newer] = row.customer_id < partner.customer_id ? [row, partner] : [partner, row];
  const [one, other] = [toSubject(older), toSubject(newer)];
  const shared = new Set<CustomerIdentifier>();
  for (const field of commonIdentifiers(one, other)) {
    const key = one[field];
    const known = sharedByKey.get(`${field} ${key}`) ?? (yield* isShared(cx, field, key));
    sharedByKey.set(`${field} ${key}`, known);
    if (known) shared.add(field);
  }
  return {
    candidate_id: `${older.customer_id}.${newer.customer_id}`,
    customer_ids: [older.customer_id, newer.customer_id],
    ...compare(one, other, shared),
    shared_identifier: shared.size > 0,
  };
}

function* isShared(cx: Context, kind: CustomerIdentifier, key: string): Steps<boolean> {
  return (yield* memberIds(cx, kind, key, 'newer', '', SHARED_ABOVE + 1)).length > SHARED_ABOVE;
}
