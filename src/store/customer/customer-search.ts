/**
 * Customer search: exact identifiers by index; words by full-text search in three tiers (whole words of the name, then
 * prefixes of them, then prefixes in e-mail and phone), newest first within each. No tier ranks all its matches or
 * scans.
 */
import { invalidRequest } from '../../contract/errors.js';
import { normalizeCustomer, queryTerms, searchTerms } from '../../domain/customer.js';
import { type Condition, passesColumn } from '../engine/condition.js';
import type { Context, InputOf } from '../engine/handler.js';
import { pageLimit, readToken } from '../engine/page-token.js';
import type { MatchSource, WordMatch } from '../engine/search-index.js';
import { all, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode } from '../engine/table.js';
import { requiredConsent } from './customer-list.js';
import { CUSTOMER, CUSTOMER_SEARCH, type CustomerRow } from './customers.js';

type SearchInput = InputOf<'customer_search'>;

/** Where the next page starts: the tier, and the position of the last row read in it. */
export interface SearchPosition {
  readonly tier: number;
  readonly before: Scalar;
}

export interface SearchPage {
  readonly rows: readonly CustomerRow[];
  readonly next: SearchPosition | undefined;
}

interface Candidate {
  readonly row: CustomerRow;
  readonly position: Scalar;
  readonly passes: boolean;
}

/** A call reads at most this many candidates; a page that filters leave short has a token to continue. */
const MAX_CANDIDATES = 1024;
const BATCH = 128;
/** Sorts after every id. */
const AFTER_ALL = '~';

/** One page of matches. It may be shorter than `limit` and have a `next` when filters exclude most of the matches. */
export function* searchCustomers(cx: Context, input: SearchInput): Steps<SearchPage> {
  const limit = pageLimit(input);
  const start = readToken<SearchPosition>(cx, 'customer/search', input);
  const tiers = yield* tiersOf(cx, input);
  const rows: CustomerRow[] = [];
  let tier = start?.tier ?? 0;
  let before = start?.before ?? tiers[tier]?.start ?? null;
  let candidates = 0;
  for (let source = tiers[tier]; source !== undefined; source = tiers[tier]) {
    const count = Math.min(BATCH, limit + 1);
    const batch: readonly Candidate[] = yield* source.read(before, count);
    for (const { row, position, passes } of batch) {
      if (passes && rows.length === limit) return { rows, next: { tier, before } };
      if (passes) rows.push(row);
      before = position;
    }
    candidates += batch.length;
    if (batch.length < count) {
      tier += 1;
      before = tiers[tier]?.start ?? null;
    }
    if (candidates >= MAX_CANDIDATES && tier < tiers.length) return { rows, next: { tier, before } };
  }
  return { rows, next: undefined };
}

interface Tier {
  /** Above every position. */
  readonly start: Scalar;
  /** Reads candidates below a position, newest first. */
  readonly read: (before: Scalar, count: number) => Steps<readonly Candidate[]>;
}

function* tiersOf(cx: Context, input: SearchInput): Steps<readonly Tier[]> {
  const words = input.q === undefined ? [] : queryTerms(input.q);
  if (input.q !== undefined && words.length === 0) {
    throw invalidRequest([{ path: 'q', message: 'holds no letter or digit to search for' }]);
  }
  const filter = filterOf(cx, input);
  const exact = exactConditions(cx, input);
  if (exact.sql.length > 0) return [exactTier(cx, exact, filter, words)];
  return yield* wordTiers(cx, words, filter);
}

/** The conditions under which a match is shown. */
function filterOf({ orgcode }: Context, input: SearchInput): Condition {
  const sql: string[] = ['1 = 1'];
  const args: Scalar[] = [];
  const status = input.status ?? 'active';
  if (status !== 'all') {
    sql.push(`COALESCE(c.status, '') = ?`);
    args.push(status);
  }
  const consent = requiredConsent(input);
  if (consent !== undefined) {
    sql.push(`EXISTS (SELECT 1 FROM customer_consent_granted g
      WHERE g.orgcode = ? AND g.purpose = ? AND g.customer_id = c.customer_id)`);
    args.push(orgcode, consent);
  }
  return { sql, args };
}

