/** The full-text search port: word indexes over record tables. Each SQL engine implements it; see sqlite/. */
import type { Condition } from './condition.js';
import type { Scalar, Steps } from './step.js';

/** A full-text index over a record table. The table has a column `row_no`, which grows with every record inserted. */
export interface SearchTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly record: { readonly name: string; readonly id: string };
}

/** The words of a record, a list for each column of the index. */
export type Words = readonly (readonly string[])[];

/** Records that contain every one of the words. */
export interface WordMatch {
  readonly words: readonly string[];
  /** Whether each word stands in the record as it is, or something that begins with it. */
  readonly match: 'whole' | 'prefix';
  /** The only column to look at; default all. */
  readonly column?: string;
  /** Records to leave out. */
  readonly except?: WordMatch;
}

/** What a query reads that lists the matches of an org, newest first. */
export interface MatchSource {
  /** The FROM clause. */
  readonly from: string;
  readonly where: Condition;
  /** The expression to order by, descending. */
  readonly position: string;
  /** Not above any position. */
  readonly lowest: Scalar;
  /** Above every position. */
  readonly start: Scalar;
}

/** A record whose words in the index are not its own. */
export interface IndexDifference {
  readonly orgcode: string;
  readonly id: string;
  /** What is wrong with the words that are stored. */
  readonly stored: string;
}

export interface SearchIndex {
  /** Adds the words of a record, which has been inserted. */
  add(table: SearchTable, orgcode: string, id: string, words: Words): Steps<void>;
  /** Removes the words of a record. They must be those that were added: an index may keep no copy of them. */
  remove(table: SearchTable, orgcode: string, id: string, words: Words): Steps<void>;
  /** A source for each match; `alias` names the record table in it. */
  sources(
    table: SearchTable,
    alias: string,
    orgcode: string,
    matches: readonly WordMatch[],
  ): Steps<readonly MatchSource[]>;
  /** Compares the whole index, of all orgs, with the words that `wordsOf` gives for the records. */
  compare(table: SearchTable, wordsOf: (record: Record<string, Scalar>) => Words): Steps<readonly IndexDifference[]>;
}
