/** Reads the tables of a SQLite database from its schema. */

import { all, one, run } from '../engine/step.js';
import type { StoredTable, TableCatalogue } from '../engine/stored-tables.js';

const HAS = `SELECT 1 AS found FROM sqlite_schema WHERE type = 'table' AND name = ?`;
/** Full-text indexes are virtual tables with shadow tables. */
const COLUMNS = `SELECT t.name AS table_name, t.wr AS without_rowid, c.name, c.pk
  FROM pragma_table_list t JOIN pragma_table_info(t.name) c
  WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY t.name, c.cid`;
/** The columns of UNIQUE constraints. */
const UNIQUE = `SELECT t.name AS table_name, c.name
  FROM pragma_table_list t JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
  WHERE t.schema = 'main' AND t.type = 'table' AND i.origin = 'u' ORDER BY t.name, i.seq, c.seqno`;

interface Column {
  readonly table_name: string;
  readonly without_rowid: number;
  readonly name: string;
  /** The place in the primary key, from 1; 0 outside of it. */
  readonly pk: number;
}

export const SQLITE_CATALOGUE: TableCatalogue = {
  *has(table) {
    return (yield* one(HAS, table)) !== undefined;
  },

  *insert({ name, columns }, rows) {
    const sql = `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    for (const row of rows) yield* run(sql, ...columns.map((column) => row[column] ?? null));
  },

  *analyze() {}, // its statistics are planted: see the first migration

  *tables() {
    const columns = yield* all<Column>(COLUMNS);
    const unique = yield* all<Pick<Column, 'table_name' | 'name'>>(UNIQUE);
    const names = [...new Set(columns.map(({ table_name }) => table_name))];
    return names.map((table) =>
      storedTable(
        table,
        columns.filter(({ table_name }) => table_name === table),
        unique.filter(({ table_name }) => table_name === table).map(({ name }) => name),
      ),
    );
  },
};

/** A numeric primary key of a table with rowids is the row's number, which SQLite gives. */
function storedTable(name: string, columns: readonly Column[], unique: readonly string[]): StoredTable {
  const primary = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const numbered = unique.length > 0 && primary.length === 1 && primary[0]?.without_rowid === 0;
  return {
    name,
    columns: columns.filter(({ pk }) => !(numbered && pk > 0)).map((column) => column.name),
    key: numbered ? unique : primary.map((column) => column.name),
  };
}
