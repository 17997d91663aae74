/** Several servers on one PostgreSQL database: the leader dies, tokens are spent once, limits are shared. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type AdminContext, createKey, createOrg } from '../../src/store/administration.js';
import { createRateLimitTable } from '../../src/store/postgres/rate-limit-table.js';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres-store.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { countsInTable, createSharedBudget, type SharedCounts } from '../../src/transport/shared-budget.js';
import { openConfirming } from '../support/confirming.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import { scratch } from '../support/program.js';
import type { World } from '../support/world.js';

const workspace = scratch();
let database: TestDatabase;
let stores: readonly [PostgresStore, PostgresStore];
let servers: readonly ReturnType<typeof openConfirming>[];

beforeAll(async () => {
  database = await freshDatabase();
  const open = () =>
    openPostgresStore({
      url: database.url,
      keyPath: `${workspace.directory}/crm.key`,
      roles: CONTRACT.roles,
      settings: { defaultRegion: 'US', uniqueCustomerFields: [] },
      onBackgroundError: () => {}, // a test ends the leader's connection
    });
  stores = await Promise.all([open(), open()]);
  const [{ driver, keys }] = stores;
  const cx: AdminContext = { keys, now: new Date().toISOString(), newId: () => randomBytes(16).toString('hex') };
  await driver.write({ steps: () => createOrg(cx, 'ACME', 'verified') });
  const made = await driver.write({ steps: () => createKey(cx, 'ACME', 'test', { owner: true, roles: [] }) });
  const headers = { 'x-orgcode': 'ACME', 'x-api-key': made.api_key, 'x-logical-guid': 's', 'x-channel-code': 'pos' };
  servers = stores.map((store) => {
    const application = createApplication(store, pino({ level: 'silent' }));
    return openConfirming({ application, store, headers: async () => headers } as unknown as World, 'all');
  });
});
afterAll(async () => {
  await Promise.all((stores ?? []).map((store) => store.close()));
  await database?.drop();
  workspace.remove();
});

test('two servers that start at once with a new database agree on one key', () => {
  expect(stores[0].keys.mac('key-check')).toBe(stores[1].keys.mac('key-check'));
});

test('a confirmation token is spent once, though both servers get it at the same time', async () => {
  const [one, other] = servers as [ReturnType<typeof openConfirming>, ReturnType<typeof openConfirming>];
  const { customer_id } = await one.confirmed('crm_customer_create', { customer: { caption: 'Anna' } });
  const args = { customer_id, points: 5, reason: 'test' };
  const { confirm_token } = await one.confirmationRequired('crm_loyalty_adjust', args);
  const both = [one, other, one, other].map((server) =>
    server.parsed('crm_loyalty_adjust', { ...args, confirm_token }),
  );
  const answers = await Promise.all(both);
  expect(answers.filter(({ success }) => success).length).toBeGreaterThan(0);
  const { data } = await other.parsed('crm_loyalty_ledger_list', { customer_id });
  expect(data.items).toMatchObject([{ points: 5 }]);
});

test('one server leads; when its connection dies, the other seals, and the chain stays whole', async () => {
  const [{ driver: leader }, { driver: follower, keys }] = stores;
  let release: (() => void) | undefined;
  let leading: Promise<unknown> | undefined;
  while (release === undefined) {
    leading = leader.lead(() => new Promise<void>((resolve) => (release = resolve))).catch((error: unknown) => error);
    await sleep(50); // the stores' own rounds lead now and then
  }
  let isFollowerLeading = false;
  const follow = () =>
    follower.lead(async () => {
      isFollowerLeading = true;
    });
  await follow();
  expect(isFollowerLeading).toBe(false);
  await servers[1]?.confirmed('crm_customer_create', { customer: { caption: 'Ben' } });
  const unsealed = () => queryAt(database.adminUrl, 'SELECT 1 FROM journal WHERE journal_no IS NULL');
  expect((await unsealed()).length).toBeGreaterThan(0);
  const end = `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  expect((await queryAt(database.adminUrl, end)).length).toBe(1);
  while ((await unsealed()).length > 0) await sleep(100);
  release();
  expect(await leading).toBeInstanceOf(Error);
  const verification = await follower.read(() => verifyStore(keys, follower), { isLong: true });
  expect(verification).toMatchObject({ unsealed_rows: 0, disagreements: [] });
  expect(verification.journal_rows).toBeGreaterThan(2);
});

test('what has expired in an org that nobody changes is forgotten, too; what has not is kept', async () => {
  const [{ driver, keys }] = stores;
  const cx: AdminContext = { keys, now: new Date().toISOString(), newId: () => randomBytes(16).toString('hex') };
  await driver.write({ steps: () => createOrg(cx, 'QUIET', 'verified') });
  const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  const record = (key: string, hours: number) =>
    `('QUIET', 'a', '/crm/x', '${key}', 'mac', '{}', '${at(hours)}', NULL)`;
  await queryAt(database.adminUrl, `INSERT INTO receipt VALUES ${record('expired', -1)}, ${record('valid', 23)}`);
  await queryAt(database.adminUrl, `INSERT INTO giftcard_failure VALUES ('QUIET', 's', 'old', '${at(-24 * 30)}')`);
  const left = async () => [
    ...(await queryAt(database.adminUrl, `SELECT idempotency_key AS name FROM receipt WHERE orgcode = 'QUIET'`)),
    ...(await queryAt(database.adminUrl, `SELECT failure_id AS name FROM giftcard_failure WHERE orgcode = 'QUIET'`)),
  ];
  while ((await left()).length > 1) await sleep(100);
  expect(await left()).toEqual([{ name: 'valid' }]);
});

test('a shared limit allows what was asked for, over both servers', async () => {
  const [one, other] = stores.map(({ driver }) =>
    createSharedBudget(20, 'exact', countsInTable(createRateLimitTable(driver))),
  );
  const waits: number[] = [];
  for (let n = 0; n < 30; n += 1) waits.push((await (n % 2 === 0 ? one : other)?.spend('caller')) ?? 0);
  expect(waits.filter((wait) => wait === 0)).toHaveLength(20);
  expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
  expect(await one?.spend('another')).toBe(0);
});

test('a large limit is counted in blocks, and without the table each server counts for itself', async () => {
  let asked = 0;
  const broken: SharedCounts = {
    query: async () => {
      asked += 1;
      throw new Error('unreachable');
    },
  };
  const budget = createSharedBudget(1000, 'blocks', countsInTable(broken));
  const waits: number[] = [];
  for (let n = 0; n < 1010; n += 1) waits.push(await budget.spend('caller'));
  expect(waits.filter((wait) => wait === 0)).toHaveLength(1000);
  expect(asked).toBe(1);
  const exact = createSharedBudget(3, 'exact', countsInTable(broken));
  expect([await exact.spend('a'), await exact.spend('a'), await exact.spend('a')]).toEqual([0, 0, 0]);
  expect(await exact.spend('a')).toBeGreaterThan(0);
});
