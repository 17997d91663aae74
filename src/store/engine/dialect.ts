/** The SQL that differs between engines. Full-text search differs, too: see search-index.ts. */

export interface Dialect {
  /**
   * An inner join, followed by a table and `ON`, for which the left table should be read first: its index yields the
   * rows in the order and number that the page needs.
   */
  readonly orderedJoin: string;
}
