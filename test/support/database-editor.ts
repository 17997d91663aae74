/** Reads and changes the database of a world past its store, on either engine. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import pg from 'pg';
import type { Scalar } from '../../src/store/engine/step.js';
import { connectLazily } from './postgres-database.js';
import type { Data } from './world.js';

/** See the functions of the same names in world.ts. */
export interface DatabaseEditor {
  sql(text: string, args: readonly Scalar[]): Promise<Data[]>;
  contents(): Promise<string>;
  searchIndex(): Promise<string>;
  digest(): Promise<Readonly<Record<string, string>>>;
  withoutTriggers(table: string, work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const TABLES = `SELECT name FROM sqlite_schema
  WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name`;
const TRIGGERS = `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?`;

/** An editor on a SQLite file, with a connection of its own that opens when it is needed. */
export function createFileEditor(path: string): DatabaseEditor {
  let opened: Database.Database | undefined;
  const db = () => {
    opened ??= new Database(path);
    return opened;
  };
  return {
    async sql(text, args) {
      const statement = db().prepare(text);
      if (statement.reader) return statement.all(args) as Data[];
      statement.run(args);
      return [];
    },
    async contents() {
      db().pragma('wal_checkpoint(TRUNCATE)');
      const files = [path, `${path}-wal`].filter((file) => existsSync(file));
      return files.map((file) => readFileSync(file, 'latin1')).join('\n');
    },
    async searchIndex() {
      const blocks = db().prepare('SELECT block FROM customer_search_data').all() as { block: Buffer }[];
      return blocks.map(({ block }) => block.toString('latin1')).join('\n');
    },
    async digest() {
      const tables = db().prepare(TABLES).pluck().all() as string[];
      return Object.fromEntries(tables.map((table) => [table, fileDigest(db(), table)]));
    },
    async withoutTriggers(table, work) {
      const triggers = db().prepare(TRIGGERS).all(table) as { name: string; sql: string }[];
      for (const { name } of triggers) db().exec(`DROP TRIGGER ${name}`);
      await work();
      for (const { sql } of triggers) db().exec(sql);
    },
    async close() {
      opened?.close();
    },
  };
}

function fileDigest(db: Database.Database, table: string): string {
  const hash = createHash('sha256');
  for (const row of db.prepare(`SELECT * FROM "${table}"`).raw().iterate()) hash.update(JSON.stringify(row));
  return hash.digest('hex');
}

/** Tables that housekeeping changes by itself; `verify` compares them with the ledger. */
const KEPT_BY_HOUSEKEEPING = ['loyalty_month', 'loyalty_month_noted'];

/** What housekeeping writes into existing rows. */
const WITHOUT_NUMBERS: Readonly<Record<string, string>> = { journal: `(to_jsonb(t) - 'journal_no')` };

/** An editor on a PostgreSQL database, as the superuser of this URL. */
export function createServerEditor(url: string): DatabaseEditor {
  const connection = connectLazily(url);
  const sql = async (text: string, args: readonly Scalar[] = []): Promise<Data[]> => {
    let parameters = 0;
    const numbered = text.replaceAll('?', () => {
      parameters += 1;
      return `$${parameters}`;
    });
    const client = await connection.client();
    return (await client.query({ text: numbered, values: [...args], types: NUMBERS })).rows;
  };
  /** One row for each table, with what `expression` makes of the rows `t`. */
  const ofEachTable = async (expression: (table: string) => string): Promise<{ name: string; value: string }[]> => {
    const tables = await sql(`SELECT relname AS name FROM pg_class
      WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY name`);
    const one = ({ name }: { name: string }) =>
      `SELECT '${name}' AS name, COALESCE(${expression(name)}, '') AS value FROM "${name}" t`;
    return sql(tables.map(one).join(' UNION ALL '));
  };
  return {
    sql,
    async contents() {
      const tables = await ofEachTable(() => `string_agg(t::text, chr(10))`);
      return tables.map(({ value }) => value).join('\n');
    },
    async searchIndex() {
      return (await sql('SELECT word FROM customer_word')).map(({ word }) => word).join('\n');
    },
    async digest() {
      const row = (table: string) => `${WITHOUT_NUMBERS[table] ?? 't'}::text`;
      const hashes = await ofEachTable((table) => `md5(string_agg(${row(table)}, '' ORDER BY ${row(table)}))`);
      const kept = hashes.filter(({ name }) => !KEPT_BY_HOUSEKEEPING.includes(name));
      return Object.fromEntries(kept.map(({ name, value }) => [name, value]));
    },
    async withoutTriggers(table, work) {
      await sql(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      await work();
      await sql(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
    },
    close: () => connection.end(),
  };
}

/** Integers of 8 bytes, and their sums, as numbers. */
const NUMBERS = {
  getTypeParser: ((oid: number, format: 'text') =>
    [20, 1700].includes(oid) ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};
