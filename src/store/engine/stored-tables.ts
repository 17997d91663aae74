/** What a database says of its own tables, in every engine. */
import type { Scalar, Steps } from './step.js';

/** The table in which a copy into the database keeps how far it is. It is there until the copy is complete. */
export const COPY_PROGRESS = 'copy_progress';

/** A table of records. */
export interface StoredTable {
  readonly name: string;
  /** Without columns whose values the engine gives, such as row numbers. */
  readonly columns: readonly string[];
  /** The columns that identify a row, the org first where rows belong to one; never null. */
  readonly key: readonly string[];
}

export interface TableCatalogue {
  has(table: string): Steps<boolean>;
  /** All tables but those of full-text search, by name. */
  tables(): Steps<readonly StoredTable[]>;
  /** Inserts rows, each with a value for every column of the table. */
  insert(table: StoredTable, rows: readonly Readonly<Record<string, Scalar>>[]): Steps<void>;
  /** Lets the planner look at the tables, after many rows were written. */
  analyze(): Steps<void>;
}
