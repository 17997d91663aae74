/** Pairs of customers that may be one person: met in blocks, compared, paged. Not: keys and weights (domain/dedupe). */
import { notFound } from '../contract/errors.js';
import type { components } from '../contract/generated/openapi.js';
import { isMasked } from '../domain/consent.js';
import { blockKeys, commonIdentifiers, compare, type Identifier, SHARED_ABOVE, toSubject } from '../domain/dedupe.js';
import { NOT_MASKED } from './customer-search.js';
import { CUSTOMER, type CustomerRow } from './customers.js';
import type { Context, InputOf } from './handler.js';
import { makeToken, pageLimit, readToken } from './page-token.js';
import { all, type Scalar, type Steps } from './step.js';
import { columnsOf, decode, find } from './table.js';

type Input = InputOf<'customer_dedupe_list'>;
type Candidate = components['schemas']['DuplicateCandidate'];

const ENDPOINT = 'customer/dedupe/list';
const DEFAULT_MIN_SCORE = 0.7;
/** Of a block so many older members are compared, and for a customer that is asked about as many newer ones. */
const BLOCK_REACH = 32;
/** A call looks at no more customers and pairs than this; a page that stays short has a token to go on. */
const MAX_LOOKS = 4096;
const BATCH = 64;
/** Sorts after every id, and behind an id just after it. */
const AFTER_ALL = '~';

/** One page of candidates, each pair once. @throws CrmError 404, 400 `crm.invalid_token`. */
export function* listDuplicates(cx: Context, input: Input) {
  const { limit, minScore } = { limit: pageLimit(input), minScore: input.min_score ?? DEFAULT_MIN_SCORE };
  const walk = input.customer_id === undefined ? everyone(cx) : yield* only(cx, input.customer_id);
  const items: Candidate[] = [];
  let at = readToken<Position>(cx, ENDPOINT, input);
  const encounters = openEncounters(walk, at);
  const counted: Counted = new Map();
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const met = yield* encounters.next();
    if (met === undefined) return { items, next_token: null };
    const pair = met.partner === undefined ? undefined : yield* candidate(cx, met.customer, met.partner, counted);
    if (pair !== undefined && pair.score >= minScore) {
      if (items.length === limit) break;
      items.push(pair);
    }
    at = { customer: met.customer.customer_id, partner: met.partner?.customer_id ?? AFTER_ALL };
  }
  return { items, next_token: makeToken(cx, ENDPOINT, input, at) };
}

/** The encounter after which a page goes on. */
interface Position {
  readonly customer: string;
  readonly partner: string;
}

/** Whom to compare, newest first, and with whom. */
interface Walk {
  customers(before: string): Steps<readonly CustomerRow[]>;
  partners(row: CustomerRow): Steps<readonly CustomerRow[]>;
}

interface Encounter {
  readonly customer: CustomerRow;
  /** Absent when the customer was only looked up. */
  readonly partner?: CustomerRow | undefined;
}

/** One after the other: a customer, then each of its partners, then the next customer. */
function openEncounters(walk: Walk, start: Position | undefined) {
  const customers: CustomerRow[] = [];
  const partners: CustomerRow[] = [];
  let before = start === undefined ? AFTER_ALL : start.customer + AFTER_ALL;
  let customer: CustomerRow | undefined;
  return {
    *next(): Steps<Encounter | undefined> {
      const partner = partners.shift();
      if (customer !== undefined && partner !== undefined) return { customer, partner };
      if (customers.length === 0) customers.push(...(yield* walk.customers(before)));
      customer = customers.shift();
      if (customer === undefined) return undefined;
      before = customer.customer_id;
      const after = before === start?.customer ? start.partner : AFTER_ALL;
      const met = yield* walk.partners(customer);
      partners.push(...met.filter(({ customer_id }) => customer_id < after));
      return { customer };
    },
  };
}

