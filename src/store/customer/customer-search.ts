/**
 * Customer search: exact identifiers by index, words by full-text prefix in three tiers (whole words of the name, then
 * beginnings of them, then e-mail and phone), newest first in each. No tier ranks all its matches, and none scans.
 */
import { invalidRequest } from '../../contract/errors.js';
import { normalizeCustomer, queryTerms, searchTerms } from '../../domain/customer.js';
import type { Context, InputOf } from '../engine/handler.js';
import { pageLimit, readToken } from '../engine/page-token.js';
import { all, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode } from '../engine/table.js';
import { begunWords, orgWords, wholeWords } from '../sqlite/search-index.js';
import { gateOf } from './customer-list.js';
import { CUSTOMER, type CustomerRow } from './customers.js';

type SearchInput = InputOf<'customer_search'>;

/** Where a search goes on: the tier and the row after which. */
export interface SearchPosition {
  readonly tier: number;
  readonly before: number;
}

export interface SearchPage {
  readonly rows: readonly CustomerRow[];
  readonly next: SearchPosition | undefined;
}

interface Candidate {
  readonly row: CustomerRow;
  readonly row_no: number;
  readonly passes: boolean;
}

const TIERS = 3;
/** A page that filters leave short ends here, with a token to go on. */
const MAX_CANDIDATES = 1024;
const BATCH = 128;
const FAR = Number.MAX_SAFE_INTEGER;

/** One page of matches; shorter than `limit` with a `next` when filters reject most of what the words match. */
export function* searchCustomers(cx: Context, input: SearchInput): Steps<SearchPage> {
  const limit = pageLimit(input);
  const start = readToken<SearchPosition>(cx, 'customer/search', input) ?? { tier: 0, before: FAR };
  const source = yield* candidateSource(cx, input);
  const rows: CustomerRow[] = [];
  let { tier, before } = start;
  let seen = 0;
  while (tier < source.tiers) {
    const batch = yield* source.next(tier, before, Math.min(BATCH, limit + 1));
    for (const { row, row_no, passes } of batch) {
      if (passes && rows.length === limit) return { rows, next: { tier, before } };
      if (passes) rows.push(row);
      before = row_no;
    }
    seen += batch.length;
    if (batch.length === 0) {
      tier += 1;
      before = FAR;
    } else if (seen >= MAX_CANDIDATES) return { rows, next: { tier, before } };
  }
  return { rows, next: undefined };
}

interface Source {
  readonly tiers: number;
  next(tier: number, before: number, count: number): Steps<readonly Candidate[]>;
}

function* candidateSource(cx: Context, input: SearchInput): Steps<Source> {
  const words = input.q === undefined ? [] : queryTerms(input.q);
  if (input.q !== undefined && words.length === 0) {
    throw invalidRequest([{ path: 'q', message: 'holds no letter or digit to search for' }]);
  }
  const filter = passing(input);
  const exact = exactConditions(cx, input);
  if (exact.sql.length > 0) return exactSource(cx, exact, filter, words);
  return wordSource(cx, yield* orgWords(cx.orgcode, words), filter);
}

interface Condition {
  readonly sql: readonly string[];
  readonly args: readonly Scalar[];
}

/** What decides whether a match is shown, besides the match itself. */
function passing(input: SearchInput): Condition {
  const sql: string[] = ['1 = 1'];
  const args: Scalar[] = [];
  const status = input.status ?? 'active';
  if (status !== 'all') {
    sql.push(`COALESCE(c.status, '') = ?`);
    args.push(status);
  }
  const gate = gateOf(input);
  if (gate !== undefined) {
    sql.push(`EXISTS (SELECT 1 FROM customer_consent_granted g
      WHERE g.orgcode = c.orgcode AND g.purpose = ? AND g.customer_id = c.customer_id)`);
    args.push(gate);
  }
  return { sql, args };
}

/** A masked caller must not find by what the mask hides. */
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

function exactSource(cx: Context, exact: Condition, filter: Condition, words: readonly string[]): Source {
  const onlyRef = !exact.sql.some((condition) => condition.startsWith('c.'));
  const sql = onlyRef
    ? `SELECT c.row_no, (${filter.sql.join(' AND ')}) AS passes, ${columnsOf(CUSTOMER, 'c')}
        FROM customer_ref d CROSS JOIN customer c
        WHERE d.orgcode = ? AND d.system = ? AND d.ref = ? AND c.orgcode = d.orgcode AND c.customer_id = d.customer_id
          AND c.row_no < ? ORDER BY c.row_no DESC LIMIT ?`
    : `SELECT c.row_no, (${filter.sql.join(' AND ')}) AS passes, ${columnsOf(CUSTOMER, 'c')} FROM customer c
        WHERE c.orgcode = ? AND ${exact.sql.join(' AND ')} AND c.row_no < ? ORDER BY c.row_no DESC LIMIT ?`;
  const hasWords = (row: CustomerRow) => {
    const { names, other } = searchTerms(row);
    const terms = cx.permits('unmasked') || isOpen(row) ? [...names, ...other] : names;
    return words.every((word) => terms.some((term) => term.startsWith(word)));
  };
  return {
    tiers: 1,
    *next(_tier, before, count) {
      const rows = yield* all<RawCandidate>(sql, ...filter.args, cx.orgcode, ...exact.args, before, count);
      return rows.map(toCandidate).map((found) => ({ ...found, passes: found.passes && hasWords(found.row) }));
    },
  };
}

function wordSource(cx: Context, words: readonly string[], filter: Condition): Source {
  const whole = wholeWords(words);
  const begun = begunWords(words);
  const matches = [
    `{names} : (${whole})`,
    `({names} : (${begun})) NOT ({names} : (${whole}))`,
    `(${begun}) NOT ({names} : (${begun}))`,
  ];
  const select = (condition: readonly string[]) => `SELECT s.rowid AS row_no, (${condition.join(' AND ')}) AS passes,
      ${columnsOf(CUSTOMER, 'c')}
    FROM customer_search s CROSS JOIN customer c ON c.row_no = s.rowid
    WHERE customer_search MATCH ? AND s.rowid < ? AND c.orgcode = ? ORDER BY s.rowid DESC LIMIT ?`;
  const byName = select(filter.sql);
  const byRest = cx.permits('unmasked') ? byName : select([...filter.sql, NOT_MASKED]);
  return {
    tiers: TIERS,
    *next(tier, before, count) {
      const sql = tier === TIERS - 1 ? byRest : byName;
      const match = matches[tier] ?? '';
      const rows = yield* all<RawCandidate>(sql, ...filter.args, match, before, cx.orgcode, count);
      return rows.map(toCandidate);
    },
  };
}

type RawCandidate = Record<string, Scalar> & { readonly row_no: number; readonly passes: number };

function toCandidate(raw: RawCandidate): Candidate {
  const { row_no, passes, ...columns } = raw;
  return { row: decode(CUSTOMER, columns), row_no, passes: passes === 1 };
}

function isOpen(row: CustomerRow): boolean {
  return row.profile_access === null || row.profile_access === 'granted';
}
