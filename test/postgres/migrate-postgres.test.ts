/** Migrations of PostgreSQL: several servers at once, interruptions, other versions; and the checks of the server. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkServer } from '../../src/store/postgres/check-server.js';
import {
  migratePostgres,
  type PostgresMigration,
  postgresSchemaVersion,
  requirePostgresSchema,
} from '../../src/store/postgres/migrations/migrate-postgres.js';
import { DatabaseServerError } from '../../src/store/postgres/server-error.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';

const NOW = '2026-01-01T00:00:00.000Z';
const FIRST: PostgresMigration = { version: 1, name: 'first', oldestServer: 1, script: 'CREATE TABLE one (n BIGINT)' };
const SECOND: PostgresMigration = {
  version: 2,
  name: 'second',
  oldestServer: 1,
  script: 'CREATE TABLE two (n BIGINT)',
};
const BROKEN = { ...SECOND, script: 'CREATE TABLE two (n BIGINT); CREATE TABLE three (n BIGINT); SELECT 1 / 0' };

let database: TestDatabase;
let clients: pg.Client[];
beforeEach(async () => {
  database = await freshDatabase('empty');
  clients = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.end().catch(() => {})));
  await database.drop();
});

async function connect(url = database.url): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {}); // a test ends connections
  await client.connect();
  clients.push(client);
  return client;
}

async function tableNames(): Promise<readonly string[]> {
  const { rows } = await (await connect()).query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

describe('a migration', () => {
  test('runs once, though five servers start at once', async () => {
    const starting = await Promise.all(Array.from({ length: 5 }, () => connect()));
    await Promise.all(starting.map((client) => migratePostgres(client, NOW)));
    const { rows } = await (await connect()).query('SELECT version, name, applied_at FROM schema_migration');
    expect(rows).toEqual([
      { version: '1', name: 'schema', applied_at: NOW },
      { version: '2', name: 'rate limits', applied_at: NOW },
      { version: '3', name: 'groups', applied_at: NOW },
      { version: '4', name: 'credentials', applied_at: NOW },
      { version: '5', name: 'points by month', applied_at: NOW },
      { version: '6', name: 'oauth orgs', applied_at: NOW },
    ]);
    expect((await tableNames()).length).toBeGreaterThan(40);
  });

  test('is repeated without effect', async () => {
    const client = await connect();
    await migratePostgres(client, NOW, [FIRST, SECOND]);
    await migratePostgres(client, 'later', [FIRST, SECOND]);
    const { rows } = await client.query('SELECT DISTINCT applied_at FROM schema_migration');
    expect(rows).toEqual([{ applied_at: NOW }]);
    expect(await postgresSchemaVersion(client)).toBe(2);
  });

  test('that fails halfway leaves nothing, and the ones before it stay', async () => {
    const client = await connect();
    await expect(migratePostgres(client, NOW, [FIRST, BROKEN])).rejects.toThrow('division by zero');
    expect(await tableNames()).toEqual(['one', 'schema_migration']);
    expect(await postgresSchemaVersion(client)).toBe(1);
    await migratePostgres(client, NOW, [FIRST, SECOND]);
    expect(await tableNames()).toEqual(['one', 'schema_migration', 'two']);
  });

  test('whose server dies leaves nothing, and lets the next server go on', async () => {
    const dying = await connect();
    const slow = { ...FIRST, script: `${FIRST.script}; SELECT pg_sleep(60)` };
    const { rows } = await dying.query('SELECT pg_backend_pid() AS pid');
    const died = expect(migratePostgres(dying, NOW, [slow])).rejects.toThrow();
    const next = await connect();
    await asleep(next, rows[0].pid);
    const migrated = migratePostgres(next, NOW, [FIRST]);
    await (await connect()).query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
    await Promise.all([died, migrated]);
    expect(await tableNames()).toEqual(['one', 'schema_migration']);
  });

  test('waits for another server longer than calls may wait for a lock', async () => {
    const [holder, waiter] = [await connect(), await connect()];
    await waiter.query(`SET lock_timeout = '1ms'; SET statement_timeout = '100ms'`);
    const slow = { ...FIRST, script: `${FIRST.script}; SELECT pg_sleep(0.3)` };
    await Promise.all([
      migratePostgres(holder, NOW, [slow]),
      sleep(50).then(() => migratePostgres(waiter, NOW, [slow])),
    ]);
    expect(await postgresSchemaVersion(waiter)).toBe(1);
    const { rows } = await waiter.query('SHOW lock_timeout');
    expect(rows).toEqual([{ lock_timeout: '1ms' }]);
  });

  test('is never altered', async () => {
    const client = await connect();
    await migratePostgres(client, NOW, [FIRST]);
    const altered = { ...FIRST, script: `${FIRST.script} ` };
    await expect(migratePostgres(client, NOW, [altered])).rejects.toThrow(
      'schema change 1 (first) is not the one applied',
    );
    await expect(requirePostgresSchema(client, [altered, SECOND])).rejects.toThrow(DatabaseServerError);
  });
});

/** Until the script of a migration sleeps. */
async function asleep(client: pg.Client, pid: number): Promise<void> {
  const sql = `SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'`;
  while ((await client.query(sql, [pid])).rows.length === 0) await sleep(10);
}