const SUSPECTS = `SELECT ${columnsOf(CUSTOMER, 'c')} FROM customer_suspect s CROSS JOIN customer c
  WHERE s.orgcode = ? AND s.customer_id < ? AND c.orgcode = s.orgcode AND c.customer_id = s.customer_id
  ORDER BY s.customer_id DESC LIMIT ?`;

/** Every customer that shares a block with an older one, with those older ones: so each pair is met once. */
function everyone(cx: Context): Walk {
  return {
    *customers(before) {
      const rows = yield* all<Record<string, Scalar>>(SUSPECTS, cx.orgcode, before, BATCH);
      return rows.map((row) => decode(CUSTOMER, row));
    },
    partners: (row) => members(cx, row, ['older']),
  };
}

/** One customer, with whoever shares a block with it. @throws CrmError 404. */
function* only(cx: Context, customerId: string): Steps<Walk> {
  const row = yield* find(CUSTOMER, cx.orgcode, customerId);
  if (row === undefined) throw notFound();
  return {
    // biome-ignore lint/correctness/useYield: the walk over all customers does ask
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

/** The nearest of those who share a block with an active customer, newest first. Nobody meets whom they may not see. */
function* members(cx: Context, row: CustomerRow, sides: readonly (keyof typeof SIDES)[]): Steps<CustomerRow[]> {
  if (row.status !== 'active' || (isMasked(row.consents) && !cx.permits('unmasked'))) return [];
  const found = new Map<string, CustomerRow>();
  for (const { kind, key } of blockKeys(toSubject(row))) {
    for (const side of sides) {
      const sql = memberSql(cx, columnsOf(CUSTOMER, 'c'), side);
      const raws = yield* all<Record<string, Scalar>>(sql, cx.orgcode, kind, key, row.customer_id, BLOCK_REACH);
      for (const raw of raws) found.set(String(raw.customer_id), decode(CUSTOMER, raw));
    }
  }
  return [...found.values()].sort((one, other) => (one.customer_id < other.customer_id ? 1 : -1));
}

/** The mask is asked about before the LIMIT: a hidden member must not even take another's place. */
function memberSql(cx: Context, columns: string, side: keyof typeof SIDES): string {
  const { sign, order } = SIDES[side];
  return `SELECT ${columns} FROM customer_block b CROSS JOIN customer c
    WHERE b.orgcode = ? AND b.block_kind = ? AND b.block_key = ? AND b.customer_id ${sign} ?
      AND c.orgcode = b.orgcode AND c.customer_id = b.customer_id ${cx.permits('unmasked') ? '' : `AND ${NOT_MASKED}`}
    ORDER BY b.customer_id ${order} LIMIT ?`;
}

/** Whether an identifier is shared by many, by its block key, as far as a call has asked. */
type Counted = Map<string, boolean>;

function* candidate(cx: Context, row: CustomerRow, partner: CustomerRow, counted: Counted): Steps<Candidate> {
  const [older, newer] = row.customer_id < partner.customer_id ? [row, partner] : [partner, row];
  const [one, other] = [toSubject(older), toSubject(newer)];
  const shared = new Set<Identifier>();
  for (const field of commonIdentifiers(one, other)) {
    const key = one[field];
    const known = counted.get(`${field} ${key}`) ?? (yield* isShared(cx, field, key));
    counted.set(`${field} ${key}`, known);
    if (known) shared.add(field);
  }
  return {
    candidate_id: `${older.customer_id}.${newer.customer_id}`,
    customer_ids: [older.customer_id, newer.customer_id],
    ...compare(one, other, shared),
    shared_identifier: shared.size > 0,
  };
}

function* isShared(cx: Context, kind: Identifier, key: string): Steps<boolean> {
  const rows = yield* all(memberSql(cx, 'b.customer_id', 'newer'), cx.orgcode, kind, key, '', SHARED_ABOVE + 1);
  return rows.length > SHARED_ABOVE;
}
