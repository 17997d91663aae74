/** Reads the tables of a PostgreSQL database from its catalogue. */

import { all, one, run } from '../engine/step.js';
import type { TableCatalogue } from '../engine/stored-tables.js';
import { SEARCH_TABLES } from './migrations/word-tables.js';

const HAS = 'SELECT 1 AS found WHERE to_regclass(?) IS NOT NULL';
/** The key is the primary key, or where the database numbers that, another unique index. */
const TABLES = `SELECT t.relname AS name,
    (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a
      WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '') AS columns,
    (SELECT k.columns FROM (SELECT x.indisprimary, i.relname, bool_or(a.attidentity <> '') AS numbered,
          string_agg(a.attname, ',' ORDER BY n.place) AS columns
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS n (attnum, place)
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = n.attnum
        WHERE x.indrelid = t.oid AND x.indisunique GROUP BY x.indexrelid, x.indisprimary, i.relname) k
      WHERE NOT k.numbered ORDER BY k.indisprimary DESC, k.relname LIMIT 1) AS key
  FROM pg_class t WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' ORDER BY t.relname`;

interface Row {
  readonly name: string;
  readonly columns: string;
  readonly key: string;
}

export const POSTGRES_CATALOGUE: TableCatalogue = {
  *has(table) {
    return (yield* one(HAS, table)) !== undefined;
  },

  /** The row type of the table gives each value its type. COPY does not work under row-level security. */
  *insert({ name, columns }, rows) {
    const list = columns.join(', ');
    const sql = `INSERT INTO ${name} (${list}) SELECT ${list} FROM json_populate_recordset(NULL::${name}, ?::json)`;
    yield* run(sql, JSON.stringify(rows));
  },

  *analyze() {
    yield* run('ANALYZE');
  },

  *tables() {
    const rows = yield* all<Row>(TABLES);
    return rows
      .filter(({ name }) => !SEARCH_TABLES.includes(name))
      .map(({ name, columns, key }) => ({ name, columns: columns.split(','), key: key.split(',') }));
  },
};