describe('a newer schema', () => {
  const NEWER = 'the database is of schema 2, made by a newer g3n-crm-mcp: upgrade';

  test('is served by the older version that its migration names', async () => {
    const client = await connect();
    await migratePostgres(client, NOW, [FIRST, SECOND]);
    await migratePostgres(client, NOW, [FIRST]);
    await requirePostgresSchema(client, [FIRST]);
    expect(await postgresSchemaVersion(client)).toBe(2);
  });

  test('is refused when its migration needs newer servers', async () => {
    const client = await connect();
    await migratePostgres(client, NOW, [FIRST, { ...SECOND, oldestServer: 2 }]);
    await expect(migratePostgres(client, NOW, [FIRST])).rejects.toThrow(NEWER);
    await expect(requirePostgresSchema(client, [FIRST])).rejects.toThrow(NEWER);
  });

  test('is refused when only a later one of its migrations allows older servers', async () => {
    const client = await connect();
    const third = { ...SECOND, version: 3, name: 'third', script: 'CREATE TABLE three (n BIGINT)' };
    await migratePostgres(client, NOW, [FIRST, { ...SECOND, oldestServer: 2 }, third]);
    await expect(migratePostgres(client, NOW, [FIRST])).rejects.toThrow(NEWER);
  });
});

test('a read-only server needs a schema that is up to date', async () => {
  const client = await connect();
  const older =
    'the database is of an older schema. Run g3n-crm-mcp admin postgres migrate as the role that owns the tables.';
  await expect(requirePostgresSchema(client)).rejects.toThrow(older);
  await migratePostgres(client, NOW, [FIRST]);
  await expect(requirePostgresSchema(client, [FIRST, SECOND])).rejects.toThrow(older);
  expect(await tableNames()).toEqual(['one', 'schema_migration']);
});

describe('the check of the server', () => {
  let facts: Record<string, unknown>;
  beforeAll(async () => {
    facts = { version_num: 150_000, version: '15.0', encoding: 'UTF8', database: 'crm', role: 'crm', schema: 'public' };
    Object.assign(facts, { superuser: false, bypasses: false, creates: true });
  });
  const answering = (changes: object) => ({ query: async () => ({ rows: [{ ...facts, ...changes }] }) });

  test('passes an ordinary role that owns its database', async () => {
    await checkServer(await connect());
    await checkServer(answering({}));
  });

  test('refuses a superuser, and says how to make a proper role', async () => {
    const refused = checkServer(await connect(database.adminUrl));
    await expect(refused).rejects.toThrow(DatabaseServerError);
    await expect(refused).rejects.toThrow(/^the role .+ is a superuser, so that nothing keeps/);
    await expect(refused).rejects.toThrow(
      /CREATE ROLE g3n_crm LOGIN .+ NOBYPASSRLS;\n {2}CREATE DATABASE g3n_crm OWNER/,
    );
  });

  test('refuses a role that row-level security does not bind', async () => {
    await expect(checkServer(answering({ bypasses: true }))).rejects.toThrow('the role crm has BYPASSRLS');
  });

  test('refuses a server before 15', async () => {
    const old = answering({ version_num: 140_012, version: '14.12' });
    await expect(checkServer(old)).rejects.toThrow('PostgreSQL 14.12 is too old. PostgreSQL 15 or newer is needed.');
  });

  test('refuses a database of another encoding', async () => {
    const ascii = answering({ encoding: 'SQL_ASCII' });
    await expect(checkServer(ascii)).rejects.toThrow(/^the database crm has the encoding SQL_ASCII\. UTF8 is needed/);
  });

  test('refuses a role that may not create tables, unless it creates none', async () => {
    const client = await connect();
    await client.query('REVOKE CREATE ON SCHEMA public FROM pg_database_owner');
    await expect(checkServer(client)).rejects.toThrow(/may not create tables in the schema public/);
    await checkServer(client, true);
    await client.query('SET search_path = nowhere');
    await expect(checkServer(client)).rejects.toThrow(/may not create tables in any schema of its search_path/);
  });

  test('names neither the password nor the URL', async () => {
    const client = await connect(database.adminUrl);
    const { password } = new URL(database.adminUrl);
    const message = await checkServer(client).catch(String);
    expect(message).not.toContain('://');
    if (password !== '') expect(message).not.toContain(password);
  });
});
