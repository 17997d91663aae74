/** The `admin` commands on PostgreSQL and on groups of its databases. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GroupedStore } from '../../src/store/groups/grouped-store.js';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres-store.js';
import { commandJson, commandText } from '../support/admin.js';
import { type Admin, manageUsers, pruneOld, readJournal } from '../support/admin-scenario.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import { callerOf, type TestGroups, testGroups } from '../support/postgres-groups.js';
import { scratch } from '../support/program.js';

/** The org of the other tests is no part of the scenario's list. */
function withoutAcme(admin: Admin): Admin {
  return async (...args) => {
    const printed = await admin(...args);
    if (!Array.isArray(printed.orgs)) return printed;
    return { ...printed, orgs: printed.orgs.filter(({ orgcode }: { orgcode: string }) => orgcode !== 'ACME') };
  };
}

const CREATE = ['key', 'create', 'ACME'];

describe('on one database', () => {
  const workspace = scratch();
  const keyPath = join(workspace.directory, 'crm.key');
  let database: TestDatabase;
  /** A server, in this process. It only reads: one that writes would delete the old records that prune shall find. */
  let server: PostgresStore;
  beforeAll(async () => {
    writeFileSync(keyPath, randomBytes(32).toString('hex'), { mode: 0o600 });
    database = await freshDatabase();
    await admin('org', 'create', 'ACME');
    server = await open(true);
  });
  afterAll(async () => {
    await server?.close();
    await database?.drop();
    workspace.remove();
  });
  const open = (readOnly = false) =>
    openPostgresStore({
      readOnly,
      url: `${database.url}?pool_size=2`,
      keyPath,
      roles: {},
      settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
      onBackgroundError: (error) => console.error(error),
    });
  const admin = (...args: string[]) => commandJson(['admin', ...args, '--db', database.url, '--key-file', keyPath]);
  const text = (...args: string[]) => commandText(['admin', ...args, '--db', database.url, '--key-file', keyPath]);
  const call = (apiKey: string, store = server) =>
    callerOf(store)('/customer/list', {}, { 'x-orgcode': 'ACME', 'x-api-key': apiKey });
  const INVALID = { success: false, error: { error_code: 'crm.credentials_invalid' } };

  test('a key is listed, rotated and revoked, at once for the servers', async () => {
    const old = await admin(...CREATE, '--roles', 'crm_view', '--expires', '4w');
    expect(await call(old.api_key)).toMatchObject({ success: true });
    const made = await admin('key', 'rotate', old.fingerprint);
    expect(await call(old.api_key)).toMatchObject(INVALID);
    expect(await call(made.api_key)).toMatchObject({ success: true });
    await admin('key', 'revoke', made.fingerprint);
    expect(await call(made.api_key)).toMatchObject(INVALID);
    const { keys } = await admin('key', 'list', '--org', 'ACME');
    const common = { roles: ['crm_view'], status: 'revoked', created_by: expect.stringMatching(/^operator:/) };
    expect(keys).toMatchObject([
      { fingerprint: made.fingerprint, ...common },
      { fingerprint: old.fingerprint, ...common },
    ]);
    expect(await admin('key', 'show', old.fingerprint)).toEqual(keys[1]);
  });

  test('users, sessions and orgs are managed, at once for the servers', async () => {
    await admin('org', 'create', 'FIRST');
    await admin('org', 'create', 'SECOND');
    const listed = (await admin('org', 'list')).orgs.filter(({ orgcode }: { orgcode: string }) => orgcode === 'ACME');
    expect(listed).toHaveLength(1);
    await manageUsers(withoutAcme(admin), server);
    await readJournal(text);
    await pruneOld(admin, text, (sql) => queryAt(database.adminUrl, sql));
  });

  test('migrate --check says what is due, with exit code 1', async () => {
    expect(await admin('migrate', '--check')).toEqual({ up_to_date: true, due: [] });
    const change = (sql: string) => queryAt(database.adminUrl, `UPDATE schema_migration SET ${sql}`);
    await change('version = 99, oldest_server = 99 WHERE version = 4');
    await expect(admin('migrate', '--check')).rejects.toThrow('of schema 99, made by a newer g3n-crm-mcp: upgrade');
    await change('oldest_server = 1 WHERE version = 99');
    expect(await admin('migrate', '--check')).toEqual({ up_to_date: false, due: ['4 credentials'] });
    await change('version = 4 WHERE version = 99');
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
  });

  test('the last use of a key is written when a server stops', async () => {
    const { api_key, fingerprint } = await admin(...CREATE, '--owner');
    const second = await open();
    await call(api_key, second);
    await second.close();
    const { last_used_at } = await admin('key', 'show', fingerprint);
    expect(Math.abs(new Date(last_used_at).getTime() - Date.now())).toBeLessThan(30_000);
  });
});

