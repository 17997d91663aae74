/** The full-text search port: word indexes over record tables. Each SQL engine implements it; see sqlite/. */
import type { Scalar, Steps } from './step.js';

/** A full-text index over a record table. */
export interface SearchTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly record: { readonly name: string; readonly id: string };
}

/** The words of a record, a list for each column of the index. A word has letters and digits only (domain/words.ts). */
export type Words = readonly (readonly string[])[];

/** A record, by its id, and its words. */
export interface IndexedRecord {
  readonly id: string;
  readonly words: Words;
}

/** Records that contain every one of the words. */
export type WordMatch = {
  readonly words: readonly string[];
  /** Records to leave out. */
  readonly except?: WordMatch;
} & (
  | { /** Each word stands in the column as it is. */ readonly match: 'whole'; readonly column: string }
  | {
      /** Each word, or one that begins with it, stands in the record. */
      readonly match: 'prefix';
      /** The only column to look at; default all. */
      readonly column?: string;
    }
);

/** The matches of an org, newest first. */
export interface MatchSource {
  /** Above every position: where the first page starts. */
  readonly start: Scalar;
  /** Reads at most `count` matches below a position; the columns `select`, and the `position` of each. */
  read(select: SelectList, before: Scalar, count: number): Steps<readonly MatchRow[]>;
}

/** What is selected of the records that match, separated by commas, with its arguments. */
export interface SelectList {
  readonly sql: string;
  readonly args: readonly Scalar[];
}

export type MatchRow = Record<string, Scalar> & { readonly position: Scalar };

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
  /** Adds the words of many records at once. */
  addMany(table: SearchTable, orgcode: string, records: readonly IndexedRecord[]): Steps<void>;
  /** Removes the words of a record. They must be those that were added: an index may keep no copy of them. */
  remove(table: SearchTable, orgcode: string, id: string, words: Words): Steps<void>;
  /** A source for each match; `alias` names the record in what its caller selects. */
  sources(
    table: SearchTable,
    alias: string,
    orgcode: string,
    matches: readonly WordMatch[],
  ): Steps<readonly MatchSource[]>;
  /** Compares the index of an org with the words that `wordsOf` gives for its records. */
  compare(
    table: SearchTable,
    orgcode: string,
    wordsOf: (record: Record<string, Scalar>) => Words,
  ): Steps<readonly IndexDifference[]>;
}
