/**
 * Full-text search on PostgreSQL, over word tables of its own (see migrations/word-tables.ts). Words in many records
 * are found by reading the newest records, words in few records by reading the words and sorting. Either way a
 * statement has a fixed text and a plan without a choice: joins go through LATERAL … OFFSET 0, and what is read ahead
 * has a literal LIMIT.
 */
import type {
  IndexedRecord,
  MatchRow,
  MatchSource,
  SearchIndex,
  SearchTable,
  SelectList,
  WordMatch,
} from '../engine/search-index.js';
import { all, one, run, type Scalar, type Steps } from '../engine/step.js';
import { compareWords } from './word-compare.js';
import { conditionOf, rangeOf, storedWords, textArray, textOf, wordTable } from './word-text.js';

/** Sorts after every id. */
const AFTER_ALL = '~';

/** What is read before another way is taken; measured with 50,000 customers in an org. */
interface Limits {
  /** Counts of a word in a column stop here. */
  readonly counted: number;
  /** Matches of a word that are read and sorted without trying the newest records first. */
  readonly few: number;
  /** The newest records that are looked at first, and how many at a time from then on. */
  readonly firstRecords: number;
  readonly nextRecords: number;
  /** Where words match whole: the newest records of the rarest word, as above. */
  readonly firstOfWord: number;
  readonly nextOfWord: number;
  /** As many matches of a word as these are not read and sorted. */
  readonly sorted: number;
}

const LIMITS: Limits = {
  counted: 1500,
  few: 1000,
  firstRecords: 1000,
  nextRecords: 16_000,
  firstOfWord: 250,
  nextOfWord: 2000,
  sorted: 12_000,
};
/** Only the longest words are counted. */
const MAX_COUNTED = 4;
/** When the first records have at least this share of the matches wanted, the next ones are looked at, too. */
const WORTHWHILE = 1 / 8;
/** Reading this many rows of words costs no more than looking at the text of one record. */
const WORTH_READING = 5;

/** More words are inserted by further statements, so that few texts are kept prepared. */
const WORDS_AT_ONCE = 32;

/** Search with other limits than those that fit a large database. */
export function createWordSearch(limits: Limits): SearchIndex {
  return {
    add: (table, orgcode, id, words) => addRecords(table, orgcode, [{ id, words }]),

    addMany: addRecords,

    *remove(table, orgcode, id, words) {
      const { record, name } = table;
      const sql = `WITH removed AS (DELETE FROM ${name} WHERE orgcode = ? AND ${record.id} = ?)
      DELETE FROM ${wordTable(table)} WHERE orgcode = ? AND column_name = ANY (?::text[])
        AND word = ANY (?::text[]) AND ${record.id} = ?`;
      const removed = [textArray(table.columns), textArray(storedWords(words.flat()))];
      yield* run(sql, orgcode, id, orgcode, ...removed, id);
    },

    *sources(table, alias, orgcode, matches) {
      const counts = countOnce(table, orgcode, matches, limits.counted);
      return matches.map((match) => sourceOf({ table, alias, orgcode, match, counts, limits }));
    },

    compare: compareWords,
  };
}

export const WORD_SEARCH = createWordSearch(LIMITS);

/**
 * Search where Citus distributes the tables. It sends rows whose values are in the statement to the worker that keeps
 * the org; it would copy there what a SELECT yields, which row-level security forbids.
 */
export const DISTRIBUTED_SEARCH: SearchIndex = {
  ...WORD_SEARCH,
  *add(table, orgcode, id, words) {
    const { columns, record, name } = table;
    const places = columns.map(() => '?').join(', ');
    yield* run(
      `INSERT INTO ${name} (orgcode, ${record.id}, ${columns.join(', ')}) VALUES (?, ?, ${places})`,
      orgcode,
      id,
      ...words.map(textOf),
    );
    const rows = columns.flatMap((column, no) => storedWords(words[no] ?? []).map((word) => [column, word]));
    for (let from = 0; from < rows.length; from += WORDS_AT_ONCE) {
      const some = rows.slice(from, from + WORDS_AT_ONCE);
      yield* run(
        `INSERT INTO ${wordTable(table)} (orgcode, column_name, word, ${record.id})
          VALUES ${some.map(() => '(?, ?, ?, ?)').join(', ')}`,
        ...some.flatMap((row) => [orgcode, ...row, id]),
      );
    }
  },
  *addMany(table, orgcode, records) {
    for (const { id, words } of records) yield* DISTRIBUTED_SEARCH.add(table, orgcode, id, words);
  },
};

