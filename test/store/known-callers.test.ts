/** Callers who are remembered until anything changes: whoever loses access loses it at once, in every process. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Credentials, Stamp } from '../../src/contract/backend.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createIdMint } from '../../src/ids.js';
import { createKey, createSession, revokeKey } from '../../src/store/administration.js';
import { openStore, type SqliteStore } from '../../src/store/store.js';
import { openWorld, type World } from '../support/world.js';

let world: World;
/** Another process on the same file. */
let other: SqliteStore;
let lookUps = 0;
beforeAll(async () => {
  world = await openWorld({ engine: 'sqlite' });
  other = openStore({
    path: world.path,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: (error) => {
      throw error;
    },
  });
  const { driver } = world.store;
  const read = driver.read.bind(driver);
  Object.assign(driver, {
    read: (...args: Parameters<typeof read>) => {
      if (args[1] !== undefined && 'secret' in args[1]) lookUps += 1;
      return read(...args);
    },
  });
});
afterAll(async () => {
  await other.close();
  await world.close();
});
beforeEach(() => {
  lookUps = 0;
});

const stampAt = (epoch_ms = Date.now()): Stamp => ({
  request_id: 'request',
  trace_id: 'trace',
  epoch_ms,
  now: new Date(epoch_ms).toISOString(),
});
const identify = (credentials: Credentials, at?: number) => world.store.identify(credentials, stampAt(at));

async function newKey(grant: { owner: boolean; roles: readonly string[] } = { owner: false, roles: ['crm_view'] }) {
  const made = await world.admin((cx) => createKey(cx, 'ACME', `key ${Math.random()}`, grant));
  const credentials: Credentials = { orgcode: 'ACME', kind: 'api_key', secret: made.api_key };
  return { ...made, credentials };
}

/** What another process does to the database. */
const elsewhere = (sql: string, ...args: string[]) =>
  other.driver.write({
    steps: function* () {
      yield { sql, args, mode: 'run' };
    },
  });

test('a caller is looked up once as long as nothing changes', async () => {
  const { credentials } = await newKey();
  const first = await identify(credentials);
  const again = await identify(credentials);
  expect(again).toEqual(first);
  expect(lookUps).toBe(1);
});

test('any change of any process makes callers be looked up again', async () => {
  const { credentials } = await newKey();
  await identify(credentials);
  await elsewhere('UPDATE org SET updated_at = ? WHERE orgcode = ?', 'then', 'ACME');
  await identify(credentials);
  await world.admin(function* () {
    yield { sql: 'UPDATE org SET updated_at = ? WHERE orgcode = ?', args: ['now', 'ACME'], mode: 'run' };
  });
  await identify(credentials);
  expect(lookUps).toBe(3);
});

test('a key that another process revokes is rejected by the next call', async () => {
  const { credentials, fingerprint } = await newKey();
  await identify(credentials);
  const mint = createIdMint();
  const cx = { keys: other.keys, now: new Date().toISOString(), newId: () => mint(Date.now()) };
  await other.driver.write({ steps: () => revokeKey(cx, fingerprint) });
  await expect(identify(credentials)).rejects.toMatchObject({ code: 'crm.credentials_invalid' });
});

test('roles and the state of the org are those of now', async () => {
  const { credentials } = await newKey();
  expect(await identify(credentials)).toMatchObject({ roles: ['crm_view'], org_status: 'verified' });
  await elsewhere(
    `UPDATE membership SET roles = '["crm_manage"]' WHERE orgcode = ? AND roles = '["crm_view"]'`,
    'ACME',
  );
  expect(await identify(credentials)).toMatchObject({ roles: ['crm_manage'] });
  await elsewhere(`UPDATE org SET status = 'suspended' WHERE orgcode = ?`, 'ACME');
  expect(await identify(credentials)).toMatchObject({ org_status: 'suspended' });
  await elsewhere(`UPDATE org SET status = 'verified' WHERE orgcode = ?`, 'ACME');
});

test('what expires by time expires while it is remembered', async () => {
  const grant = { owner: true, roles: [] };
  const session = await world.admin((cx) => createSession(cx, 'ACME', 'ann', grant, 60));
  const credentials: Credentials = { orgcode: 'ACME', kind: 'session', secret: session.session_guid };
  const now = Date.now();
  await identify(credentials, now);
  await identify(credentials, now + 1000);
  expect(lookUps).toBe(1);
  await expect(identify(credentials, now + 3_600_000)).rejects.toMatchObject({ code: 'crm.credentials_invalid' });
});

test('a remembered credential is of one org, and one that fails is not remembered', async () => {
  const { credentials } = await newKey();
  await identify(credentials);
  await expect(identify({ ...credentials, orgcode: 'OTHER' })).rejects.toMatchObject({ code: 'crm.not_found' });
  await expect(identify({ ...credentials, orgcode: 'OTHER' })).rejects.toMatchObject({ code: 'crm.not_found' });
  expect(lookUps).toBe(3);
});

test('reads of one turn share a snapshot, and see a change as soon as it is made', async () => {
  const { driver } = world.sqlite;
  const count = () =>
    driver.read(function* () {
      const sql = 'SELECT COUNT(*) AS n FROM customer_tag WHERE orgcode = ? AND tag = ?';
      return (yield { sql, args: ['ACME', 'a'], mode: 'one' }) as { n: number };
    }).n;
  expect(count()).toBe(0);
  const writing = elsewhere('INSERT INTO customer_tag (orgcode, tag, customer_id) VALUES (?, ?, ?)', 'ACME', 'a', 'b');
  expect(count()).toBe(0);
  await writing;
  expect(count()).toBe(1);
  driver.script('DELETE FROM customer_tag');
  expect(count()).toBe(0);
});
