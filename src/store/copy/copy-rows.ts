/** Reads and writes rows of tables, many at a time. */

import type { Dialect } from '../engine/dialect.js';
import { addNoted } from '../engine/points-by-month.js';
import type { SearchIndex } from '../engine/search-index.js';
import { all, enterOrg, one, type Scalar, type Steps } from '../engine/step.js';
import { SEARCHED_RECORDS } from '../verify-search.js';
import type { CopyPart } from './copy-plan.js';

export type CopiedRow = Readonly<Record<string, Scalar>>;

/** Where to go on: the values of the part's order in the last row; undefined at its beginning. */
export type Position = readonly Scalar[] | undefined;

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
  yield* receiver.dialect.catalogue.insert(table, written);
  if (table.name === 'loyalty_txn') yield* addNoted(receiver.dialect.months, orgcode);
  const searched = SEARCHED_RECORDS.find(({ index }) => index.record.name === table.name);
  if (searched === undefined) return;
  const { index, wordsOf, isIndexed } = searched;
  const records = rows.filter(isIndexed).map((row) => ({ id: String(row[index.record.id]), words: wordsOf(row) }));
  yield* receiver.search.addMany(index, orgcode, records);
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