/** A caller who sees masked records must not find them by what the mask hides. */
export const NOT_MASKED = `COALESCE(c.profile_access, 'granted') = 'granted'`;

function exactConditions(cx: Context, input: SearchInput): Condition {
  const sql: string[] = [];
  const args: Scalar[] = [];
  const { email, phone } = normalizeCustomer(
    {
      ...(input.email === undefined ? {} : { email: input.email }),
      ...(input.phone === undefined ? {} : { phone: input.phone }),
    },
    cx.settings.defaultRegion,
  );
  for (const [column, value] of [
    ['email', email],
    ['phone', phone],
  ] as const) {
    if (value === undefined || value === null) continue;
    sql.push(`c.${column} = ?`);
    args.push(value);
    if (!cx.permits('unmasked')) sql.push(NOT_MASKED);
  }
  if (input.external_ref !== undefined) {
    sql.push(`EXISTS (SELECT 1 FROM customer_ref r WHERE r.orgcode = c.orgcode AND r.system = ? AND r.ref = ?
      AND r.customer_id = c.customer_id)`);
    args.push(input.external_ref.system, input.external_ref.ref);
  }
  return { sql, args };
}

function exactTier(cx: Context, exact: Condition, filter: Condition, words: readonly string[]): Tier {
  const onlyRef = !exact.sql.some((condition) => condition.startsWith('c.'));
  const columns = `c.customer_id AS position, ${passesColumn(filter.sql)}, ${columnsOf(CUSTOMER, 'c')}`;
  const sql = onlyRef
    ? `SELECT ${columns} FROM customer_ref d
        ${cx.dialect.orderedJoin} customer c ON c.orgcode = d.orgcode AND c.customer_id = d.customer_id
        WHERE d.orgcode = ? AND d.system = ? AND d.ref = ? AND c.customer_id < ?
        ORDER BY c.customer_id DESC LIMIT ?`
    : `SELECT ${columns} FROM customer c
        WHERE c.orgcode = ? AND ${exact.sql.join(' AND ')} AND c.customer_id < ?
        ORDER BY c.customer_id DESC LIMIT ?`;
  const hasWords = (row: CustomerRow) => {
    const { names, other } = searchTerms(row);
    const terms = cx.permits('unmasked') || isOpen(row) ? [...names, ...other] : names;
    return words.every((word) => terms.some((term) => term.startsWith(word)));
  };
  const read: Tier['read'] = function* (before, count) {
    const rows = yield* all<RawCandidate>(sql, ...filter.args, cx.orgcode, ...exact.args, before, count);
    return rows.map(toCandidate).map((found) => ({ ...found, passes: found.passes && hasWords(found.row) }));
  };
  return { start: AFTER_ALL, read };
}

function* wordTiers(cx: Context, words: readonly string[], filter: Condition): Steps<readonly Tier[]> {
  const whole = { words, match: 'whole', column: 'names' } as const;
  const begun = { words, match: 'prefix', column: 'names' } as const;
  const matches: WordMatch[] = [whole, { ...begun, except: whole }, { words, match: 'prefix', except: begun }];
  const sources = yield* cx.search.sources(CUSTOMER_SEARCH, 'c', cx.orgcode, matches);
  const byRest = cx.permits('unmasked') ? filter.sql : [...filter.sql, NOT_MASKED];
  return sources.map((source, tier) =>
    wordTier(source, { sql: tier === sources.length - 1 ? byRest : filter.sql, args: filter.args }),
  );
}

function wordTier(source: MatchSource, filter: Condition): Tier {
  const select = { sql: `${passesColumn(filter.sql)}, ${columnsOf(CUSTOMER, 'c')}`, args: filter.args };
  const read: Tier['read'] = function* (before, count) {
    return (yield* source.read(select, before, count)).map(toCandidate);
  };
  return { start: source.start, read };
}

type RawCandidate = Record<string, Scalar> & { readonly position: Scalar };

function toCandidate(raw: RawCandidate): Candidate {
  const { position, passes, ...columns } = raw;
  return { row: decode(CUSTOMER, columns), position, passes: passes === 1 };
}

function isOpen(row: CustomerRow): boolean {
  return row.profile_access === null || row.profile_access === 'granted';
}
