/**
 * The order of ledgers and of the journal is that of the commits, with two servers on one file whose clocks differ by
 * an hour, and with a clock that was wrong once. Older files are numbered when they are opened.
 */
import Database from 'better-sqlite3';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { housekeep } from '../../src/store/housekeeping.js';
import { openStore, type SqliteStore } from '../../src/store/store.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { type Data, errorOf, newCustomer, ok, openWorld, pathsOf, type World } from '../support/world.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let now = Date.parse('2026-06-01T08:00:00Z');
let world: World;
/** Another server on the same file, an hour ahead. */
let ahead: World;
let second: SqliteStore;

const storeOn = (path: string, clock: () => number): SqliteStore =>
  openStore({
    path,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: (error) => {
      throw error;
    },
    clock,
    monotonic: clock,
  });

beforeAll(async () => {
  world = await openWorld({ clock: () => now });
  const clock = () => now + HOUR;
  second = storeOn(world.path, clock);
  ahead = { ...world, detour: undefined, application: createApplication(second, pino({ enabled: false }), { clock }) };
});
afterAll(async () => {
  expect((await world.verify()).disagreements).toEqual([]);
  await second.close();
  await world.close();
});

/** The server that takes the call with this number: they alternate. */
const server = (index: number): World => (index % 2 === 0 ? world : ahead);

/** Runs calls one after another, each on the next server, a second apart. */
async function alternate<T>(count: number, act: (on: World, index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let index = 0; index < count; index += 1) {
    results.push(await act(server(index), index));
    now += 1000;
  }
  return results;
}

const earnOn = (on: World, customer_id: string, points: number) => ok(on, 'crm_loyalty_earn', { customer_id, points });

async function pages(tool: string, args: object, between: () => Promise<unknown>): Promise<Data[]> {
  const items: Data[] = [];
  let next_token: string | null = null;
  do {
    const page: Data = await ok(world, tool, { ...args, limit: 3, ...(next_token === null ? {} : { next_token }) });
    items.push(...page.items);
    next_token = page.next_token;
    await between();
  } while (next_token !== null);
  return items;
}