describe('on two groups', () => {
  let groups: TestGroups;
  let server: GroupedStore;
  let flags: readonly string[];
  beforeAll(async () => {
    groups = await testGroups();
    const file = join(groups.keyPath, '..', 'groups.json');
    writeFileSync(file, JSON.stringify({ b: groups.b.url }), { mode: 0o600 });
    flags = ['--db', groups.a.url, '--key-file', groups.keyPath, '--groups', file];
    await admin('org', 'create', 'ACME', '--group', 'a');
    await admin('org', 'create', 'BETA', '--group', 'b');
    server = await groups.open();
  });
  afterAll(() => groups?.end());
  const admin = (...args: string[]) => commandJson(['admin', ...args, ...flags]);
  const call = (orgcode: string, apiKey: string) =>
    callerOf(server)('/customer/list', {}, { 'x-orgcode': orgcode, 'x-api-key': apiKey });

  test('users and sessions are those of all groups', async () => {
    await admin('org', 'create', 'FIRST', '--group', 'a');
    await admin('org', 'create', 'SECOND', '--group', 'b');
    const ofBoth: Admin = async (...args) => {
      const printed = await admin(...args);
      if (!Array.isArray(printed.orgs)) return printed;
      const orgs = printed.orgs.filter(({ orgcode }: { orgcode: string }) => !/ACME|BETA/.test(orgcode));
      return { ...printed, orgs };
    };
    await manageUsers(ofBoth, server);
    await readJournal((...args) => commandText(['admin', ...args, ...flags]));
    expect(await admin('org', 'show', 'SECOND')).toMatchObject({ group: 'b' });
  });

  test('keys of both are one list, in pages; a key is shown, rotated and revoked where it is', async () => {
    const made = [];
    for (const orgcode of ['ACME', 'BETA', 'ACME', 'BETA']) {
      made.push(await admin('key', 'create', orgcode, '--roles', 'crm_view'));
    }
    const { keys } = await admin('key', 'list');
    expect(keys.slice(0, 4).map(({ orgcode }: { orgcode: string }) => orgcode)).toEqual([
      'BETA',
      'ACME',
      'BETA',
      'ACME',
    ]);
    const first = await admin('key', 'list', '--limit', '3');
    const rest = await admin('key', 'list', '--limit', '3', '--after', first.next);
    expect([...first.keys, ...rest.keys]).toEqual(keys);
    const [, old] = made;
    const replaced = await admin('key', 'rotate', old.fingerprint);
    expect(await call('BETA', old.api_key)).toMatchObject({ error: { error_code: 'crm.credentials_invalid' } });
    expect(await call('BETA', replaced.api_key)).toMatchObject({ success: true });
    await admin('key', 'revoke', replaced.fingerprint);
    expect(await call('BETA', replaced.api_key)).toMatchObject({ error: { error_code: 'crm.credentials_invalid' } });
    expect(await admin('key', 'show', replaced.fingerprint)).toMatchObject({ orgcode: 'BETA', status: 'revoked' });
  });
});
