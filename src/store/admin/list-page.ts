/** Pages of the lists that operators read: newest first, by the time at which a row was made, and its key. */
import { all, type Scalar, type Steps } from '../engine/step.js';

export interface PageRequest {
  /** The most rows. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

export interface ListPage<Row> {
  readonly rows: readonly Row[];
  /** Where the next page begins; undefined after the last one. */
  readonly next?: string;
}

/** A condition with the values of its parameters. */
export type ListCondition = readonly [sql: string, ...args: Scalar[]];

/** What orders a list besides the time: a column that is unique, which each row has under its own name. */
export interface ListOrder {
  /** The alias of the table that has `created_at` and the key. */
  readonly alias: string;
  readonly key: 'fingerprint' | 'orgcode' | 'principal_id';
}

type Listed = { readonly created_at: string } & { readonly [Key in ListOrder['key']]?: string };

/** Reads a page of a query whose rows have `created_at` and the key. */
export function* readListPage<Row extends Listed>(
  select: string,
  order: ListOrder,
  page: PageRequest,
  conditions: readonly ListCondition[],
): Steps<ListPage<Row>> {
  const columns = [`${order.alias}.created_at`, `${order.alias}.${order.key}`];
  const { limit, after } = page;
  const [at = '', id = ''] = after?.split('/') ?? [];
  const beyond = after === undefined ? [] : [[`(${columns.join(', ')}) < (?, ?)`, at, id] as const];
  const every = [...conditions, ...beyond];
  const where = every.length === 0 ? '' : `WHERE ${every.map(([sql]) => `(${sql})`).join(' AND ')}`;
  const args = every.flatMap(([, ...values]) => values);
  const sql = `${select} ${where} ORDER BY ${columns.map((column) => `${column} DESC`).join(', ')} LIMIT ?`;
  return cut(yield* all<Row>(sql, ...args, limit + 1), order.key, limit);
}

/** Joins pages of several databases, of which some may have the same rows: `join` makes one of two. */
export function joinPages<Row extends Listed>(
  pages: readonly ListPage<Row>[],
  key: ListOrder['key'],
  limit: number,
  join: (one: Row, other: Row) => Row = (one) => one,
): ListPage<Row> {
  const byKey = new Map<string, Row>();
  for (const row of pages.flatMap(({ rows }) => rows)) {
    const known = byKey.get(tokenOf(row, key));
    byKey.set(tokenOf(row, key), known === undefined ? row : join(known, row));
  }
  const rows = [...byKey.values()].sort((a, b) => (tokenOf(a, key) < tokenOf(b, key) ? 1 : -1));
  const hasMore = pages.some(({ next }) => next !== undefined);
  return cut(rows, key, limit, hasMore);
}

function cut<Row extends Listed>(
  rows: readonly Row[],
  key: ListOrder['key'],
  limit: number,
  hasMore = false,
): ListPage<Row> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  if (last === undefined || (rows.length <= limit && !hasMore)) return { rows: kept };
  return { rows: kept, next: tokenOf(last, key) };
}

function tokenOf(row: Listed, key: ListOrder['key']): string {
  return `${row.created_at}/${row[key]}`;
}
