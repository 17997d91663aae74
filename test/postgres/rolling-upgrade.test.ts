/** Tests that servers of two versions serve one database side by side while an upgrade replaces them one by one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Load } from '../../soak/failover/load.js';
import { createFailoverOrg, openFailoverStore } from '../../soak/failover/store-server.js';
import { POSTGRES_MIGRATIONS, type PostgresMigration } from '../../src/store/postgres/migrations/migrate-postgres.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';

const OURS = POSTGRES_MIGRATIONS.length;
/** Adds to tables that are being read and written, as the first half of a change does. */
const EXPANDING: PostgresMigration = {
  version: OURS + 1,
  name: 'expanding',
  oldestServer: OURS,
  script: `ALTER TABLE customer ADD COLUMN nickname TEXT COLLATE "C";
    ALTER TABLE loyalty_txn ADD COLUMN till TEXT COLLATE "C" NOT NULL DEFAULT '';
    CREATE INDEX customer_nickname ON customer (orgcode, nickname);`,
};
/** Removes what the older version needs, as the second half does. */
const CONTRACTING: PostgresMigration = {
  version: OURS + 2,
  name: 'contracting',
  oldestServer: OURS + 1,
  script: 'ALTER TABLE customer DROP COLUMN nickname',
};
const NEXT = [...POSTGRES_MIGRATIONS, EXPANDING];
const LOAD_MS = 700;

let database: TestDatabase;
let directory: string;
beforeEach(async () => {
  database = await freshDatabase();
  directory = mkdtempSync(join(tmpdir(), 'g3n-upgrade-'));
});
afterEach(async () => {
  await database.drop();
  rmSync(directory, { recursive: true });
});

const open = (migrations = POSTGRES_MIGRATIONS) =>
  openFailoverStore(`${database.url}?pool_size=4`, join(directory, 'crm.key'), migrations);

test('a new version opens while the old one serves, both write, and the old one closes: no call fails', async () => {
  const old = await open();
  const load = new Load([old], await createFailoverOrg(old), 1);
  await load.start({ keyed: 6, unkeyed: 2 });
  await sleep(LOAD_MS);
  const next = await open(NEXT);
  load.add(next);
  await sleep(LOAD_MS);
  load.remove(old);
  await sleep(LOAD_MS);
  await old.close();
  const { faults, figures, unkeyed } = await load.finish();
  await next.close();
  expect(faults).toEqual([]);
  expect([figures.busy, unkeyed.unknown, unkeyed.unwritten]).toEqual([0, 0, 0]);
});

test('the old version still opens on the expanded schema, and no longer on a contracted one', async () => {
  await (await open(NEXT)).close();
  await (await open()).close();
  await (await open([...NEXT, CONTRACTING])).close();
  await expect(open()).rejects.toThrow(`the database is of schema ${OURS + 2}`);
});

test('calls go on while a migration waits for a long transaction', async () => {
  const old = await open();
  const long = new pg.Client(database.adminUrl);
  await long.connect();
  await long.query('BEGIN; SELECT count(*) FROM customer');
  let isMigrated = false;
  const opening = open(NEXT).then((store) => {
    isMigrated = true;
    return store;
  });
  const load = new Load([old], await createFailoverOrg(old), 1);
  await load.start({ keyed: 4, unkeyed: 2 });
  expect(isMigrated).toBe(false);
  await long.query('COMMIT');
  const next = await opening;
  const { faults } = await load.finish();
  expect(faults).toEqual([]);
  await long.end();
  await Promise.all([old.close(), next.close()]);
});