/** One statement adds the texts of records and, from what it added, the rows of their words. */
function* addRecords(table: SearchTable, orgcode: string, records: readonly IndexedRecord[]): Steps<void> {
  const { columns, record, name } = table;
  const fields = [record.id, ...columns];
  const listed = columns.map(
    (column) => `SELECT a.orgcode, '${column}', w.word, a.${record.id}
      FROM added a CROSS JOIN LATERAL string_to_table(btrim(a.${column}), ' ') AS w(word)`,
  );
  const sql = `WITH added AS (INSERT INTO ${name} (orgcode, ${fields.join(', ')})
      SELECT ?, ${fields.join(', ')} FROM json_to_recordset(?::json) AS r(${fields.map((f) => `${f} text`).join(', ')})
      RETURNING *)
    INSERT INTO ${wordTable(table)} (orgcode, column_name, word, ${record.id}) ${listed.join(' UNION ALL ')}`;
  const rows = records.map(({ id, words }) => ({
    [record.id]: id,
    ...Object.fromEntries(columns.map((column, no) => [column, textOf(words[no] ?? [])])),
  }));
  yield* run(sql, orgcode, JSON.stringify(rows));
}

/** The words that a word of a query finds in a column: from `low`, below `high`. */
interface Range {
  readonly column_name: string;
  readonly low: string;
  readonly high: string;
}

/** A word of a match, where it is looked for, and how often it is there; see `Limits`. */
interface CountedWord {
  readonly ranges: readonly Range[];
  readonly count: number;
}

/** The longest words of a match, the rarest first. */
type Counts = (match: WordMatch) => Steps<readonly CountedWord[]>;

/** Counts the words of all matches when those of one are asked for. */
function countOnce(table: SearchTable, orgcode: string, matches: readonly WordMatch[], most: number): Counts {
  let known: ReadonlyMap<string, number> | undefined;
  return function* (match) {
    known ??= yield* countRanges(
      table,
      orgcode,
      matches.flatMap((each) => rangesOf(table, each).flat()),
      most,
    );
    return countedWords(rangesOf(table, match), known);
  };
}

/** For each of the longest words its ranges, one for each column that is looked at. */
function rangesOf({ columns }: SearchTable, { words, match, column }: WordMatch): readonly (readonly Range[])[] {
  const searched = column === undefined ? columns : [column];
  return longest(words).map((word) => searched.map((column_name) => ({ column_name, ...rangeOf(word, match) })));
}

function keyOf({ column_name, low, high }: Range): string {
  return `${column_name} ${low} ${high}`;
}

/** How many rows each range has; no more than `most` are counted. */
function* countRanges(
  table: SearchTable,
  orgcode: string,
  ranges: readonly Range[],
  most: number,
): Steps<ReadonlyMap<string, number>> {
  const distinct = [...new Map(ranges.map((range) => [keyOf(range), range])).values()];
  const counted = yield* all<{ no: number; count: number }>(
    `SELECT q.no, n.count FROM json_to_recordset(?::json) AS q(no integer, column_name text, low text, high text)
      CROSS JOIN LATERAL (SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${wordTable(table)} w WHERE w.orgcode = ?
        AND w.column_name = q.column_name AND w.word >= q.low AND w.word < q.high LIMIT ?) l) n`,
    JSON.stringify(distinct.map((range, no) => ({ no, ...range }))),
    orgcode,
    most,
  );
  return new Map(counted.map(({ no, count }) => [keyOf(distinct[no] as Range), count]));
}

function longest(words: readonly string[]): readonly string[] {
  return [...words].sort((a, b) => b.length - a.length).slice(0, MAX_COUNTED);
}

