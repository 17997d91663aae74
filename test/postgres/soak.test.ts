/** Tests on servers that are killed under load: the short form of `npm run soak:postgres`. Needs a build. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadHotCustomers } from '../../soak/postgres/hot-customers.js';
import { ledgerOrderFaults } from '../../soak/postgres/ledger-order.js';
import { recordOneBalance } from '../../soak/postgres/one-balance.js';
import { copyWithoutLocks, dropLedgerKeys } from '../../soak/postgres/planted-build.js';
import { finish, startServers } from '../../soak/postgres/servers.js';
import type { SoakDatabase } from '../../soak/postgres/soak-database.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import { scratch } from '../support/program.js';

const { directory, remove } = scratch();
let created: TestDatabase;
let database: SoakDatabase;

beforeEach(async () => {
  created = await freshDatabase('empty');
  database = { url: created.url, query: (sql) => queryAt(created.adminUrl, sql) };
});
afterEach(() => created.drop());
afterAll(remove);

describe('servers that are killed under load', { timeout: 240_000 }, () => {
  test('lose and repeat nothing, and answer about one balance as one server would', async () => {
    const servers = await startServers(database, { directory, servers: 2, killEveryMs: { least: 300, most: 500 } });
    const options = { callers: 12, kills: 1, calls: 150, seed: 1 };
    const load = await loadHotCustomers(servers, { ...options, records: { ledger: 3, mergeable: 4, accounts: 1 } });
    const history = await recordOneBalance(servers, options);
    await finish(servers, history);
    expect([...load.books.faults, ...history.books.faults]).toEqual([]);
    expect(servers.cluster.kills).toBeGreaterThanOrEqual(2);
    expect(load.figures.replayed).toBeGreaterThan(0);
    expect(load.books.entries.size).toBeGreaterThan(30);
    expect(history.recorded).toBeGreaterThanOrEqual(150);
  });

  test('are found out if they lose updates: a build that locks no rows, on tables without the keys that notice', async () => {
    const servers = await startServers(database, { directory, servers: 1, main: copyWithoutLocks(directory) });
    await dropLedgerKeys(database);
    const { books } = await recordOneBalance(servers, { callers: 12, kills: 0, calls: 80, seed: 1 });
    servers.cluster.killAll();
    expect(books.faults).toContainEqual({ check: 'history', what: expect.stringMatching(/ cannot leave /) });
    expect((await ledgerOrderFaults(database)).join('\n')).toMatch(/^loyalty_txn of \S+: (\d+) after \1,/m);
  });
});
