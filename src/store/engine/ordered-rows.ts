/** Reads the rows of a query in the order of a key, a page at a time: memory does not grow with their number. */
import { all, type Scalar, type Steps } from './step.js';

/** A query of an org whose rows a key orders and identifies. */
export interface OrderedQuery {
  readonly orgcode: string;
  /** The query up to its conditions: `SELECT … FROM … x`. */
  readonly select: string;
  /** The table of the org and of the key: its alias in the query. */
  readonly alias: string;
  /** The columns of the key after the org, which are never null. They are selected under their own names. */
  readonly key: readonly string[];
  /** A condition besides the org. */
  readonly where?: string;
}

const PAGE = 1000;

/** Gives every page to `visit`, in order; the steps that it returns are run. */
export function* eachPage<Row>(query: OrderedQuery, visit: (rows: readonly Row[]) => Steps<void> | void): Steps<void> {
  let after: readonly Scalar[] | undefined;
  for (;;) {
    const rows = yield* readPage<Row>(query, after);
    const steps = rows.length > 0 ? visit(rows) : undefined;
    if (steps !== undefined) yield* steps;
    if (rows.length < PAGE) return;
    after = keyOf(query, rows.at(-1) as Row);
  }
}

/** The rows of a query, one after the other: for walking through several queries of one order side by side. */
export class OrderedRows<Row> {
  readonly #query: OrderedQuery;
  #page: readonly Row[] = [];
  #index = 0;
  #isLast = false;

  constructor(query: OrderedQuery) {
    this.#query = query;
  }

  /** The row to look at; undefined after the last one. It is read first. */
  *peek(): Steps<Row | undefined> {
    if (this.#index === this.#page.length && !this.#isLast) {
      const last = this.#page.at(-1);
      this.#page = yield* readPage<Row>(this.#query, last === undefined ? undefined : keyOf(this.#query, last));
      this.#index = 0;
      this.#isLast = this.#page.length < PAGE;
    }
    return this.#page[this.#index];
  }

  /** Visits the rows from here on for which the condition holds. */
  *visit(holds: (row: Row) => boolean, visit: (row: Row) => void): Steps<void> {
    for (let row = yield* this.peek(); row !== undefined && holds(row); row = yield* this.peek()) {
      visit(row);
      this.#index += 1;
    }
  }

  /** The rows from here on for which the condition holds, at most `most`. */
  *take(holds: (row: Row) => boolean, most = Number.POSITIVE_INFINITY): Steps<readonly Row[]> {
    const taken: Row[] = [];
    yield* this.visit(
      (row) => taken.length < most && holds(row),
      (row) => taken.push(row),
    );
    return taken;
  }
}

/**
 * Walks through queries side by side whose keys begin with the same columns, all of texts: for each combination of
 * their values `visit` takes the rows for which `isOwned` is true from each of the queries.
 */
export function* eachOwner<Column extends string>(
  columns: readonly Column[],
  queries: readonly OrderedRows<Readonly<Record<Column, string>>>[],
  visit: (
    owner: Readonly<Record<Column, string>>,
    isOwned: (row: Readonly<Record<Column, string>>) => boolean,
  ) => Steps<void>,
): Steps<void> {
  for (;;) {
    let least: Readonly<Record<Column, string>> | undefined;
    for (const query of queries) {
      const row = yield* query.peek();
      if (row !== undefined && (least === undefined || isBefore(columns, row, least))) least = row;
    }
    if (least === undefined) return;
    const owner = least;
    yield* visit(owner, (row) => columns.every((column) => row[column] === owner[column]));
  }
}

function isBefore<Row extends object>(columns: readonly (keyof Row)[], row: Row, other: Row): boolean {
  const different = columns.find((column) => row[column] !== other[column]);
  return different !== undefined && row[different] < other[different];
}

function* readPage<Row>(query: OrderedQuery, after: readonly Scalar[] | undefined): Steps<readonly Row[]> {
  const { orgcode, select, alias, key, where } = query;
  const columns = key.map((column) => `${alias}.${column}`).join(', ');
  const also = where === undefined ? '' : ` AND ${where}`;
  const beyond = after === undefined ? '' : ` AND (${columns}) > (${key.map(() => '?').join(', ')})`;
  const sql = `${select} WHERE ${alias}.orgcode = ?${also}${beyond} ORDER BY ${columns} LIMIT ${PAGE}`;
  return yield* all<Row>(sql, orgcode, ...(after ?? []));
}

function keyOf<Row>({ key }: OrderedQuery, row: Row): readonly Scalar[] {
  return key.map((column) => (row as Record<string, Scalar>)[column] ?? null);
}