describe('with two servers whose clocks differ by an hour', () => {
  test('a points ledger lists the entries as they were committed, and its times never run backwards', async () => {
    const customer_id = await newCustomer(world);
    const txns = await alternate(12, (on, index) =>
      index % 3 === 2 ? ok(on, 'crm_loyalty_redeem', { customer_id, points: 10 }) : earnOn(on, customer_id, 20 + index),
    );
    const { items } = await ok(world, 'crm_loyalty_ledger_list', { customer_id, limit: 100 });
    const listed = items.toReversed();
    expect(listed.map((item: Data) => item.loyalty_txn_id)).toEqual(txns.map((txn) => txn.loyalty_txn_id));
    const times: string[] = listed.map((item: Data) => item.created_at);
    expect(times).toEqual(times.toSorted());
    const upTo = await ok(world, 'crm_loyalty_ledger_list', { customer_id, to: times[6], limit: 100 });
    expect(upTo.items.length).toBe(times.filter((time) => time <= String(times[6])).length);
  });

  test('a gift card and the credit of an account list and verify in that order, too', async () => {
    const card = await ok(ahead, 'crm_giftcard_issue', { amount: 100, currency: 'USD', reason: 'gift' });
    await alternate(6, (on) =>
      ok(on, 'crm_giftcard_redeem', { giftcard_id: card.giftcard_id, amount: 5, currency: 'USD' }),
    );
    const { transactions } = await ok(world, 'crm_giftcard_get', { giftcard_id: card.giftcard_id });
    expect(transactions.map((txn: Data) => txn.balance_after)).toEqual([70, 75, 80, 85, 90, 95, 100]);

    const account = { legal_name: 'Tide Ltd', status: 'active', currency: 'USD', credit_limit: 100 };
    const { account_id } = await ok(world, 'crm_account_create', { account });
    const moved = { account_id, currency: 'USD', reason: 'order' };
    await alternate(6, (on, index) =>
      ok(on, `crm_account_credit_${index % 3 === 2 ? 'release' : 'consume'}`, { ...moved, amount: 10 }),
    );
    expect((await world.verify()).disagreements).toEqual([]);
  });

  test('no page skips an entry or a record that existed when paging began', async () => {
    const customer_id = await newCustomer(world);
    const before = await alternate(9, (on) => earnOn(on, customer_id, 5));
    const entries = await pages('crm_loyalty_ledger_list', { customer_id }, () =>
      alternate(2, (on) => earnOn(on, customer_id, 1)),
    );
    const shown = entries.map((entry) => entry.loyalty_txn_id);
    expect(shown).toEqual(before.map((txn) => txn.loyalty_txn_id).toReversed());

    const tag = 'paged';
    const customers = await alternate(9, (on) => newCustomer(on, { tags: [tag] }));
    const listed = await pages('crm_customer_list', { tag }, () =>
      alternate(2, (on) => newCustomer(on, { tags: [tag] })),
    );
    const ids = listed.map((customer) => customer.customer_id);
    expect(ids).toEqual(expect.arrayContaining(customers));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('both seal the journal, and the chain is that of the commits', async () => {
    const customer_id = await newCustomer(world);
    for (let round = 0; round < 3; round += 1) {
      await alternate(4, (on) => earnOn(on, customer_id, 1));
      for (const store of round % 2 === 0 ? [world.sqlite, second] : [second, world.sqlite]) await sealNow(store);
    }
    const { disagreements, unsealed_rows } = await world.verify();
    expect({ disagreements, unsealed_rows }).toEqual({ disagreements: [], unsealed_rows: 0 });
  });

  test('one judges expiry by the time of the ledger: what expired on one server is not spent on the other', async () => {
    const customer_id = await newCustomer(world);
    const expires_at = new Date(now + HOUR / 2).toISOString();
    const args = { customer_id, points: 50, expires_at, reason: 'promotion' };
    await ok(world, 'crm_loyalty_adjust', args);
    await earnOn(ahead, customer_id, 7);
    const { loyalty } = await ok(world, 'crm_customer_get', { customer_id });
    expect(loyalty).toMatchObject({ points_balance: 7, points_available: 7, points_pending_expiry: [] });
    expect(pathsOf(await errorOf(world, 'crm_loyalty_adjust', { ...args, points: 1 }))).toEqual(['expires_at']);
    expect((await errorOf(world, 'crm_loyalty_redeem', { customer_id, points: 8 })).details).toMatchObject({
      available: 7,
    });
  });
});

describe('a clock that was a day and more ahead, and came back', () => {
  test('leaves no ledger out of order, and calls get the right time again', async () => {
    const customer_id = await newCustomer(world);
    await earnOn(world, customer_id, 5);
    now += 30 * DAY;
    await earnOn(world, customer_id, 100);
    now -= 30 * DAY;
    for (const points of [10, 20, 30]) await ok(world, 'crm_loyalty_redeem', { customer_id, points });
    const { items } = await ok(world, 'crm_loyalty_ledger_list', { customer_id });
    expect(items.map((item: Data) => item.balance_after)).toEqual([45, 75, 95, 105, 5]);
    const other = await ok(world, 'crm_customer_create', { customer: { caption: 'After' } });
    expect(other.created_at).toBe(new Date(now).toISOString());
  });
});

describe('a file from before the sequence', () => {
  /** The ledgers as an older version would have left them: without `seq`, and without triggers in the way. */
  function older(path: string): Database.Database {
    const db = new Database(path);
    db.exec(`DELETE FROM schema_migration WHERE version >= 3; DROP TABLE derived_data; DROP TABLE oauth_org;
      DROP TRIGGER loyalty_txn_by_month; DROP TRIGGER loyalty_txn_expiring; DROP TABLE loyalty_month;
      DROP INDEX certificate_expiring;
      ${['api_key expires_at', 'api_key last_used_at', 'api_key created_by', 'session revoked_at', 'session created_by']
        .map((column) => `ALTER TABLE ${column.replace(' ', ' DROP COLUMN ')};`)
        .join('')}
      DROP INDEX loyalty_txn_by_seq; DROP INDEX giftcard_txn_by_seq; DROP INDEX account_credit_txn_by_seq;
      CREATE INDEX loyalty_txn_by_customer ON loyalty_txn (orgcode, customer_id, loyalty_txn_id);
      ${['loyalty_txn', 'giftcard_txn', 'account_credit_txn'].map((table) => `ALTER TABLE ${table} DROP COLUMN seq;`).join('')}
      ${['loyalty_account', 'giftcard', 'account']
        .map((table) => `ALTER TABLE ${table} DROP COLUMN last_seq; ALTER TABLE ${table} DROP COLUMN last_entry_at;`)
        .join('')}`);
    return db;
  }

  const COLUMNS = 'orgcode, loyalty_txn_id AS id, seq FROM loyalty_txn';
  const ORDER = `SELECT ${COLUMNS} UNION SELECT orgcode, giftcard_txn_id, seq FROM giftcard_txn
    UNION SELECT orgcode, credit_txn_id, seq FROM account_credit_txn ORDER BY 1, 2`;

  async function snapshot(): Promise<string> {
    const path = `${world.path}.older-${Math.random()}`;
    const db = new Database(world.path);
    await db.backup(path);
    db.close();
    return path;
  }

  async function reopened(path: string) {
    const store = openStore({
      path,
      keyPath: `${world.path}.key`,
      roles: CONTRACT.roles,
      settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
      onBackgroundError: () => {},
    });
    const { disagreements } = store.driver.read(() => verifyStore(store.keys));
    await store.close();
    const db = new Database(path, { readonly: true });
    const order = db.prepare(ORDER).all();
    db.close();
    return { disagreements, order };
  }

  test('gets the order of the commits from the journal and the balances', async () => {
    const path = await snapshot();
    const db = older(path);
    db.close();
    const reader = new Database(world.path, { readonly: true });
    const order = reader.prepare(ORDER).all();
    reader.close();
    expect(await reopened(path)).toEqual({ disagreements: [], order });
  });

  test.each([
    [
      'points',
      'UPDATE loyalty_txn SET balance_after = balance_after + 1 WHERE points = 24',
      'loyalty_txn.balance_after',
    ],
    ['a gift card', 'UPDATE giftcard_txn SET balance_after_minor = 1', 'giftcard_txn.balance_after'],
    ['credit', 'UPDATE account_credit_txn SET used_after_minor = 5', 'account_credit_txn.used_after'],
  ])('stays red where the sums of %s really disagree', async (_what, sql, check) => {
    const path = await snapshot();
    const db = new Database(path);
    for (const table of ['loyalty_txn', 'giftcard_txn', 'account_credit_txn']) {
      db.exec(`DROP TRIGGER ${table}_no_update`);
    }
    db.exec(sql);
    for (const table of ['loyalty_txn', 'giftcard_txn', 'account_credit_txn']) {
      db.exec(`CREATE TRIGGER ${table}_no_update BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, 'x'); END`);
    }
    db.close();
    older(path).close();
    const { disagreements } = await reopened(path);
    expect(disagreements.map((found) => found.check)).toContain(check);
  });
});

/** Seals what this store has not sealed yet, as its timer does. */
async function sealNow(store: SqliteStore): Promise<void> {
  const time = new Date(now).toISOString();
  await store.driver.write({
    steps: () => housekeep('ACME', store.keys, store.driver.dialect, { now: time, retentionNow: time }),
  });
}
