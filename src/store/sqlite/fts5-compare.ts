/**
 * Compares a full-text index with the words that its records should have. The index keeps no text, so the words are
 * indexed once more, in a temporary table with the same tokenizer, and the entries of both are compared.
 */
import type { IndexDifference, SearchTable, Words } from '../engine/search-index.js';
import { all, run, type Scalar, type Steps } from '../engine/step.js';

const MOST = 100;
const BATCH = 500;

/** What an index has of an org. */
export interface OrgEntries {
  readonly orgcode: string;
  /** The org's words start with this text. */
  readonly prefix: string;
  /** The text of an index's columns for the words of a record, as it was when it was added. */
  readonly textsOf: (words: Words) => readonly string[];
}

/** The records of an org whose entries in the index are not those of their words, at most 100 of each difference. */
export function* compareIndex(
  table: SearchTable,
  org: OrgEntries,
  wordsOf: (record: Record<string, Scalar>) => Words,
): Steps<readonly IndexDifference[]> {
  const { name } = table;
  const expected = `${name}_expected`;
  const [stored, computed] = [`${name}_stored_words`, `${name}_computed_words`];
  for (const temporary of [stored, computed, expected]) yield* run(`DROP TABLE IF EXISTS temp.${temporary}`);
  yield* fillExpected(table, expected, org, wordsOf);
  yield* run(`CREATE VIRTUAL TABLE temp.${stored} USING fts5vocab('main', '${name}', 'instance')`);
  yield* run(`CREATE VIRTUAL TABLE temp.${computed} USING fts5vocab('temp', '${expected}', 'instance')`);
  const differences = [
    ...(yield* without(table, org, stored, computed)).map((id) => ({
      orgcode: org.orgcode,
      id,
      stored: 'other words',
    })),
    ...(yield* without(table, org, computed, stored)).map((id) => ({
      orgcode: org.orgcode,
      id,
      stored: 'words are missing',
    })),
  ];
  for (const temporary of [stored, computed, expected]) yield* run(`DROP TABLE temp.${temporary}`);
  return differences;
}

function* fillExpected(
  { columns, record }: SearchTable,
  expected: string,
  { orgcode, textsOf }: OrgEntries,
  wordsOf: (record: Record<string, Scalar>) => Words,
): Steps<void> {
  // Columns, detail and tokenizer as in the migrations.
  yield* run(`CREATE VIRTUAL TABLE temp.${expected} USING fts5 (
    ${columns.join(', ')}, content = '', detail = column, tokenize = 'unicode61 remove_diacritics 0')`);
  const insert = `INSERT INTO temp.${expected} (rowid, ${columns.join(', ')}) VALUES (?, ${columns.map(() => '?').join(', ')})`;
  const read = `SELECT * FROM ${record.name} WHERE orgcode = ? AND ${record.id} > ? ORDER BY ${record.id} LIMIT ${BATCH}`;
  let after: Scalar = '';
  for (;;) {
    const rows: readonly Record<string, Scalar>[] = yield* all<Record<string, Scalar>>(read, orgcode, after);
    for (const row of rows) yield* run(insert, Number(row.row_no), ...textsOf(wordsOf(row)));
    const last = rows.at(-1);
    if (last === undefined) return;
    after = String(last[record.id]);
  }
}

/** The records of entries that are in one list of words only. */
function* without({ record }: SearchTable, { prefix }: OrgEntries, words: string, others: string) {
  const entries = (list: string) => `SELECT doc, col, term FROM temp.${list} WHERE term >= ? AND term <= ?`;
  const range = [prefix, `${prefix}\u{10FFFF}`];
  const rows = yield* all<{ id: string }>(
    `SELECT DISTINCT COALESCE(r.${record.id}, 'row ' || d.doc) AS id
      FROM (SELECT doc FROM (${entries(words)} EXCEPT ${entries(others)}) LIMIT ${MOST}) d
      LEFT JOIN ${record.name} r ON r.row_no = d.doc`,
    ...range,
    ...range,
  );
  return rows.map(({ id }) => id);
}