interface Query {
  readonly table: SearchTable;
  readonly alias: string;
  readonly orgcode: string;
  readonly match: WordMatch;
  readonly counts: Counts;
  readonly limits: Limits;
}

/** A position is a record's id. */
function sourceOf(query: Query): MatchSource {
  const { words, match } = query.match;
  const { few, counted: most } = query.limits;
  const read: MatchSource['read'] = function* (select, before, count) {
    if (match === 'whole' && words.length === 1) return yield* readWord(query, words[0] ?? '', select, before, count);
    const counted = yield* query.counts(query.match);
    const rarest = counted[0]?.count ?? 0;
    if (rarest === 0) return [];
    if (rarest > few) return yield* readNewest(query, counted, select, before, count);
    return yield* readSorted(
      query,
      counted.filter((word) => word.count < most),
      select,
      before,
      count,
    );
  };
  return { start: AFTER_ALL, read };
}

/** The matches of a whole word in one column, in the index's order. */
function readWord(query: Query, word: string, select: SelectList, before: Scalar, count: number) {
  const { table, orgcode, match } = query;
  const id = table.record.id;
  const text = textCondition(query, `w.${id}`);
  return selected(query, select, {
    sql: `SELECT w.${id} AS position FROM ${wordTable(table)} w ${text.sql}
      WHERE w.orgcode = ? AND w.column_name = ? AND w.word = ? AND w.${id} < ? ORDER BY w.${id} DESC LIMIT ?`,
    args: [...text.args, orgcode, match.column ?? '', rangeOf(word, 'whole').low, before, count],
  });
}

/** The matches among the records that have all of the words given, which are read and sorted. */
function readSorted(
  query: Query,
  words: readonly CountedWord[],
  select: SelectList,
  before: Scalar,
  count: number,
): Steps<readonly MatchRow[]> {
  const { table, orgcode } = query;
  const id = table.record.id;
  const ranges = words.flatMap((word, no) => word.ranges.map((range) => ({ bit: 2 ** no, ...range })));
  const text = textCondition(query, 'k.position');
  return selected(query, select, {
    sql: `SELECT k.position FROM (SELECT w.${id} AS position
        FROM json_to_recordset(?::json) AS q(bit integer, column_name text, low text, high text)
        CROSS JOIN LATERAL (SELECT r.${id} FROM ${wordTable(table)} r WHERE r.orgcode = ?
          AND r.column_name = q.column_name AND r.word >= q.low AND r.word < q.high AND r.${id} < ? OFFSET 0) w
        GROUP BY w.${id} HAVING BIT_OR(q.bit) = ? ORDER BY w.${id} DESC OFFSET 0) k ${text.sql}
      ORDER BY k.position DESC LIMIT ?`,
    args: [JSON.stringify(ranges), orgcode, before, 2 ** words.length - 1, ...text.args, count],
  });
}

/** The matches among the newest records, and when they are too few, among the records of the rarest word. */
function* readNewest(
  query: Query,
  words: readonly CountedWord[],
  select: SelectList,
  start: Scalar,
  count: number,
): Steps<readonly MatchRow[]> {
  const [range, ...others] = words[0]?.ranges ?? [];
  const inOneColumn = query.match.match === 'whole' && range !== undefined && others.length === 0;
  const among = inOneColumn ? recordsOfWord(query, range) : newestRecords(query);
  const found: MatchRow[] = [];
  let before = start;
  for (let size = among.first; ; size = among.next) {
    found.push(...(yield* readPart(query, among, size, select, before, count - found.length)));
    if (found.length === count) return found;
    const last = yield* lastOfPart(query, among, size, before);
    if (last === undefined) return found;
    before = last;
    if (size === among.first && found.length >= count * WORTHWHILE) continue;
    const rare = yield* rarestOf(query, words);
    if (rare !== undefined)
      return [...found, ...(yield* readSorted(query, rare, select, before, count - found.length))];
  }
}

/** Records that are looked at newest first: some at first, then others at a time. */
interface Among {
  /** A table with the records, and the condition under which its rows are theirs. */
  readonly rows: string;
  readonly args: readonly Scalar[];
  readonly first: number;
  readonly next: number;
  /** Leaves those of the rows that match, where they have this alias. */
  readonly matching: SelectList;
  readonly alias: string;
}

