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
  type Subject,
  toSubject,
} from '../../domain/dedupe.js';
import type { Context, InputOf } from '../engine/handler.js';
import { makeToken, pageLimit, readToken } from '../engine/page-token.js';
import { all, type Scalar, type Steps, together } from '../engine/step.js';
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
/** Read in one round trip, of which the last of a call are read in vain. */
const CUSTOMERS_AT_ONCE = 16;
const PAIRS_AT_ONCE = 64;
/** Sorts after every id; appended to an id, sorts just after it. */
const AFTER_ALL = '~';

/** One page of candidates, each pair once. @throws CrmError 404, 400 `crm.invalid_token`. */
export function* listDuplicates(cx: Context, input: Input) {
  const { limit, minScore } = { limit: pageLimit(input), minScore: input.min_score ?? DEFAULT_MIN_SCORE };
  const walk = input.customer_id === undefined ? allSuspects(cx) : yield* oneCustomer(cx, input.customer_id);
  const items: Candidate[] = [];
  let at = readToken<Position>(cx, ENDPOINT, input);
  const pairs = openPairs(cx, walk, at);
  for (let reads = 0; reads < MAX_READ; reads += 1) {
    const next = yield* pairs.next();
    if (next === undefined) return { items, next_token: null };
    const { customer, partner = AFTER_ALL, candidate } = next;
    if (candidate !== undefined && candidate.score >= minScore) {
      if (items.length === limit) break;
      items.push(candidate);
    }
    at = { customer: customer.customer_id, partner };
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
  readonly partner?: string;
  readonly candidate?: Candidate;
}

/** A pair to read: its partner is known by id. */
interface PairToRead {
  readonly customer: Compared;
  readonly partner?: string;
}

/**
 * Yields a customer, then each of its partners, then the next customer. The blocks of some customers are read in one
 * round trip, and so are some partners.
 */
function openPairs(cx: Context, walk: Walk, start: Position | undefined) {
  const customers: Compared[] = [];
  const toRead: PairToRead[] = [];
  const pairs: Pair[] = [];
  const known: Known = { shared: new Map(), people: new Map() };
  let before = start === undefined ? AFTER_ALL : start.customer + AFTER_ALL;
  function* readBlocks(): Steps<void> {
    if (customers.length === 0) customers.push(...(yield* walk.customers(before)));
    const some = customers.splice(0, CUSTOMERS_AT_ONCE);
    const partners = yield* together(...some.map((customer) => walk.partners(customer)));
    for (const [index, customer] of some.entries()) {
      before = customer.customer_id;
      const after = before === start?.customer ? start.partner : AFTER_ALL;
      const left = (partners[index] ?? []).filter((id) => id < after);
      toRead.push({ customer }, ...left.map((partner) => ({ customer, partner })));
    }
  }
  return {
    *next(): Steps<Pair | undefined> {
      if (pairs.length === 0) {
        if (toRead.length === 0) yield* readBlocks();
        pairs.push(...(yield* together(...toRead.splice(0, PAIRS_AT_ONCE).map((pair) => readPair(cx, pair, known)))));
      }
      return pairs.shift();
    },
  };
}

function* readPair(cx: Context, { customer, partner: id }: PairToRead, known: Known): Steps<Pair> {
  const partner = id === undefined ? undefined : (known.people.get(id) ?? (yield* readPerson(cx, id)));
  if (id === undefined || partner === undefined) return { customer };
  known.people.set(id, partner);
  const person = known.people.get(customer.customer_id) ?? toSubject(customer);
  known.people.set(customer.customer_id, person);
  const candidate = yield* compared(cx, [customer.customer_id, person], [id, partner], known);
  return { customer, partner: id, candidate };
}

function* readPerson(cx: Context, id: string): Steps<Subject | undefined> {
  const row = yield* find(COMPARED, cx.orgcode, id);
  return row && toSubject(row);
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
function* members(cx: Context, row: Compared, sides: readonly Side[]): Steps<string[]> {
  if (row.status !== 'active' || (isMasked(row.consents) && !cx.permits('unmasked'))) return [];
  const keys = blockKeys(toSubject(row));
  const lists = keys.flatMap(({ kind, key }) =>
    sides.map((side) => memberIds(cx, kind, key, side, row.customer_id, BLOCK_REACH)),
  );
  return [...new Set((yield* together(...lists)).flat())].sort().reverse();
}

type Side = keyof typeof SIDES;

/** Masked members are excluded before the LIMIT, so that they do not displace visible ones. */
function membersSql(side: Side, masked: string): string {
  const { sign, order } = SIDES[side];
  return `SELECT b.customer_id FROM customer_block b ${masked}
    WHERE b.orgcode = ? AND b.block_kind = ? AND b.block_key = ? AND b.customer_id ${sign} ?
    ORDER BY b.customer_id ${order} LIMIT ?`;
}

const maskedSql = (join: string) =>
  `${join} customer c ON c.orgcode = b.orgcode AND c.customer_id = b.customer_id AND ${NOT_MASKED}`;

/** Made once: a text that is put together anew for each block takes longer to look up than its statement to run. */
const UNMASKED_MEMBERS = { older: membersSql('older', ''), newer: membersSql('newer', '') };

function* memberIds(cx: Context, kind: string, key: string, side: Side, from: string, most: number) {
  const sql = cx.permits('unmasked') ? UNMASKED_MEMBERS[side] : membersSql(side, maskedSql(cx.dialect.orderedJoin));
  const rows = yield* all<{ customer_id: string }>(sql, cx.orgcode, kind, key, from, most);
  return rows.map(({ customer_id }) => customer_id);
}

/** What a call has read: it compares some customers with many others. */
interface Known {
  /** Whether many customers share an identifier, by its block key. */
  readonly shared: Map<string, boolean>;
  /** Customers by id. */
  readonly people: Map<string, Subject>;
}

type Person = readonly [id: string, subject: Subject];

function* compared(cx: Context, some: Person, others: Person, { shared: known }: Known): Steps<Candidate> {
  const [[olderId, older], [newerId, newer]] = some[0] < others[0] ? [some, others] : [others, some];
  const common = commonIdentifiers(older, newer);
  const answers = yield* together(...common.map((field) => isShared(cx, field, older[field], known)));
  const shared = new Set(common.filter((_, index) => answers[index]));
  return {
    candidate_id: `${olderId}.${newerId}`,
    customer_ids: [olderId, newerId],
    ...compare(older, newer, shared),
    shared_identifier: shared.size > 0,
  };
}

function* isShared(cx: Context, kind: CustomerIdentifier, key: string, known: Known['shared']): Steps<boolean> {
  const answer = known.get(`${kind} ${key}`);
  if (answer !== undefined) return answer;
  const members = yield* memberIds(cx, kind, key, 'newer', '', SHARED_ABOVE + 1);
  const shared = members.length > SHARED_ABOVE;
  known.set(`${kind} ${key}`, shared);
  return shared;
}
