/** The SQL that differs between engines. Full-text search differs, too: see search-index.ts. */

import type { PointsByMonth } from './points-by-month.js';
import type { Scalar, Steps } from './step.js';
import type { TableCatalogue } from './stored-tables.js';

export interface Dialect {
  /**
   * An inner join, followed by a table and `ON`, for which the left table should be read first: its index yields the
   * rows in the order and number that the page needs.
   */
  readonly orderedJoin: string;
  /** Whether a statement sees the rows of all orgs, so that one can check them all; see `enterOrg`. */
  readonly seesAllOrgs: boolean;
  /**
   * Whether changes of several servers run at the same time: then each locks what it depends on before it reads it
   * (locks.ts) and waits for the database as rarely as it can, and one server does the housekeeping for all.
   */
  readonly hasManyWriters: boolean;
  readonly journal: JournalNumbering;
  readonly months: PointsByMonth;
  readonly catalogue: TableCatalogue;
}

/** How rows of the journal get their numbers, which count up from 1 in each org, without gaps, in commit order. */
export interface JournalNumbering {
  /** The column that orders the rows without a number; undefined where `append` numbers them. */
  readonly unnumberedKey: string | undefined;
  /** Adds a row. @param values the org, and the columns after `journal_no`, in their order */
  append(values: readonly Scalar[]): Steps<void>;
  /** Numbers rows after `last` that have no number yet, at most `limit`, where `append` gave them none. */
  numberRows(orgcode: string, last: number, limit: number): Steps<void>;
}