function newestRecords({ table, orgcode, match, limits }: Query): Among {
  const { firstRecords: first, nextRecords: next } = limits;
  const { sql, args } = conditionOf(table.columns, match);
  const rows = `${table.name} WHERE orgcode = ?`;
  return { rows, args: [orgcode], first, next, matching: { sql: `WHERE ${sql}`, args }, alias: 's' };
}

/** The records of the rarest word, which matches whole in one column. */
function recordsOfWord(query: Query, { column_name, low }: Range): Among {
  const { table, orgcode, limits } = query;
  return {
    rows: `${wordTable(table)} WHERE orgcode = ? AND column_name = ? AND word = ?`,
    args: [orgcode, column_name, low],
    first: limits.firstOfWord,
    next: limits.nextOfWord,
    matching: textCondition(query, `w.${table.record.id}`),
    alias: 'w',
  };
}

/** The matches among `size` records below a position. */
function readPart(query: Query, among: Among, size: number, select: SelectList, before: Scalar, count: number) {
  const { id } = query.table.record;
  const { rows, args, matching, alias } = among;
  return selected(query, select, {
    sql: `SELECT ${alias}.${id} AS position FROM (SELECT * FROM ${rows} AND ${id} < ?
        ORDER BY ${id} DESC LIMIT ${size}) ${alias} ${matching.sql} ORDER BY ${alias}.${id} DESC LIMIT ?`,
    args: [...args, before, ...matching.args, count],
  });
}

/** The id of the last of `size` records below a position; undefined when there are fewer. */
function* lastOfPart({ table }: Query, among: Among, size: number, before: Scalar): Steps<Scalar | undefined> {
  const { id } = table.record;
  const sql = `SELECT ${id} AS id FROM ${among.rows} AND ${id} < ? ORDER BY ${id} DESC LIMIT 1 OFFSET ${size - 1}`;
  return (yield* one<{ id: string }>(sql, ...among.args, before))?.id;
}

/** The rarest of the words, and others not much more frequent; undefined when there are too many matches to sort. */
function* rarestOf(
  { table, orgcode, limits }: Query,
  words: readonly CountedWord[],
): Steps<readonly CountedWord[] | undefined> {
  const ranges = words.flatMap((word) => word.ranges);
  const counts = yield* countRanges(table, orgcode, ranges, limits.sorted);
  const counted = countedWords(
    words.map((word) => word.ranges),
    counts,
  );
  const rarest = counted[0]?.count ?? 0;
  if (rarest >= limits.sorted) return undefined;
  return counted.filter(({ count }) => count < limits.sorted && count <= rarest * WORTH_READING);
}

/** The words that have these ranges, the rarest first. */
function countedWords(
  words: readonly (readonly Range[])[],
  counts: ReadonlyMap<string, number>,
): readonly CountedWord[] {
  return words
    .map((ranges) => ({ ranges, count: ranges.reduce((sum, range) => sum + (counts.get(keyOf(range)) ?? 0), 0) }))
    .sort((one, other) => one.count - other.count);
}

/** A join that leaves the records, by the id `id`, whose text matches. */
function textCondition({ table, orgcode, match }: Query, id: string): SelectList {
  const condition = conditionOf(table.columns, match);
  return {
    sql: `CROSS JOIN LATERAL (SELECT 1 FROM ${table.name} s
      WHERE s.orgcode = ? AND s.${table.record.id} = ${id} AND ${condition.sql} OFFSET 0) m`,
    args: [orgcode, ...condition.args],
  };
}

/** Selects of the records at the positions that a query yields. */
function selected({ table, alias, orgcode }: Query, select: SelectList, positions: SelectList) {
  const { name, id } = table.record;
  return all<MatchRow>(
    `SELECT ${select.sql}, d.position FROM (${positions.sql}) d
      CROSS JOIN LATERAL (SELECT * FROM ${name} r WHERE r.orgcode = ? AND r.${id} = d.position OFFSET 0) ${alias}
      ORDER BY d.position DESC`,
    ...[...select.args, ...positions.args, orgcode],
  );
}
