/** Pages of a record table: newest first, by index, with bounded work for any filters. */

import { justAfter, normalDateTime } from '../../contract/date-time.js';
import { idFloor } from '../../ids.js';
import { both, type Condition, passesColumn } from './condition.js';
import type { Context } from './handler.js';
import { makeToken, pageLimit, readToken } from './page-token.js';
import type { SearchTable, WordMatch } from './search-index.js';
import { all, type Scalar, type Steps } from './step.js';
import { columnsOf, decode, type Table } from './table.js';

export interface PageQuery {
  /** The list that a token belongs to. */
  readonly endpoint: string;
  /** Equalities with an index `(orgcode, …, id)`; without any, the primary key is used. */
  readonly drive?: Condition;
  /** A side table `(orgcode, column, id)` to read first, instead of `drive`. */
  readonly side?: { readonly table: string; readonly column: string; readonly value: Scalar };
  /** A match in the table's full-text index to read first, instead of `drive`. */
  readonly words?: { readonly index: SearchTable; readonly match: WordMatch };
  /** Conditions on the rows read; other rows are skipped, a bounded number per call. */
  readonly passes?: Condition;
  /** Bounds of `created_at`, both inclusive. */
  readonly created?: { readonly from?: string | undefined; readonly to?: string | undefined };
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next_token: string | null;
}

type Input = { readonly limit?: number | undefined; readonly next_token?: string | null | undefined };

/** A call reads at most this many rows; a page that filters leave short has a token to continue. */
const MAX_CANDIDATES = 1024;
const BATCH = 128;
/** Sorts after every id. */
const AFTER_ALL = '~';

/** One page of records, newest first. @throws CrmError 400 `crm.invalid_token`. */
export function* pageOf<Row>(cx: Context, table: Table<Row>, input: Input, query: PageQuery): Steps<Page<Row>> {
  const limit = pageLimit(input);
  const statement = yield* makeStatement(cx, table, query);
  const rows: Row[] = [];
  let before = readToken<{ before: Scalar }>(cx, query.endpoint, input)?.before ?? statement.start;
  let read = 0;
  const token = () => makeToken(cx, query.endpoint, input, { before });
  while (read < MAX_CANDIDATES) {
    const batch = yield* candidates(table, statement, before, Math.min(BATCH, limit + 1));
    for (const { row, passes, position } of batch) {
      if (passes && rows.length === limit) return { rows, next_token: token() };
      if (passes) rows.push(row);
      before = position;
    }
    read += batch.length;
    if (batch.length === 0) return { rows, next_token: null };
  }
  return { rows, next_token: token() };
}

interface Statement {
  readonly sql: string;
  readonly args: readonly Scalar[];
  /** Above every position: where the first page starts. */
  readonly start: Scalar;
}

/** What is read first, and the expression that orders the rows. */
interface Lead {
  readonly from: string;
  readonly where: Condition;
  readonly position: string;
  readonly floor: Scalar;
  readonly start: Scalar;
  readonly passes: Condition;
}

const NOTHING: Condition = { sql: [], args: [] };

function* makeStatement<Row>(cx: Context, table: Table<Row>, query: PageQuery): Steps<Statement> {
  const { from, where, position, floor, start, passes } = yield* leadOf(cx, table, query);
  return {
    sql: `SELECT ${passesColumn(passes.sql)}, ${position} AS position, ${columnsOf(table, 't')} FROM ${from}
      WHERE ${where.sql.join(' AND ')} AND ${position} >= ? AND ${position} < ? ORDER BY ${position} DESC LIMIT ?`,
    args: [...passes.args, ...where.args, floor],
    start,
  };
}

function* leadOf<Row>(cx: Context, table: Table<Row>, query: PageQuery): Steps<Lead> {
  const { orgcode } = cx;
  const { side, words, drive = NOTHING, passes = NOTHING } = query;
  const floor = query.created?.from === undefined ? '' : idFloor(normalDateTime(query.created.from, 'created_from'));
  const start = ceiling(query);
  if (words !== undefined) {
    const [source] = yield* cx.search.sources(words.index, 't', orgcode, [words.match]);
    if (source === undefined) throw new Error(`no source for ${words.index.name}`);
    const created = { sql: [`t.${table.id} >= ?`, `t.${table.id} < ?`], args: [floor, start] };
    return { ...source, floor: source.lowest, passes: both(passes, created) };
  }
  if (side !== undefined) {
    const joined = `t.orgcode = d.orgcode AND t.${table.id} = d.${table.id}`;
    const from = `${side.table} d ${cx.dialect.orderedJoin} ${table.name} t ON ${joined}`;
    const where = { sql: ['d.orgcode = ?', `d.${side.column} = ?`], args: [orgcode, side.value] };
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

/** Just above every id of a record created at `created.to`. */
function ceiling({ created }: PageQuery): string {
  return created?.to === undefined ? AFTER_ALL : idFloor(justAfter(normalDateTime(created.to, 'created_to')));
}
