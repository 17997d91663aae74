/** Reads and writes rows of tables, many at a time. */

import type { Dialect } from '../engine/dialect.js';
import type { SearchIndex } from '../engine/search-index.js';
import { all, enterOrg, one, run, type Scalar, type Steps } from '../engine/step.js';
import type { StoredTable } from '../engine/stored-tables.js';
import { SEARCHED_RECORDS } from '../verify-search.js';
import type { CopyPart } from './copy-plan.js';

export type CopiedRow = Readonly<Record<string, Scalar>>;

/** Where to go on: the values of the part's order in the last row; undefined at its beginning. */
export type Position = readonly Scalar[] | undefined;

/** At most so many values are given to a statement at once; a row has fewer. */
const MAX_VALUES = 2000;

/** Reads the next rows of a part, at most `limit`, in its order. */
export function* readRows(
  { table, order, ofOrg, where }: CopyPart,
  orgcode: string,
  after: Position,
  limit: number,
): Steps<readonly CopiedRow[]> {
  if (ofOrg) yield* enterOrg(orgcode);
  const columns = [...new Set([...table.columns, ...order])];
  const conditions = [
    ...(ofOrg ? ['orgcode = ?'] : []),
    ...(where === undefined ? [] : [where]),
    ...(after === undefined ? [] : [`(${order.join(', ')}) > (${order.map(() => '?').join(', ')})`]),
  ];
  const sql = `SELECT ${columns.join(', ')} FROM ${table.name}
    ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
    ${order.length === 0 ? '' : `ORDER BY ${order.join(', ')}`} LIMIT ?`;
  return yield* all<CopiedRow>(sql, ...(ofOrg ? [orgcode] : []), ...(after ?? []), limit);
}

/** Inserts rows that `readRows` returned, and adds their words to the search index. */
export function* writeRows(
  { table, ofOrg }: CopyPart,
  orgcode: string,
  rows: readonly CopiedRow[],
  receiver: { readonly dialect: Dialect; readonly search: SearchIndex },
): Steps<void> {
  if (ofOrg) yield* enterOrg(orgcode);
  const written = table.name === 'journal' ? yield* numbered(rows, orgcode, receiver.dialect) : rows;
  const { columns } = table;
  for (const some of inPowersOfTwo(written, Math.floor(MAX_VALUES / columns.length))) {
    yield* run(insertSql(table, some.length), ...some.flatMap((row) => columns.map((column) => row[column] ?? null)));
  }
  const searched = SEARCHED_RECORDS.find(({ index }) => index.record.name === table.name);
  if (searched === undefined) return;
  const { index, wordsOf, isIndexed } = searched;
  for (const row of rows.filter(isIndexed)) {
    yield* receiver.search.add(index, orgcode, String(row[index.record.id]), wordsOf(row));
  }
}

function insertSql({ name, columns }: StoredTable, rows: number): string {
  const row = `(${columns.map(() => '?').join(', ')})`;
  return `INSERT INTO ${name} (${columns.join(', ')}) VALUES ${Array.from({ length: rows }, () => row).join(', ')}`;
}

/** Groups of 2^n rows, at most `most`: a table has few statements, which engines keep prepared. */
function* inPowersOfTwo<T>(rows: readonly T[], most: number): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; ) {
    const size = 2 ** Math.floor(Math.log2(Math.min(most, rows.length - from)));
    yield rows.slice(from, from + size);
    from += size;
  }
}

const LAST_SEALED = 'SELECT COALESCE(MAX(last_no), 0) AS no FROM journal_seal WHERE orgcode = ?';
const LAST_NUMBER = 'SELECT COALESCE(MAX(journal_no), 0) AS no FROM journal WHERE orgcode = ?';

/** Journal rows with the receiver's numbers: where it numbers rows when it seals them, the others have none. */
function* numbered(rows: readonly CopiedRow[], orgcode: string, { journal }: Dialect): Steps<readonly CopiedRow[]> {
  const late = journal.unnumberedKey !== undefined;
  const last = (yield* one<{ no: number }>(late ? LAST_SEALED : LAST_NUMBER, orgcode))?.no ?? 0;
  return rows.map((row, index) => ({
    ...row,
    journal_no: late && Number(row.journal_no) > last ? null : (row.journal_no ?? last + index + 1),
  }));
}
