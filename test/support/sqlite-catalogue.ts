/** What a migrated SQLite database says of its tables, to compare other engines with. */
import { all } from '../../src/store/engine/step.js';
import { migrate } from '../../src/store/sqlite/migrations/migrate.js';
import { openSqlite } from '../../src/store/sqlite/sqlite-driver.js';

export interface SqliteCatalogue {
  /** `table.column`, without the full-text indexes. */
  readonly columns: readonly string[];
  /** The columns that must have a value, or are part of a primary key. */
  readonly required: readonly string[];
  /** The CHECK conditions of each table. */
  readonly checks: Readonly<Record<string, number>>;
  /** Names of the indexes that have one. */
  readonly indexes: readonly string[];
  readonly triggers: readonly { readonly table: string; readonly name: string }[];
}

const TABLES = `SELECT name, sql FROM sqlite_schema
  WHERE type = 'table' AND name NOT LIKE '%!_search%' ESCAPE '!' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'`;
const COLUMNS = `SELECT t.name || '.' || c.name AS name, c."notnull" = 1 OR c.pk > 0 AS required
  FROM (${TABLES}) t JOIN pragma_table_info(t.name) c ORDER BY 1`;
const OBJECTS = 'SELECT name, tbl_name AS "table" FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL ORDER BY name';

/** Migrates a database in memory, and reads its schema. */
export async function sqliteCatalogue(): Promise<SqliteCatalogue> {
  const driver = openSqlite(':memory:');
  migrate(driver, '2026-01-01T00:00:00.000Z');
  const columns = driver.read(() => all<{ name: string; required: number }>(COLUMNS));
  const tables = driver.read(() => all<{ name: string; sql: string }>(TABLES));
  const indexes = driver.read(() => all<{ name: string }>(OBJECTS, 'index'));
  const triggers = driver.read(() => all<{ name: string; table: string }>(OBJECTS, 'trigger'));
  await driver.close();
  return {
    columns: columns.map(({ name }) => name),
    required: columns.filter(({ required }) => required === 1).map(({ name }) => name),
    checks: Object.fromEntries(tables.map(({ name, sql }) => [name, sql.split(/\bCHECK\b/).length - 1])),
    indexes: indexes.map(({ name }) => name),
    triggers,
  };
}
