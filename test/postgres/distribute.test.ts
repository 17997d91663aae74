/**
 * `admin postgres distribute`: what it says where Citus is missing; and, on a stand-in (support/citus-stand-in.ts), that
 * it distributes every table of orgs once, in one transaction, and that calls then use what Citus sends to the workers.
 */
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { COORDINATOR_TABLES, distribute, distributionOf } from '../../src/store/postgres/distribution.js';
import { openPostgresStore } from '../../src/store/postgres-store.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { installStandIn, standInUrl } from '../support/citus-stand-in.js';
import { callEveryOperation, ENGINE_OPTIONS } from '../support/every-operation.js';
import { ofOrgs, tablesOf, triggersOf } from '../support/postgres-catalogue.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import { requireOrgFirstPlans, watchStatements } from '../support/postgres-plans.js';
import { run, runJson, scratch } from '../support/program.js';
import { CONTEXT_HEADERS } from '../support/world.js';

const CALLS = 'SELECT name, args FROM citus_stand_in.call ORDER BY no';

async function database(standIn: boolean): Promise<TestDatabase> {
  const fresh = await freshDatabase();
  onTestFinished(() => fresh.drop());
  if (standIn) await installStandIn(fresh.url);
  return standIn ? { ...fresh, url: standInUrl(fresh.url) } : fresh;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

describe('without Citus', () => {
  test('the command says what is missing, and a dry run prints the statements, too', async () => {
    const { url } = await database(false);
    const refused = await run(['admin', 'postgres', 'distribute'], { G3N_DB: url });
    expect([refused.code, refused.stdout]).toEqual([3, '']);
    expect(refused.stderr).toContain('this server has no Citus: the extension is not available. Install it');
    const dry = await run(['admin', 'postgres', 'distribute', '--dry-run'], { G3N_DB: url });
    expect([dry.code, dry.stderr]).toEqual([3, refused.stderr]);
    const lines = dry.stdout.trim().split('\n');
    expect([lines[0], lines.at(-1)]).toEqual(['BEGIN;', 'COMMIT;']);
    expect(lines.filter((line) => line.includes('create_distributed_table')).length).toBeGreaterThan(30);
    expect(lines[2]).toBe('ALTER TABLE "customer" NO FORCE ROW LEVEL SECURITY;');
  });

  test('a file is refused', async () => {
    const { code, stderr } = await run(['admin', 'postgres', 'distribute'], { G3N_DB: 'crm.db' });
    expect([code, stderr]).toEqual([2, expect.stringContaining('needs a PostgreSQL URL')]);
  });

  test('a database without tables is sent to migrate first', async () => {
    const empty = await freshDatabase('empty');
    onTestFinished(() => empty.drop());
    const { code, stderr } = await run(['admin', 'postgres', 'distribute', '--dry-run'], { G3N_DB: empty.url });
    expect([code, stderr]).toEqual([3, expect.stringContaining('admin postgres migrate')]);
  });
});

describe('on the stand-in', () => {
  test('every table of orgs is distributed, the customers first and the others with them', async () => {
    const client = await connected((await database(true)).url);
    const names = (await tablesOf(client)).map(({ name }) => ({ table: name }));
    const owned = ofOrgs(names)
      .map(({ table }) => table)
      .filter((table) => table !== 'membership');
    expect(names.map(({ table }) => table).filter((table) => !owned.includes(table))).toEqual(
      Object.keys(COORDINATOR_TABLES).sort(),
    );
    const { pending, already } = await distribute(client);
    expect([[...pending].sort(), already]).toEqual([owned, []]);
    const { rows } = await client.query(CALLS);
    const placed = rows.filter(({ name }) => name === 'create_distributed_table').map(({ args }) => args);
    expect(placed).toEqual(pending.map((table) => [table, 'orgcode', table === 'customer' ? 'none' : 'customer']));
    const truncated = rows.filter(({ name }) => name === 'truncate_local_data').map(({ args }) => args);
    expect(truncated).toEqual(pending.map((table) => [table]));
  });

  test('the tables are protected afterwards by privileges and row-level security, without triggers', async () => {
    const client = await connected((await database(true)).url);
    const before = [...new Set((await triggersOf(client)).map(({ table }) => table))];
    await distribute(client);
    expect(await triggersOf(client)).toEqual([]);
    const tables = await tablesOf(client);
    const owned = tables.filter(({ name }) => COORDINATOR_TABLES[name] === undefined);
    expect(owned.filter(({ row_security, forced }) => !row_security || !forced)).toEqual([]);
    for (const { name } of owned) await expect(client.query(`TRUNCATE ${name}`)).rejects.toThrow('permission denied');
    for (const table of before) {
      await expect(client.query(`UPDATE ${table} SET orgcode = 'x'`)).rejects.toThrow('permission denied');
    }
  });

  test('a second run has nothing to do, and a new table is added to the others', async () => {
    const client = await connected((await database(true)).url);
    const first = await distribute(client);
    const second = await distribute(client);
    expect([second.pending, second.statements, [...second.already].sort()]).toEqual([
      [],
      [],
      [...first.pending].sort(),
    ]);
    await client.query('DELETE FROM citus_stand_in.placed WHERE table_name = $1::regclass', ['inbox']);
    const { pending, statements } = await distributionOf(client);
    expect(pending).toEqual(['inbox']);
    expect(statements).toContain(`SELECT create_distributed_table('inbox', 'orgcode', colocate_with => 'customer')`);
  });

  test('when one table fails, none is distributed and every trigger is there', async () => {
    const client = await connected((await database(true)).url);
    const triggers = await triggersOf(client);
    await client.query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.table_name = 'journal'::regclass THEN RAISE 'no worker answers'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER fail BEFORE INSERT ON citus_stand_in.placed FOR EACH ROW EXECUTE FUNCTION fail();`);
    await expect(distribute(client)).rejects.toThrow('no worker answers');
    expect(await triggersOf(client)).toEqual(triggers);
    expect((await client.query(CALLS)).rows).toEqual([]);
    expect((await tablesOf(client)).filter(({ name, forced }) => name === 'customer' && forced)).toHaveLength(1);
  });

  test('a table that Citus has by another column, an old Citus and open servers are named', async () => {
    const { url } = await database(true);
    const client = await connected(url);
    const missing = async () => String((await distributionOf(client)).missing?.message);
    const serving = await connected(`${url}&application_name=g3n-crm-mcp%20other`);
    expect(await missing()).toBe(
      '1 sessions of servers are open. Stop the servers first: they learn when they start whether the tables are distributed.',
    );
    await expect(distribute(client)).rejects.toThrow('sessions of servers are open');
    await serving.query('SELECT 1');
    await client.query(`INSERT INTO citus_stand_in.placed VALUES ('customer', 'distributed', 'customer_id')`);
    expect(await missing()).toContain('customer is a distributed table of Citus already, by customer_id');
    await client.query(
      `DROP VIEW pg_extension; CREATE VIEW pg_extension AS SELECT 'citus'::text AS extname, '12.1-1'::text AS extversion`,
    );
    expect(await missing()).toContain('Citus 12.1-1 is too old. Upgrade it to 13 or newer');
  });
});

describe('calls on the stand-in', () => {
  const workspace = scratch();
  let fresh: TestDatabase;
  let url: string;
  beforeAll(async () => {
    fresh = await freshDatabase('empty');
    await runJson(['admin', 'postgres', 'migrate', '--db', fresh.url, '--key-file', join(workspace.directory, 'k')]);
    await installStandIn(fresh.url);
    url = standInUrl(fresh.url);
    const report = await runJson(['admin', 'postgres', 'distribute', '--db', url]);
    expect(report.distributed.length).toBeGreaterThan(30);
  });
  afterAll(async () => {
    await fresh?.drop();
    workspace.remove();
  });

  test('set the org by SET LOCAL, plan with arguments, and route every statement', async () => {
    const keyPath = join(workspace.directory, 'k');
    const admin = ['--db', url, '--key-file', keyPath];
    await runJson(['admin', 'org', 'create', 'ACME', ...admin]);
    const { api_key } = await runJson(['admin', 'key', 'create', 'ACME', '--owner', ...admin]);
    const store = await openPostgresStore({ url, keyPath, ...ENGINE_OPTIONS });
    onTestFinished(() => store.close());
    const statements = watchStatements(store.driver);
    await callEveryOperation(store, { 'x-orgcode': 'ACME', 'x-api-key': api_key, ...CONTEXT_HEADERS });
    const verification = await store.driver.read(() => verifyStore(store.keys, store.driver), { isLong: true });
    expect(verification).toMatchObject({ orgs: 1, disagreements: [] });
    expect([...statements.keys()].filter((text) => /^WITH added/.test(text))).toEqual([]);
    expect([...statements.keys()].some((text) => /^INSERT INTO customer_word .* VALUES/s.test(text))).toBe(true);
    await requireOrgFirstPlans(statements);
    expect(await queryAt(url, 'SELECT 1 FROM customer')).toEqual([]);
  });
});
