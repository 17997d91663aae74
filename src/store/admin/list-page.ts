/** Pages of the lists that operators read: newest first, by the time at which a row was made, and its fingerprint. */
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

type Ordered = { readonly created_at: string; readonly fingerprint: string };

/** Reads a page of a query whose rows have `created_at` and `fingerprint`, both columns of the table `alias`. */
export function* readListPage<Row extends Ordered>(
  select: string,
  alias: string,
  page: PageRequest,
  conditions: readonly ListCondition[],
): Steps<ListPage<Row>> {
  const order = `${alias}.created_at, ${alias}.fingerprint`;
  const { limit, after } = page;
  const [at = '', id = ''] = after?.split('/') ?? [];
  const all_ = [...conditions, ...(after === undefined ? [] : [[`(${order}) < (?, ?)`, at, id] as const])];
  const where = all_.length === 0 ? '' : `WHERE ${all_.map(([sql]) => `(${sql})`).join(' AND ')}`;
  const args = all_.flatMap(([, ...values]) => values);
  const sql = `${select} ${where} ORDER BY ${order.replaceAll(', ', ' DESC, ')} DESC LIMIT ?`;
  return cut(yield* all<Row>(sql, ...args, limit + 1), limit);
}

/** Joins pages of several databases, of which some may have the same rows. @param pages each as `readListPage` returned it */
export function joinPages<Row extends Ordered>(
  pages: readonly ListPage<Row>[],
  limit: number,
  join: (one: Row, other: Row) => Row,
): ListPage<Row> {
  const byId = new Map<string, Row>();
  for (const row of pages.flatMap(({ rows }) => rows)) {
    const known = byId.get(row.fingerprint);
    byId.set(row.fingerprint, known === undefined ? row : join(known, row));
  }
  const rows = [...byId.values()].sort((a, b) => (tokenOf(a) < tokenOf(b) ? 1 : -1));
  const hasMore = pages.some(({ next }) => next !== undefined);
  return cut(rows, limit, hasMore);
}

function cut<Row extends Ordered>(rows: readonly Row[], limit: number, hasMore = false): ListPage<Row> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  if (last === undefined || (rows.length <= limit && !hasMore)) return { rows: kept };
  return { rows: kept, next: tokenOf(last) };
}

function tokenOf({ created_at, fingerprint }: Ordered): string {
  return `${created_at}/${fingerprint}`;
}
