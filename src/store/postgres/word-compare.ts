/**
 * Compares the word tables of an org with the words that its records should have: the stored texts with the records,
 * a batch at a time, and the rows of words with the stored texts, by the database.
 */
import type { IndexDifference, SearchTable, Words } from '../engine/search-index.js';
import { all, type Scalar, type Steps } from '../engine/step.js';
import { textOf, wordTable } from './word-text.js';

const MOST = 100;
const BATCH = 500;

type WordsOf = (record: Record<string, Scalar>) => Words;

/** The records of an org whose stored words are not their own; at most 100 of each kind of difference. */
export function* compareWords(
  table: SearchTable,
  orgcode: string,
  wordsOf: WordsOf,
): Steps<readonly IndexDifference[]> {
  const ids = [
    ...(yield* compareTexts(table, orgcode, wordsOf)),
    ...(yield* textsAlone(table, orgcode)),
    ...(yield* compareRows(table, orgcode)),
  ];
  const distinct = new Map(ids.map((found) => [`${found.stored} ${found.id}`, { orgcode, ...found }]));
  return [...distinct.values()];
}

interface Found {
  readonly id: string;
  readonly stored: 'other words' | 'words are missing';
}

/** The records whose stored text has other words. */
function* compareTexts({ name, columns, record }: SearchTable, orgcode: string, wordsOf: WordsOf) {
  const texts = columns.map((column, no) => `s.${column} AS indexed_${no}`).join(', ');
  const sql = `SELECT r.*, ${texts} FROM
      (SELECT * FROM ${record.name} WHERE orgcode = ? AND ${record.id} > ? ORDER BY ${record.id} LIMIT ${BATCH}) r
    LEFT JOIN ${name} s ON s.orgcode = r.orgcode AND s.${record.id} = r.${record.id} ORDER BY r.${record.id}`;
  const found: Found[] = [];
  for (let after = ''; ; ) {
    const rows: readonly Record<string, Scalar>[] = yield* all<Record<string, Scalar>>(sql, orgcode, after);
    for (const row of rows) {
      const id = String(row[record.id]);
      const columnsOfRow = wordsOf(row).map((words, no) => [wordsIn(row[`indexed_${no}`]), wordsIn(textOf(words))]);
      if (columnsOfRow.some(([stored, own]) => isBeyond(stored, own))) found.push({ id, stored: 'other words' });
      if (columnsOfRow.some(([stored, own]) => isBeyond(own, stored))) found.push({ id, stored: 'words are missing' });
    }
    const last = rows.at(-1);
    if (last === undefined || found.length >= MOST) return found.slice(0, MOST);
    after = String(last[record.id]);
  }
}

function wordsIn(text: Scalar | undefined): ReadonlySet<string> {
  return new Set(String(text ?? '').split(' '));
}

/** Whether a set has a word that the other has not. */
function isBeyond(words: ReadonlySet<string> = new Set(), others: ReadonlySet<string> = new Set()): boolean {
  return [...words].some((word) => word !== '' && !others.has(word));
}

/** The stored texts that belong to no record. */
function* textsAlone({ name, record }: SearchTable, orgcode: string): Steps<readonly Found[]> {
  const rows = yield* all<{ id: string }>(
    `SELECT s.${record.id} AS id FROM ${name} s WHERE s.orgcode = ? AND NOT EXISTS
      (SELECT 1 FROM ${record.name} r WHERE r.orgcode = s.orgcode AND r.${record.id} = s.${record.id}) LIMIT ${MOST}`,
    orgcode,
  );
  return rows.map(({ id }) => ({ id, stored: 'other words' }));
}

/** The records whose rows of words are not those of the stored text. */
function* compareRows(table: SearchTable, orgcode: string): Steps<readonly Found[]> {
  const { name, columns, record } = table;
  const rows = `SELECT ${record.id} AS id, column_name, word FROM ${wordTable(table)} WHERE orgcode = ?`;
  const texts = columns
    .map(
      (column) => `SELECT s.${record.id}, '${column}', w.word FROM ${name} s
        CROSS JOIN LATERAL string_to_table(btrim(s.${column}), ' ') AS w(word) WHERE s.orgcode = ?`,
    )
    .join(' UNION ALL ');
  const beyond = (words: string, others: string) =>
    all<{ id: string }>(
      `SELECT DISTINCT id FROM (${words} EXCEPT (${others})) AS d(id, column_name, word) LIMIT ${MOST}`,
      ...columns.map(() => orgcode),
      orgcode,
    );
  return [
    ...(yield* beyond(rows, texts)).map(({ id }): Found => ({ id, stored: 'other words' })),
    ...(yield* beyond(`(${texts})`, rows)).map(({ id }): Found => ({ id, stored: 'words are missing' })),
  ];
}
