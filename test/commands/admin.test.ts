/** The `admin` commands on SQLite, in the process of the test, beside a server on the same file. */
import { afterAll, beforeAll, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { openStore, type SqliteStore } from '../../src/store/store.js';
import { commandJson } from '../support/admin.js';
import { manageUsers } from '../support/admin-scenario.js';
import { scratch } from '../support/program.js';

const workspace = scratch();
const { db } = workspace;
const admin = (...args: string[]) => commandJson(['admin', ...args, '--db', db]);
let server: SqliteStore;
beforeAll(async () => {
  await admin('org', 'create', 'FIRST');
  await admin('org', 'create', 'SECOND');
  server = openStore({
    path: db,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: (error) => console.error(error),
  });
});
afterAll(async () => {
  await server?.close();
  workspace.remove();
});

test('users, sessions and orgs are managed, at once for the server', () => manageUsers(admin, server));
