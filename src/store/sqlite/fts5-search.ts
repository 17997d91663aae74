/**
 * Full-text search with FTS5. The indexes keep no content, and every word has its org's number in front, so that a
 * prefix search never touches another org's words.
 */
import type { MatchRow, MatchSource, SearchIndex, SearchTable, WordMatch, Words } from '../engine/search-index.js';
import { all, one, run, type Steps } from '../engine/step.js';
import { compareIndex } from './fts5-compare.js';

const ORG_WIDTH = 4;
/** Above every row number. */
const MAX_ROW_NO = Number.MAX_SAFE_INTEGER;

export const FTS5_SEARCH: SearchIndex = {
  *add(table, orgcode, id, words) {
    const { numbersSql, addSql } = statementsOf(table);
    yield* changeWords(numbersSql, addSql, orgcode, id, words);
  },

  *addMany(table, orgcode, records) {
    for (const { id, words } of records) yield* FTS5_SEARCH.add(table, orgcode, id, words);
  },

  *remove(table, orgcode, id, words) {
    const { numbersSql, removeSql } = statementsOf(table);
    yield* changeWords(numbersSql, removeSql, orgcode, id, words);
  },

  *sources(table, alias, orgcode, matches) {
    const orgNo = yield* orgNumber(orgcode);
    return matches.map((match) => sourceOf(table, alias, orgcode, expressionOf(match, orgNo)));
  },

  *compare(table, orgcode, wordsOf) {
    const orgNo = yield* orgNumber(orgcode);
    const org = { orgcode, prefix: orgWord(orgNo, ''), textsOf: (words: Words) => textsOf(orgNo, words) };
    return yield* compareIndex(table, org, wordsOf);
  },
};

interface IndexStatements {
  readonly numbersSql: string;
  readonly addSql: string;
  readonly removeSql: string;
}

const statements = new Map<SearchTable, IndexStatements>();

/** The statements of an index, built once. The index's rowid is the record's `row_no`. */
function statementsOf(table: SearchTable): IndexStatements {
  const known = statements.get(table);
  if (known !== undefined) return known;
  const { name, columns, record } = table;
  const placeholders = columns.map(() => '?').join(', ');
  const made = {
    numbersSql: `SELECT r.row_no, o.org_no FROM ${record.name} r JOIN org o ON o.orgcode = r.orgcode
      WHERE r.orgcode = ? AND r.${record.id} = ?`,
    addSql: `INSERT INTO ${name} (rowid, ${columns.join(', ')}) VALUES (?, ${placeholders})`,
    removeSql: `INSERT INTO ${name} (${name}, rowid, ${columns.join(', ')}) VALUES ('delete', ?, ${placeholders})`,
  };
  statements.set(table, made);
  return made;
}

function* changeWords(numbersSql: string, sql: string, orgcode: string, id: string, words: Words): Steps<void> {
  const numbers = yield* one<{ row_no: number; org_no: number }>(numbersSql, orgcode, id);
  if (numbers === undefined) return;
  yield* run(sql, numbers.row_no, ...textsOf(numbers.org_no, words));
}

/** The number of an org; 0, which no org has, when there is no such org. */
function* orgNumber(orgcode: string): Steps<number> {
  const org = yield* one<{ org_no: number }>('SELECT org_no FROM org WHERE orgcode = ?', orgcode);
  return org?.org_no ?? 0;
}

function textsOf(orgNo: number, words: Words): readonly string[] {
  return words.map((list) => list.map((word) => orgWord(orgNo, word)).join(' '));
}

/** CROSS JOIN makes SQLite read the index first, in its own order. A position is a row number. */
function sourceOf({ name, record }: SearchTable, alias: string, orgcode: string, expression: string): MatchSource {
  return {
    start: MAX_ROW_NO,
    read: (select, before, count) =>
      all<MatchRow>(
        `SELECT ${select.sql}, s.rowid AS position FROM ${name} s CROSS JOIN ${record.name} ${alias}
          WHERE ${name} MATCH ? AND ${alias}.row_no = s.rowid AND ${alias}.orgcode = ? AND s.rowid < ?
          ORDER BY s.rowid DESC LIMIT ?`,
        ...select.args,
        expression,
        orgcode,
        before,
        count,
      ),
  };
}

function expressionOf({ words, match, column, except }: WordMatch, orgNo: number): string {
  const terms = words.map((word) => `"${orgWord(orgNo, word)}"${match === 'prefix' ? ' *' : ''}`).join(' AND ');
  const own = column === undefined ? terms : `{${column}} : (${terms})`;
  return except === undefined ? own : `(${own}) NOT (${expressionOf(except, orgNo)})`;
}

function orgWord(orgNo: number, word: string): string {
  return orgNo.toString(36).padStart(ORG_WIDTH, '0') + word;
}
