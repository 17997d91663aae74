/** Asks about many rows in one statement, where a statement for each row would cost a round trip each. */
import { all, type Scalar, type Steps } from './step.js';

/** Texts, one for each of some columns. */
export type Tuple = readonly string[];

/** At most so many tuples go into a statement. */
const MOST = 256;

/**
 * Runs a query over tuples, which it reads from `w`: their columns, and `no`, their place in the list. Its own arguments
 * come after the tuples. Rows come back in any order.
 */
export function* overTuples<Row extends object>(
  columns: readonly string[],
  tuples: readonly Tuple[],
  query: string,
  ...args: readonly Scalar[]
): Steps<readonly (Row & { readonly no: number })[]> {
  const found: (Row & { readonly no: number })[] = [];
  const tuple = `(?, ${columns.map(() => '?').join(', ')})`;
  for (const [from, size] of inPowersOfTwo(tuples.length)) {
    const listed = Array.from({ length: size }, () => tuple).join(', ');
    const values = tuples.slice(from, from + size).flatMap((texts, index) => [String(from + index), ...texts]);
    const sql = `WITH w (no, ${columns.join(', ')}) AS (VALUES ${listed}) ${query}`;
    const rows = yield* all<Row & { readonly no: string }>(sql, ...values, ...args);
    for (const row of rows) found.push({ ...row, no: Number(row.no) });
  }
  return found;
}

/** The places of those tuples that are not the values of `columns` in any row of an org. */
export function* missingRows(
  table: string,
  columns: readonly string[],
  orgcode: string,
  tuples: readonly Tuple[],
): Steps<readonly number[]> {
  const same = columns.map((column) => `t.${column} = w.${column}`).join(' AND ');
  const query = `SELECT w.no FROM w WHERE NOT EXISTS (SELECT 1 FROM ${table} t WHERE t.orgcode = ? AND ${same})`;
  return (yield* overTuples(columns, tuples, query, orgcode)).map(({ no }) => no);
}

/** Parts of a list of 2^n tuples each: there are few different statements, which engines keep prepared. */
function* inPowersOfTwo(length: number): Generator<readonly [from: number, size: number]> {
  for (let from = 0; from < length; ) {
    const size = 2 ** Math.floor(Math.log2(Math.min(MOST, length - from)));
    yield [from, size];
    from += size;
  }
}
