/** The schema of PostgreSQL, as its catalogue shows it: keyed by org, behind row-level security, equal to SQLite's. */
import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type CatalogueColumn,
  columnsOfTables,
  GLOBAL_TABLES,
  indexesOf,
  ofOrgs,
  tablesOf,
  triggersOf,
} from '../support/postgres-catalogue.js';
import { freshClient } from '../support/postgres-database.js';
import { indexText, type SqliteCatalogue, sqliteCatalogue, textsIn } from '../support/sqlite-catalogue.js';

/** Columns that SQLite has and PostgreSQL has not. */
const SQLITE_ONLY: Readonly<Record<string, string>> = {
  'customer.row_no': 'the row of the full-text index; PostgreSQL has word tables, by id',
  'account.row_no': 'as customer.row_no',
  'org.org_no': 'the prefix of words in the full-text index',
};
/** Columns that PostgreSQL has and SQLite has not. */
const POSTGRES_ONLY: Readonly<Record<string, string>> = {
  'journal.entry_no': 'the key of a row that is not numbered yet',
  ...Object.fromEntries(
    ['orgcode', 'loyalty_txn_id'].map((name) => [`loyalty_month_noted.${name}`, 'entries are added to the sums later']),
  ),
  'schema_migration.oldest_server': 'several servers may run on one database',
  ...Object.fromEntries(['key', 'points', 'expire'].map((name) => [`rate_limit.${name}`, 'servers share the limits'])),
  ...Object.fromEntries(
    [
      'own_group.name',
      'database_group.name',
      'database_group.added_at',
      ...['orgcode', 'group_name', 'epoch', 'state', 'to_group'].map((name) => `org_directory.${name}`),
      ...['orgcode', 'epoch', 'state', 'copied_to'].map((name) => `org_home.${name}`),
    ].map((name) => [name, 'several databases may share the orgs']),
  ),
};
/** Columns of PostgreSQL that have a value only while an org is moved. */
const OF_A_MOVE: readonly string[] = ['org_directory.to_group', 'org_home.copied_to'];
/** Columns that only SQLite requires. */
const OPTIONAL: Readonly<Record<string, string>> = { 'journal.journal_no': 'a row is numbered when it is sealed' };

/** Indexes that SQLite lacks, or that hold other columns there. */
const POSTGRES_INDEXES: Readonly<Record<string, string>> = {
  journal_by_no: 'unique (orgcode, journal_no) where', // SQLite's primary key
  journal_unsealed: '(orgcode, entry_no) where', // rows to be numbered
  loyalty_lot_open: '(orgcode, customer_id, lot_id) where', // open lots are read whole, in this order
  server_key_single: 'unique ()', // two servers may start at once
  own_group_single: 'unique ()', // a database is one group
};
/** Primary keys that differ: SQLite has row numbers, or none. */
const POSTGRES_KEYS: Readonly<Record<string, string>> = {
  account: 'orgcode, account_id',
  customer: 'orgcode, customer_id',
  journal: 'orgcode, entry_no',
  org: 'orgcode',
  server_key: 'key_check',
};

let client: pg.Client;
let sqlite: SqliteCatalogue;
beforeAll(async () => {
  const [opened, schema] = await Promise.all([freshClient(), sqliteCatalogue()]);
  client = opened.client;
  sqlite = schema;
  return opened.drop;
});

const nameOf = ({ table, name }: { readonly table: string; readonly name: string }) => `${table}.${name}`;
/** The columns of all tables but those of full-text search. */
const recordColumns = async () =>
  (await columnsOfTables(client)).filter(({ table }) => !/^(customer|account)_(search|word)$/.test(table));
const isInteger = ({ type }: CatalogueColumn) => type !== 'text';

describe('keys', () => {
  test('the org is the first column of every primary key and of every index', async () => {
    const indexes = ofOrgs(await indexesOf(client));
    expect(indexes.length).toBeGreaterThan(70);
    expect(indexes.filter(({ columns }) => columns[0] !== 'orgcode').map(nameOf)).toEqual([]);
  });

  test('every table has a primary key', async () => {
    const keyed = new Set((await indexesOf(client)).filter(({ primary }) => primary).map(({ table }) => table));
    expect((await tablesOf(client)).filter(({ name }) => !keyed.has(name))).toEqual([]);
  });

  test('the global tables are those of the list', async () => {
    const keys = (await indexesOf(client)).filter(({ primary, columns }) => primary && columns[0] !== 'orgcode');
    const unkeyed = keys.map(({ table }) => table);
    expect([...unkeyed, 'org', 'org_directory', 'org_home'].sort()).toEqual(Object.keys(GLOBAL_TABLES).sort());
  });

  test('no table refers to another', async () => {
    const { rows } = await client.query(`SELECT conname FROM pg_constraint WHERE contype = 'f'`);
    expect(rows).toEqual([]);
  });
});

