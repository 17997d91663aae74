/** Pages of a record table: newest first, by index, and bounded work whatever the filters. Not: what a filter means. */

import { idFloor } from '../../ids.js';
import type { SearchIndex } from '../sqlite/search-index.js';
import type { Context } from './handler.js';
import { makeToken, pageLimit, readToken } from './page-token.js';
import { all, type Scalar, type Steps } from './step.js';
import { columnsOf, decode, type Table } from './table.js';

/** Conditions on the table under the name `t`, all of which must hold. */
export interface Condition {
  readonly sql: readonly string[];
  readonly args: readonly Scalar[];
}

export interface PageQuery {
  /** Names the list in its tokens. */
  readonly endpoint: string;
  /** Equalities that an index `(orgcode, …, id)` answers; none: the primary key does. */
  readonly drive?: Condition;
  /** A side table `(orgcode, column, id)` that leads instead of `drive`. */
  readonly side?: { readonly table: string; readonly column: string; readonly value: Scalar };
  /** A match in the table's full-text index that leads instead of `drive`. */
  readonly words?: { readonly index: SearchIndex; readonly match: string };
  /** What else a row must be; rows that are not are passed over, a bounded number a call. */
  readonly passes?: Condition;
  /** Bounds of `created_at`, both included. */
  readonly created?: { readonly from?: string | undefined; readonly to?: string | undefined };
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next_token: string | null;
}

type Input = { readonly limit?: number | undefined; readonly next_token?: string | null | undefined };

/** A call looks at no more rows than this; a page that filters leave short has a token to go on. */
const MAX_CANDIDATES = 1024;
const BATCH = 128;
/** Sorts after every id. */
const AFTER_ALL = '~';
/** Sorts after every row number. */
const FAR = Number.MAX_SAFE_INTEGER;

/** One page of records, newest first. @throws CrmError 400 `crm.invalid_token`. */
export function* pageOf<Row>(cx: Context, table: Table<Row>, input: Input, query: PageQuery): Steps<Page<Row>> {
  const limit = pageLimit(input);
  const statement = makeStatement(cx, table, query);
  const rows: Row[] = [];
  let before = readToken<{ before: Scalar }>(cx, query.endpoint, input)?.before ?? statement.start;
  let seen = 0;
  const token = () => makeToken(cx, query.endpoint, input, { before });
  while (seen < MAX_CANDIDATES) {
    const batch = yield* candidates(table, statement, before, Math.min(BATCH, limit + 1));
    for (const { row, passes, position } of batch) {
      if (passes && rows.length === limit) return { rows, next_token: token() };
      if (passes) rows.push(row);
      before = position;
    }
    seen += batch.length;
    if (batch.length === 0) return { rows, next_token: null };
  }
  return { rows, next_token: token() };
}

/** `column = ?` for every value that is given. */
export function equal(values: { readonly [column: string]: Scalar | undefined }): Condition {
  const given = Object.entries(values).flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
  return { sql: given.map(({ column }) => `t.${column} = ?`), args: given.map(({ value }) => value) };
}

/** Both conditions. */
export function both(one: Condition, other: Condition): Condition {
  return { sql: [...one.sql, ...other.sql], args: [...one.args, ...other.args] };
}

interface Statement {
  readonly sql: string;
  readonly args: readonly Scalar[];
  /** Where the first page starts: above every position. */
  readonly start: Scalar;
}

/** What rows come from, and the column that orders them. */
interface Lead {
  readonly from: string;
  readonly where: Condition;
  readonly position: string;
  readonly floor: Scalar;
  readonly start: Scalar;
  readonly passes: Condition;
}

const NOTHING: Condition = { sql: [], args: [] };

function makeStatement<Row>(cx: Context, table: Table<Row>, query: PageQuery): Statement {
  const { from, where, position, floor, start, passes } = leadOf(cx, table, query);
  const filter = passes.sql.length === 0 ? '1' : passes.sql.join(' AND ');
  return {
    sql: `SELECT (${filter}) AS passes, ${position} AS position, ${columnsOf(table, 't')} FROM ${from}
      WHERE ${where.sql.join(' AND ')} AND ${position} >= ? AND ${position} < ? ORDER BY ${position} DESC LIMIT ?`,
    args: [...passes.args, ...where.args, floor],
    start,
  };
}

function leadOf<Row>({ orgcode }: Context, table: Table<Row>, query: PageQuery): Lead {
  const { side, words, drive = NOTHING, passes = NOTHING } = query;
  const floor = query.created?.from === undefined ? '' : idFloor(query.created.from);
  const start = ceiling(query);
  if (words !== undefined) {
    const { index, match } = words;
    const from = `${index.name} s CROSS JOIN ${table.name} t`;
    const sql = [`${index.name} MATCH ?`, 't.row_no = s.rowid', 't.orgcode = ?'];
    const created = { sql: [`t.${table.id} >= ?`, `t.${table.id} < ?`], args: [floor, start] };
    const where = { sql, args: [match, orgcode] };
    return { from, where, position: 's.rowid', floor: 0, start: FAR, passes: both(passes, created) };
  }
  if (side !== undefined) {
    const from = `${side.table} d CROSS JOIN ${table.name} t`;
    const joined = `t.orgcode = d.orgcode AND t.${table.id} = d.${table.id}`;
    const where = { sql: ['d.orgcode = ?', `d.${side.column} = ?`, joined], args: [orgcode, side.value] };
    return { from, where, position: `d.${table.id}`, floor, start, passes };
  }
  const where = both({ sql: ['t.orgcode = ?'], args: [orgcode] }, drive);
  return { from: `${table.name} t`, where, position: `t.${table.id}`, floor, start, passes };
}

function* candidates<Row>(table: Table<Row>, statement: Statement, before: Scalar, count: number) {
  const raws = yield* all<Record<string, Scalar>>(statement.sql, ...statement.args, before, count);
  return raws.map(({ passes, position = null, ...raw }) => ({
    row: decode(table, raw),
    passes: passes === 1,
    position,
  }));
}

/** Just above every id of what was created at `created.to`. */
function ceiling({ created }: PageQuery): string {
  return created?.to === undefined ? AFTER_ALL : idFloor(new Date(Date.parse(created.to) + 1).toISOString());
}
