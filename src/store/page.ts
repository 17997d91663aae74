/** Pages of a record table: newest first, by index, and bounded work whatever the filters. Not: what a filter means. */
import type { Context } from './handler.js';
import { idFloor } from './ids.js';
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

/** One page of records, newest first. @throws CrmError 400 `crm.invalid_token`. */
export function* pageOf<Row>(cx: Context, table: Table<Row>, input: Input, query: PageQuery): Steps<Page<Row>> {
  const limit = pageLimit(input);
  const statement = makeStatement(cx, table, query);
  const rows: Row[] = [];
  let before = readToken<{ id: string }>(cx, query.endpoint, input)?.id ?? ceiling(query);
  let seen = 0;
  const token = () => makeToken(cx, query.endpoint, input, { id: before });
  while (seen < MAX_CANDIDATES) {
    const batch = yield* candidates(table, statement, before, Math.min(BATCH, limit + 1));
    for (const { row, passes } of batch) {
      if (passes && rows.length === limit) return { rows, next_token: token() };
      if (passes) rows.push(row);
      before = String(row[table.id]);
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
}

const NOTHING: Condition = { sql: [], args: [] };

function makeStatement<Row>(cx: Context, table: Table<Row>, query: PageQuery): Statement {
  const { side, passes = NOTHING, drive = NOTHING } = query;
  const filter = passes.sql.length === 0 ? '1' : passes.sql.join(' AND ');
  const lead = side === undefined ? 't' : 'd';
  const from = side === undefined ? `${table.name} t` : `${side.table} d CROSS JOIN ${table.name} t`;
  const where = [
    `${lead}.orgcode = ?`,
    ...(side === undefined ? drive.sql : [`d.${side.column} = ?`]),
    `${lead}.${table.id} >= ?`,
    `${lead}.${table.id} < ?`,
    ...(side === undefined ? [] : [`t.orgcode = d.orgcode AND t.${table.id} = d.${table.id}`]),
  ];
  const floor = query.created?.from === undefined ? '' : idFloor(query.created.from);
  return {
    sql: `SELECT (${filter}) AS passes, ${columnsOf(table, 't')} FROM ${from}
      WHERE ${where.join(' AND ')} ORDER BY ${lead}.${table.id} DESC LIMIT ?`,
    args: [...passes.args, cx.orgcode, ...(side === undefined ? drive.args : [side.value]), floor],
  };
}

function* candidates<Row>(table: Table<Row>, statement: Statement, before: string, count: number) {
  const raws = yield* all<Record<string, Scalar>>(statement.sql, ...statement.args, before, count);
  return raws.map(({ passes, ...raw }) => ({ row: decode(table, raw), passes: passes === 1 }));
}

/** Just above every id of what was created at `created.to`. */
function ceiling({ created }: PageQuery): string {
  return created?.to === undefined ? AFTER_ALL : idFloor(new Date(Date.parse(created.to) + 1).toISOString());
}
