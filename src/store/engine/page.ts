/** Pages of a record table: newest first, by index, with bounded work for any filters. */

import { justAfter, normalDateTime } from '../../contract/date-time.js';
import { idFloor } from '../../ids.js';
import { both, type Condition, passesColumn } from './condition.js';
import type { Context } from './handler.js';
import { makeToken, pageLimit, readToken } from './page-token.js';
import type { MatchSource, SearchTable, WordMatch } from './search-index.js';
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
  const lead = yield* leadOf(cx, table, query);
  const rows: Row[] = [];
  let before = readToken<{ before: Scalar }>(cx, query.endpoint, input)?.before ?? lead.start;
  let read = 0;
  const token = () => makeToken(cx, query.endpoint, input, { before });
  while (read < MAX_CANDIDATES) {
    const batch = yield* candidates(table, lead, before, Math.min(BATCH, limit + 1));
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

/** What is read first, newest first, and which of its rows are shown. */
interface Lead extends MatchSource {
  readonly passes: Condition;
}

const NOTHING: Condition = { sql: [], args: [] };

function* leadOf<Row>(cx: Context, table: Table<Row>, query: PageQuery): Steps<Lead> {
  const { words, passes = NOTHING } = query;
  const floor = query.created?.from === undefined ? '' : idFloor(normalDateTime(query.created.from, 'created_from'));
  const start = ceiling(query);
  if (words === undefined) return { ...indexSource(cx, table, query, floor), start, passes };
  const [source] = yield* cx.search.sources(words.index, 't', cx.orgcode, [words.match]);
  if (source === undefined) throw new Error(`no source for ${words.index.name}`);
  const created = { sql: [`t.${table.id} >= ?`, `t.${table.id} < ?`], args: [floor, start] };
  return { ...source, passes: both(passes, created) };
}

/** The rows of a side table or of the table itself, down to the id `floor`. */
function indexSource<Row>(
  { orgcode, dialect }: Context,
  table: Table<Row>,
  { side, drive = NOTHING }: PageQuery,
  floor: string,
): Pick<MatchSource, 'read'> {
  const { sql, args } =
    side === undefined
      ? both({ sql: ['t.orgcode = ?'], args: [orgcode] }, drive)
      : { sql: ['d.orgcode = ?', `d.${side.column} = ?`], args: [orgcode, side.value] };
  const joined = `t.orgcode = d.orgcode AND t.${table.id} = d.${table.id}`;
  const from =
    side === undefined ? `${table.name} t` : `${side.table} d ${dialect.orderedJoin} ${table.name} t ON ${joined}`;
  const id = `${side === undefined ? 't' : 'd'}.${table.id}`;
  return {
    read: (select, before, count) =>
      all(
        `SELECT ${select.sql}, ${id} AS position FROM ${from}
          WHERE ${sql.join(' AND ')} AND ${id} >= ? AND ${id} < ? ORDER BY ${id} DESC LIMIT ?`,
        ...[...select.args, ...args, floor, before, count],
      ),
  };
}

function* candidates<Row>(table: Table<Row>, { read, passes }: Lead, before: Scalar, count: number) {
  const select = { sql: `${passesColumn(passes.sql)}, ${columnsOf(table, 't')}`, args: passes.args };
  const raws = yield* read(select, before, count);
  return raws.map(({ passes: passed, position, ...raw }) => ({
    row: decode(table, raw),
    passes: passed === 1,
    position,
  }));
}

/** Just above every id of a record created at `created.to`. */
function ceiling({ created }: PageQuery): string {
  return created?.to === undefined ? AFTER_ALL : idFloor(justAfter(normalDateTime(created.to, 'created_to')));
}
