/**
 * Compares a full-text index with the words that its records should have. The index keeps no text, so the words are
 * indexed once more, in a temporary table with the same tokenizer, and the entries of both are compared.
 */
import type { IndexDifference, SearchTable, Words } from '../engine/search-index.js';
import { all, run, type Scalar, type Steps } from '../engine/step.js';

const MOST = 100;
const BATCH = 500;

/** The text of an index's columns for the words of a record in an org, as it was when it was added. */
export type TextsOf = (orgNo: number, words: Words) => readonly string[];

/** The records whose entries in the index are not those of their words, at most 100. */
export function* compareIndex(
  table: SearchTable,
  wordsOf: (record: Record<string, Scalar>) => Words,
  textsOf: TextsOf,
): Steps<readonly IndexDifference[]> {
  const { name } = table;
  const expected = `${name}_expected`;
  const [stored, computed] = [`${name}_stored_words`, `${name}_computed_words`];
  for (const temporary of [stored, computed, expected]) yield* run(`DROP TABLE IF EXISTS temp.${temporary}`);
  yield* fillExpected(table, expected, wordsOf, textsOf);
  yield* run(`CREATE VIRTUAL TABLE temp.${stored} USING fts5vocab('main', '${name}', 'instance')`);
  yield* run(`CREATE VIRTUAL TABLE temp.${computed} USING fts5vocab('temp', '${expected}', 'instance')`);
  const differences = [
    ...(yield* without(table, stored, computed)).map((row) => ({ ...row, stored: 'other words' })),
    ...(yield* without(table, computed, stored)).map((row) => ({ ...row, stored: 'words are missing' })),
  ];
  for (const temporary of [stored, computed, expected]) yield* run(`DROP TABLE temp.${temporary}`);
  return differences;
}

function* fillExpected(
  { columns, record }: SearchTable,
  expected: string,
  wordsOf: (record: Record<string, Scalar>) => Words,
  textsOf: TextsOf,
): Steps<void> {
  // Columns, detail and tokenizer as in the migrations.
  yield* run(`CREATE VIRTUAL TABLE temp.${expected} USING fts5 (
    ${columns.join(', ')}, content = '', detail = column, tokenize = 'unicode61 remove_diacritics 0')`);
  const insert = `INSERT INTO temp.${expected} (rowid, ${columns.join(', ')}) VALUES (?, ${columns.map(() => '?').join(', ')})`;
  const read = `SELECT o.org_no, r.* FROM ${record.name} r JOIN org o ON o.orgcode = r.orgcode
    WHERE r.row_no > ? ORDER BY r.row_no LIMIT ${BATCH}`;
  let after = 0;
  for (;;) {
    const rows = yield* all<Record<string, Scalar>>(read, after);
    for (const row of rows) yield* run(insert, Number(row.row_no), ...textsOf(Number(row.org_no), wordsOf(row)));
    const last = rows.at(-1);
    if (last === undefined) return;
    after = Number(last.row_no);
  }
}

/** The records of entries that are in one list of words only. */
function* without({ record }: SearchTable, words: string, others: string) {
  return yield* all<{ orgcode: string; id: string }>(`SELECT DISTINCT COALESCE(r.orgcode, '') AS orgcode,
      COALESCE(r.${record.id}, 'row ' || d.doc) AS id
    FROM (SELECT doc FROM (SELECT doc, col, term FROM temp.${words} EXCEPT SELECT doc, col, term FROM temp.${others})
      LIMIT ${MOST}) d LEFT JOIN ${record.name} r ON r.row_no = d.doc`);
}
