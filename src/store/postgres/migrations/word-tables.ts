/**
 * The tables of full-text search. For each record one row has its words as text, a space before and after each; and
 * each word has a row, in an index that lists the records of a word in order. Row-level security would leave
 * PostgreSQL's own full-text index unused: its operator is not leakproof.
 */
import { collated, ownedByOrg } from './table-rules.js';

/** Their names. */
export const SEARCH_TABLES: readonly string[] = ['customer', 'account'].flatMap(tableNames);
export const WORD_TABLES = wordTables('customer', ['names', 'other']) + wordTables('account', ['names']);

/** The planner reckons with one org that has all rows, so that it reads an index in order, not to sort all it reads. */
function wordTables(record: string, columns: readonly string[]): string {
  const [texts, words] = tableNames(record);
  const id = `${record}_id`;
  return `${collated(`
CREATE TABLE ${texts} (
  orgcode TEXT NOT NULL,
  ${id} TEXT NOT NULL,
  ${columns.map((column) => `${column} TEXT NOT NULL`).join(',\n  ')},
  PRIMARY KEY (orgcode, ${id})
);
CREATE TABLE ${words} (
  orgcode TEXT NOT NULL,
  column_name TEXT NOT NULL,
  word TEXT NOT NULL,
  ${id} TEXT NOT NULL,
  PRIMARY KEY (orgcode, column_name, word, ${id})
);
ALTER TABLE ${texts} ALTER COLUMN orgcode SET (n_distinct = 1);
ALTER TABLE ${words} ALTER COLUMN orgcode SET (n_distinct = 1);`)}${ownedByOrg(texts, words)}`;
}

function tableNames(record: string): readonly [texts: string, words: string] {
  return [`${record}_search`, `${record}_word`];
}