describe('row-level security', () => {
  test('binds every table of orgs, also for its owner, and no global table', async () => {
    const tables = await tablesOf(client);
    const bound = tables.filter(({ row_security, forced }) => row_security && forced).map(({ name }) => name);
    const open = tables.filter(({ row_security, forced }) => !row_security && !forced).map(({ name }) => name);
    expect(open).toEqual(Object.keys(GLOBAL_TABLES).sort());
    expect([...bound, ...open].sort()).toEqual(tables.map(({ name }) => name).sort());
  });

  test('has one policy a table, which compares the org with the setting', async () => {
    const { rows } = await client.query(`SELECT tablename, permissive, roles::text[], cmd, qual, with_check
      FROM pg_policies WHERE schemaname = current_schema() ORDER BY tablename`);
    const tables = ofOrgs((await tablesOf(client)).map(({ name }) => ({ table: name })));
    const rule = `(orgcode = current_setting('g3n.orgcode'::text, true))`;
    const policy = { permissive: 'PERMISSIVE', roles: ['public'], cmd: 'ALL', qual: rule, with_check: rule };
    expect(rows).toEqual(tables.map(({ table }) => ({ tablename: table, ...policy })));
  });
});

describe('columns', () => {
  test('texts compare by bytes, numbers have 64 bits, flags 16', async () => {
    const columns = await columnsOfTables(client);
    const texts = columns.filter((column) => !isInteger(column));
    expect(texts.filter(({ collation }) => collation !== 'C').map(nameOf)).toEqual([]);
    const small = columns.filter(({ type }) => type === 'smallint').map(nameOf);
    const flags = ['membership.owner', 'customer_flag.active', 'account.credit_hold', 'account_contact.is_primary'];
    expect(small.sort()).toEqual([...flags, 'inbox.org_wide'].sort());
    const others = columns.filter((column) => isInteger(column) && !small.includes(nameOf(column)));
    expect(others.filter(({ type }) => type !== 'bigint').map(nameOf)).toEqual([]);
  });

  test('are those of SQLite', async () => {
    const names = (await recordColumns()).map(nameOf);
    const expected = [
      ...sqlite.columns.filter((name) => SQLITE_ONLY[name] === undefined),
      ...Object.keys(POSTGRES_ONLY),
    ];
    expect(names.sort()).toEqual(expected.sort());
    expect(sqlite.columns).toEqual(expect.arrayContaining(Object.keys(SQLITE_ONLY)));
  });

  test('are required where SQLite requires them', async () => {
    const required = (await recordColumns()).filter((column) => column.required).map(nameOf);
    const excepted = { ...SQLITE_ONLY, ...OPTIONAL };
    const expected = sqlite.required.filter((name) => excepted[name] === undefined);
    const ours = Object.keys(POSTGRES_ONLY).filter((name) => !OF_A_MOVE.includes(name));
    expect(required.sort()).toEqual([...expected, ...ours].sort());
  });

  test('have the checks that they have in SQLite', async () => {
    const { rows } = await client.query<{ table: string; count: number; texts: string }>(`SELECT c.relname AS table,
        count(*)::int AS count, string_agg(pg_get_constraintdef(k.oid), ' ') AS texts
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'c' GROUP BY 1`);
    const checks = rows.map(({ table, count, texts }) => [table, { count, texts: textsIn(texts) }]);
    const expected = Object.entries(sqlite.checks).filter(([, { count }]) => count > 0);
    expect(Object.fromEntries(checks)).toEqual(Object.fromEntries(expected));
  });

  test('are keys and are indexed as in SQLite', async () => {
    const all = (await indexesOf(client)).map((index) => ({ ...index, text: index.columns.join(', ') }));
    const keys = all.filter(({ primary }) => primary).map(({ table, text }) => [table, text]);
    expect(Object.fromEntries(keys)).toMatchObject({ ...sqlite.primaryKeys, ...POSTGRES_KEYS });
    const indexes = all
      .filter(({ name }) => !/_(pkey|key)$/.test(name))
      .map(({ name, unique, text, conditional }) => [name, indexText(unique, text, conditional)]);
    expect(Object.fromEntries(indexes)).toEqual({ ...sqlite.indexes, ...POSTGRES_INDEXES });
  });
});

describe('append-only tables', () => {
  /** What the role may do to tables that are not wholly closed. */
  const ALLOWED: Readonly<Record<string, { readonly update?: string; readonly remove?: true }>> = {
    journal: { update: 'journal_no' },
    receipt: { update: 'answer', remove: true },
  };
  const guarded = () =>
    [...new Set(sqlite.triggers.filter(({ name }) => name.endsWith('_no_update')).map(({ table }) => table))].sort();

  test('are those of SQLite', async () => {
    expect(guarded().length).toBeGreaterThan(10);
    const tables = [...new Set((await triggersOf(client)).map(({ table }) => table))];
    expect(tables.sort()).toEqual(guarded());
  });

  test('are closed by privileges to the role that owns them', async () => {
    const { rows } = await client.query(
      `SELECT t AS table, has_table_privilege(t, 'UPDATE') AS update_all, has_table_privilege(t, 'DELETE') AS remove,
        ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t::regclass AND a.attnum > 0
          AND has_column_privilege(t, a.attname, 'UPDATE')) AS updates,
        pg_get_userbyid(c.relowner) = current_user AS owned
      FROM unnest($1::text[]) t JOIN pg_class c ON c.oid = t::regclass ORDER BY t COLLATE "C"`,
      [guarded()],
    );
    const expected = guarded().map((table) => {
      const { update, remove = false } = ALLOWED[table] ?? {};
      return { table, update_all: false, remove, updates: update === undefined ? [] : [update], owned: true };
    });
    expect(rows).toEqual(expected);
  });

  test('no table of orgs can be truncated: row-level security does not bind TRUNCATE', async () => {
    const { rows } = await client.query(`SELECT relname AS table FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND has_table_privilege(oid, 'TRUNCATE')`);
    expect(ofOrgs(rows)).toEqual([]);
  });
});
