/**
 * Full-text indexes without content: words with their org's number in front, put in and taken out with their row. Not:
 * which words a record has, which matches come first.
 */
import { one, run, type Steps } from '../engine/step.js';

/** An index over a record table: the index's rowid is the record's `row_no`. */
export interface SearchIndex {
  readonly name: string;
  readonly numbersSql: string;
  readonly addSql: string;
  readonly removeSql: string;
}

/** An index, with its statements built once. */
export function defineIndex(
  name: string,
  columns: readonly string[],
  table: { name: string; id: string },
): SearchIndex {
  const marks = columns.map(() => '?').join(', ');
  return {
    name,
    numbersSql: `SELECT r.row_no, o.org_no FROM ${table.name} r JOIN org o ON o.orgcode = r.orgcode
      WHERE r.orgcode = ? AND r.${table.id} = ?`,
    addSql: `INSERT INTO ${name} (rowid, ${columns.join(', ')}) VALUES (?, ${marks})`,
    removeSql: `INSERT INTO ${name} (${name}, rowid, ${columns.join(', ')}) VALUES ('delete', ?, ${marks})`,
  };
}

/** A record's words, a list for each column of the index. */
export type Words = readonly (readonly string[])[];

/** Puts a record's words into its index. */
export function* addWords(index: SearchIndex, orgcode: string, id: string, words: Words): Steps<void> {
  yield* changeWords(index.addSql, index, orgcode, id, words);
}

/** Takes a record's words out of its index, as they were put in: the index keeps no copy to check. */
export function* removeWords(index: SearchIndex, orgcode: string, id: string, words: Words): Steps<void> {
  yield* changeWords(index.removeSql, index, orgcode, id, words);
}

/** Words as the index knows them in an org. */
export function* orgWords(orgcode: string, words: readonly string[]): Steps<readonly string[]> {
  const org = yield* one<{ org_no: number }>('SELECT org_no FROM org WHERE orgcode = ?', orgcode);
  return words.map((word) => orgWord(org?.org_no ?? 0, word));
}

/** A match expression: every word, whole. */
export function wholeWords(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(' AND ');
}

/** A match expression: something that begins with each word. */
export function begunWords(words: readonly string[]): string {
  return words.map((word) => `"${word}" *`).join(' AND ');
}

function* changeWords(sql: string, index: SearchIndex, orgcode: string, id: string, words: Words): Steps<void> {
  const numbers = yield* one<{ row_no: number; org_no: number }>(index.numbersSql, orgcode, id);
  if (numbers === undefined) return;
  const texts = words.map((list) => list.map((word) => orgWord(numbers.org_no, word)).join(' '));
  yield* run(sql, numbers.row_no, ...texts);
}

/** A prefix search never touches another org's words. */
function orgWord(orgNo: number, word: string): string {
  return orgNo.toString(36).padStart(ORG_WIDTH, '0') + word;
}

const ORG_WIDTH = 4;
