/** What a migrated SQLite database says of its tables, to compare other engines with. */
import { all } from '../../src/store/engine/step.js';
import { migrate } from '../../src/store/sqlite/migrations/migrate.js';
import { openSqlite } from '../../src/store/sqlite/sqlite-driver.js';

export interface SqliteCatalogue {
  /** `table.column`, without the full-text indexes. */
  readonly columns: readonly string[];
  /** The columns that must have a value, or are part of a primary key. */
  readonly required: readonly string[];
  /** How many CHECK conditions each table has, and the texts in them. */
  readonly checks: Readonly<Record<string, { readonly count: number; readonly texts: readonly string[] }>>;
  readonly primaryKeys: Readonly<Record<string, string>>;
  /** By name: whether it is unique, its columns, whether it has a condition. */
  readonly indexes: Readonly<Record<string, string>>;
  readonly triggers: readonly { readonly table: string; readonly name: string }[];
}

const TABLES = `SELECT name, sql FROM sqlite_schema
  WHERE type = 'table' AND name NOT LIKE '%!_search%' ESCAPE '!' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'`;
const COLUMNS = `SELECT t.name || '.' || c.name AS name, c."notnull" = 1 OR c.pk > 0 AS required
  FROM (${TABLES}) t JOIN pragma_table_info(t.name) c ORDER BY 1`;
const KEYS = `SELECT t.name, group_concat(c.name, ', ' ORDER BY c.pk) AS columns
  FROM (${TABLES}) t JOIN pragma_table_info(t.name) c WHERE c.pk > 0 GROUP BY t.name`;
const INDEXES = `SELECT i.name, i."unique" AS uniquely, i.partial,
    (SELECT group_concat(c.name, ', ' ORDER BY c.seqno) FROM pragma_index_info(i.name) c) AS columns
  FROM (${TABLES}) t JOIN pragma_index_list(t.name) i WHERE i.origin = 'c' ORDER BY i.name`;
const TRIGGERS = `SELECT name, tbl_name AS "table" FROM sqlite_schema WHERE type = 'trigger' ORDER BY name`;

/** One text for an index, in both engines. */
export function indexText(uniquely: boolean, columns: string, conditional: boolean): string {
  return `${uniquely ? 'unique ' : ''}(${columns})${conditional ? ' where' : ''}`;
}

/** The texts in SQL, sorted. */
export function textsIn(sql: string): readonly string[] {
  return [...new Set([...sql.matchAll(/'[^']*'/g)].map(([text]) => text))].sort();
}

interface IndexRow {
  readonly name: string;
  readonly uniquely: number;
  readonly partial: number;
  readonly columns: string;
}

/** Migrates a database in memory, and reads its schema. */
export async function sqliteCatalogue(): Promise<SqliteCatalogue> {
  const driver = openSqlite(':memory:');
  migrate(driver, '2026-01-01T00:00:00.000Z');
  const columns = driver.read(() => all<{ name: string; required: number }>(COLUMNS));
  const tables = driver.read(() => all<{ name: string; sql: string }>(TABLES));
  const keys = driver.read(() => all<{ name: string; columns: string }>(KEYS));
  const indexes = driver.read(() => all<IndexRow>(INDEXES));
  const triggers = driver.read(() => all<{ name: string; table: string }>(TRIGGERS));
  await driver.close();
  return {
    columns: columns.map(({ name }) => name),
    required: columns.filter(({ required }) => required === 1).map(({ name }) => name),
    checks: Object.fromEntries(
      tables.map(({ name, sql }) => [name, { count: sql.split(/\bCHECK\b/).length - 1, texts: textsIn(sql) }]),
    ),
    primaryKeys: Object.fromEntries(keys.map(({ name, columns }) => [name, columns])),
    indexes: Object.fromEntries(
      indexes.map(({ name, uniquely, columns, partial }) => [name, indexText(uniquely === 1, columns, partial === 1)]),
    ),
    triggers,
  };
}
