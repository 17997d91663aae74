/** Two roles: one owns the tables and migrates, the other serves, and can do no more than a server must. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { POSTGRES_MIGRATIONS } from '../../src/store/postgres/migrations/migrate-postgres.js';
import { openPostgresStore } from '../../src/store/postgres-store.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { callEveryOperation, ENGINE_OPTIONS } from '../support/every-operation.js';
import { inOrg } from '../support/plain-rows.js';
import { tablesOf, triggersOf } from '../support/postgres-catalogue.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import { run, runJson, scratch, startServer } from '../support/program.js';
import { CONTEXT_HEADERS } from '../support/world.js';

const ROLE = `g3n_serve_${randomBytes(6).toString('hex')}`;
const workspace = scratch();
const keyPath = join(workspace.directory, 'crm.key');
let database: TestDatabase;
let url: string;
let headers: Record<string, string>;
let granted: readonly string[];

const asOwner = () => ({ G3N_DB: database.url, G3N_KEY_FILE: keyPath });
const asServer = () => ({ G3N_DB: url, G3N_KEY_FILE: keyPath });
const migrate = (...more: readonly string[]) => ['admin', 'postgres', 'migrate', ...more];

beforeAll(async () => {
  database = await freshDatabase('empty');
  const password = randomBytes(16).toString('hex');
  await queryAt(database.adminUrl, `CREATE ROLE ${ROLE} LOGIN PASSWORD '${password}'`);
  url = String(Object.assign(new URL(database.url), { username: ROLE, password }));
  ({ granted } = await runJson(migrate('--grant-to', ROLE), asOwner()));
  await runJson(['admin', 'org', 'create', 'ACME'], asOwner());
  const { api_key } = await runJson(['admin', 'key', 'create', 'ACME', '--owner'], asOwner());
  headers = { 'x-orgcode': 'ACME', 'x-api-key': String(api_key), ...CONTEXT_HEADERS };
});
afterAll(async () => {
  if (database !== undefined) {
    await queryAt(database.adminUrl, `DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE}`);
    await database.drop();
  }
  workspace.remove();
});

async function connected(at: string): Promise<pg.Client> {
  const client = new pg.Client(at);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

test('the serving role can do all that calls, housekeeping and verify need', async () => {
  const store = await openPostgresStore({ url, keyPath, ...ENGINE_OPTIONS });
  onTestFinished(() => store.close());
  await callEveryOperation(store, headers);
  await expect.poll(() => sealed(), { timeout: 20_000 }).toBeGreaterThan(0);
  const verification = await store.driver.read(() => verifyStore(store.keys, store.driver), { isLong: true });
  expect(verification).toMatchObject({ orgs: 1, disagreements: [] });
});

async function sealed(): Promise<number> {
  const [row] = await queryAt(database.adminUrl, 'SELECT COUNT(*)::int AS seals FROM journal_seal');
  return row.seals;
}

test('a server runs as the serving role, and shares rate limits', async () => {
  const server = await startServer([], asServer());
  onTestFinished(() => void server.stop());
  const answer = await fetch(new URL('/crm/customer/create', server.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ customer: { caption: 'Anna' } }),
  });
  expect(answer.status).toBe(200);
  const guess = {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json', ...headers, 'x-api-key': 'g3nk_guess' },
  };
  expect((await fetch(new URL('/crm/customer/get', server.url), guess)).status).toBe(401);
  await expect.poll(() => queryAt(url, 'SELECT 1 FROM rate_limit')).not.toEqual([]);
});

describe('the serving role may not', () => {
  const allowed = /^permission denied|^must be (owner|able)|^only roles|no privileges/;

  /** Why a statement is refused; undefined when it is not. It is rolled back in any case. */
  async function refusal(client: pg.Client, statement: string): Promise<string | undefined> {
    const done = new Error('the statement succeeded');
    const tried = inOrg(client, 'ACME', async () => {
      await client.query(statement);
      throw done;
    });
    const error = (await tried.catch((cause: unknown) => cause)) as Error;
    return error === done ? undefined : error.message;
  }

  test('drop, alter or truncate any table, nor touch its policy, triggers or grants', async () => {
    const client = await connected(url);
    const tables = (await tablesOf(client)).map(({ name }) => name);
    expect(tables.length).toBeGreaterThan(40);
    for (const table of tables) {
      for (const statement of [
        `DROP TABLE ${table}`,
        `ALTER TABLE ${table} ADD COLUMN more TEXT`,
        `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`,
        `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`,
        `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
        `CREATE POLICY all_of_it ON ${table} USING (true)`,
        `TRUNCATE ${table}`,
      ])
        expect([statement, await refusal(client, statement)]).toEqual([statement, expect.stringMatching(allowed)]);
      await refusal(client, `GRANT ALL ON ${table} TO ${ROLE}`);
    }
    expect(await refusal(client, 'CREATE TABLE own (id TEXT)')).toMatch(allowed);
    expect(await refusal(client, `SET ROLE ${new URL(database.url).username}`)).toMatch(/^permission denied/);
    expect(await refusal(client, 'SET session_replication_role = replica')).toMatch(/^permission denied/);
  });

  test('change what is append-only, though it granted itself the right, or write what operators write', async () => {
    const client = await connected(url);
    const ledgers = [...new Set((await triggersOf(client)).map(({ table }) => table))];
    expect(ledgers.length).toBeGreaterThan(8);
    for (const table of ledgers) {
      await client.query(`GRANT UPDATE, DELETE ON ${table} TO ${ROLE}`).catch(() => {});
      const update = `UPDATE ${table} SET orgcode = 'ACME'`;
      expect([update, await refusal(client, update)]).toEqual([update, `permission denied for table ${table}`]);
      if (table === 'receipt') continue; // which expire; a trigger keeps those that have not
      expect(await refusal(client, `DELETE FROM ${table}`)).toBe(`permission denied for table ${table}`);
    }
    for (const table of ['org', 'principal', 'membership', 'api_key', 'server_key', 'derived_data', 'schema_migration'])
      expect(await refusal(client, `DELETE FROM ${table}`)).toBe(`permission denied for table ${table}`);
    for (const change of [
      `INSERT INTO org VALUES ('EVIL', 'verified', 'x', 'x')`,
      `UPDATE membership SET owner = 1`,
      `UPDATE session SET principal_id = 'x'`,
      `INSERT INTO api_key VALUES ('x', 'ACME', 'x', 'x', NULL, 'x')`,
    ])
      expect([change, await refusal(client, change)]).toEqual([change, expect.stringMatching(/^permission denied/)]);
  });

  test('see the rows of an org that the transaction has not set', async () => {
    const client = await connected(url);
    await inOrg(client, 'ACME', async () => {
      expect((await client.query('SELECT 1 FROM membership')).rows).not.toEqual([]);
    });
    expect((await client.query('SELECT 1 FROM membership')).rows).toEqual([]);
  });
});

test('migrating again takes from the role what was granted to it besides', async () => {
  await queryAt(database.url, `GRANT ALL ON customer, loyalty_txn TO ${ROLE}; GRANT UPDATE (status) ON org TO ${ROLE}`);
  const again = await runJson(migrate('--grant-to', ROLE), asOwner());
  expect(again).toEqual({ schema: POSTGRES_MIGRATIONS.length, granted });
  const client = await connected(url);
  for (const statement of ['TRUNCATE customer', 'DELETE FROM loyalty_txn', `UPDATE org SET status = 'verified'`])
    await expect(client.query(statement)).rejects.toThrow('permission denied');
});

describe('what the serving role cannot do, a command names', () => {
  const refused = async (args: readonly string[], environment: Record<string, string>, message: string | RegExp) => {
    const { code, stderr } = await run(args, environment);
    expect([code, stderr]).toEqual([3, expect.stringMatching(message)]);
  };

  test('a right that is missing, after a table was added', async () => {
    await queryAt(database.url, `REVOKE UPDATE ON customer FROM ${ROLE}; REVOKE ALL ON schema_migration FROM ${ROLE}`);
    const message = `as a server must: "customer", "schema_migration". Run as the owner of the tables: .* migrate --grant-to ${ROLE}`;
    await refused(['http', '--port', '0'], asServer(), message);
    await runJson(migrate('--grant-to', ROLE), asOwner());
  });

  test('a schema that is not current', async () => {
    await queryAt(database.url, `UPDATE schema_migration SET version = 0 WHERE version = 2`);
    await refused(
      ['http', '--port', '0'],
      asServer(),
      'of an older schema.*admin postgres migrate as the role that owns',
    );
    await queryAt(database.url, `UPDATE schema_migration SET version = 2 WHERE version = 0`);
  });

  test('what operators do: orgs, keys, the demo, migrations, distribution', async () => {
    const message = /may serve and not administer: the tables belong to g3n_test_\w+\. Connect as/;
    await refused(['admin', 'org', 'create', 'OTHER'], asServer(), message);
    await refused(['http', '--port', '0', '--demo'], asServer(), message);
    await refused(migrate(), asServer(), message);
    await refused(['admin', 'postgres', 'distribute'], asServer(), message);
  });

  test('a role that grants would not bound', async () => {
    const { username } = new URL(database.url);
    const superuser = new URL(database.adminUrl).username;
    await refused(migrate('--grant-to', 'nobody_here'), asOwner(), /no role nobody_here\. Make it: CREATE ROLE/);
    await refused(migrate('--grant-to', username), asOwner(), 'owns the tables, or is a member of their owner');
    await refused(migrate('--grant-to', superuser), asOwner(), 'is a superuser');
  });
});
