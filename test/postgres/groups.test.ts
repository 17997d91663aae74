/** Groups of databases: each org is served by its own, and by no other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkGroups } from '../../src/doctor/check-postgres.js';
import type { Finding } from '../../src/doctor/finding.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { createKey, createOrg } from '../../src/store/administration.js';
import {
  administerAtHome,
  createOrgInGroup,
  createSessionEverywhere,
} from '../../src/store/groups/group-administration.js';
import type { GroupedStore } from '../../src/store/groups/grouped-store.js';
import { addGroup, listGroups, makeFirstGroup } from '../../src/store/groups/make-groups.js';
import { verifyGroups } from '../../src/store/groups/verify-groups.js';
import { POSTGRES_MIGRATIONS } from '../../src/store/postgres/migrations/migrate-postgres.js';
import { openPostgresStore } from '../../src/store/postgres-store.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { freshDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import {
  adminContext,
  type Caller,
  callerOf,
  createGroupOrg,
  type TestGroups,
  testGroups,
} from '../support/postgres-groups.js';
import { scratch } from '../support/program.js';

let groups: TestGroups;
let store: GroupedStore;
let send: Caller;
let alpha: Headers;
let beta: Headers;

beforeAll(async () => {
  groups = await testGroups();
  store = await groups.open();
  send = callerOf(store);
  alpha = await createGroupOrg(store, 'ALPHA', 'a');
  beta = await createGroupOrg(store, 'BETA', 'b');
});
afterAll(() => groups?.end());

const customer = (caption: string) => ({ customer: { caption }, idempotency_key: `create ${caption}` });
const failure = (code: string) => ({ success: false, error: { error_code: code } });
const MOVING = {
  success: false,
  error: {
    error_code: 'crm.storage_unavailable',
    retryable: true,
    major: { message: { en_US: 'The data of this org are being moved to another database.' } },
  },
};
/** Sets the state of an org's home, as no program does. */
const setState = (url: string, orgcode: string, state: string) =>
  queryAt(url, `UPDATE org_home SET state = '${state}' WHERE orgcode = '${orgcode}'`);

test('doctor checks every group', async () => {
  const workspace = scratch();
  const file = join(workspace.directory, 'groups.json');
  writeFileSync(file, JSON.stringify({ b: groups.b.url }));
  const verdicts = (findings: readonly Finding[]) => findings.map(({ check, verdict }) => `${check} ${verdict}`);
  expect(verdicts(await checkGroups(file, groups.keyPath))).toEqual(
    expect.arrayContaining(['b: database ok', 'b: schema ok', 'b: server key ok']),
  );
  expect(verdicts(await checkGroups(file, join(workspace.directory, 'other.key')))).toContain('b: server key fail');
  writeFileSync(file, '[]');
  expect(verdicts(await checkGroups(file, groups.keyPath))).toEqual(['groups fail']);
  workspace.remove();
});

describe('calls', () => {
  test('go to the group of the org, and to no other', async () => {
    expect(await send('/customer/create', customer('Anna'), alpha)).toMatchObject({ success: true });
    expect(await send('/customer/create', customer('Bert'), beta)).toMatchObject({ success: true });
    const captions = (url: string) => queryAt(url, 'SELECT orgcode, caption FROM customer');
    expect(await captions(groups.a.adminUrl)).toEqual([{ orgcode: 'ALPHA', caption: 'Anna' }]);
    expect(await captions(groups.b.adminUrl)).toEqual([{ orgcode: 'BETA', caption: 'Bert' }]);
    expect(await queryAt(groups.b.url, 'SELECT orgcode FROM org')).toEqual([{ orgcode: 'BETA' }]);
  });

  test('an org that was created by another server is found', async () => {
    const other = await groups.open();
    const gamma = await createGroupOrg(other, 'GAMMA', 'b');
    expect(await send('/customer/create', customer('Carl'), gamma)).toMatchObject({ success: true });
  });

  test('of an org that does not exist, or with the key of another, are refused', async () => {
    const codes = async (headers: Headers) => (await send('/customer/list', {}, headers)) as object;
    const unknown = failure('crm.credentials_invalid');
    expect(await codes({ ...beta, 'x-orgcode': 'NOBODY' })).toMatchObject(unknown);
    expect(await codes({ ...alpha, 'x-orgcode': 'NOBODY' })).toMatchObject(failure('crm.not_found'));
    expect(await codes({ ...alpha, 'x-orgcode': 'BETA' })).toMatchObject(unknown);
  });

  test('a session is good for the orgs of its user in every group', async () => {
    const cx = adminContext(store);
    const grant = { owner: true, roles: [] };
    const session = async (orgcode: string) =>
      createSessionEverywhere(store, cx, { orgcode, user: 'ulla', grant, ttlSeconds: 600 });
    await session('ALPHA');
    const { session_guid } = (await session('BETA')) as { session_guid: string };
    const { 'x-api-key': _, ...context } = alpha;
    for (const orgcode of ['ALPHA', 'BETA']) {
      const headers = { ...context, 'x-orgcode': orgcode, 'x-session-guid': session_guid };
      expect(await send('/customer/list', {}, headers)).toMatchObject({ success: true });
    }
    const headers = { ...context, 'x-orgcode': 'GAMMA', 'x-session-guid': session_guid };
    expect(await send('/customer/list', {}, headers)).toMatchObject(failure('crm.not_found'));
  });
});

describe('an org that is not at home', () => {
  const read = () => send('/customer/list', {}, beta);
  const create = (caption: string) => send('/customer/create', customer(caption), beta);

  test.each(['gone', 'arriving'])('%s: neither reads nor writes, and other orgs are served', async (state) => {
    const { data } = (await create(`Emma ${state}`)) as { data: { customer_id: string } };
    const readInOneStatement = () => send('/customer/get', { customer_id: data.customer_id }, beta);
    expect(await readInOneStatement()).toMatchObject({ success: true });
    await setState(groups.b.url, 'BETA', state);
    try {
      expect(await read()).toMatchObject(MOVING);
      expect(await readInOneStatement()).toMatchObject(MOVING);
      expect(await create('Egon')).toMatchObject(MOVING);
      expect(await send('/customer/create', customer(`Dora ${state}`), alpha)).toMatchObject({ success: true });
    } finally {
      await setState(groups.b.url, 'BETA', 'home');
    }
    expect(await create(`Emil ${state}`)).toMatchObject({ success: true });
  });

  test('leaving: reads, and does not write', async () => {
    await setState(groups.b.url, 'BETA', 'leaving');
    try {
      expect(await read()).toMatchObject({ success: true });
      expect(await create('Fred')).toMatchObject(MOVING);
    } finally {
      await setState(groups.b.url, 'BETA', 'home');
    }
    expect(await create('Fred')).toMatchObject({ success: true });
  });

  test('cannot be administered', async () => {
    await setState(groups.b.url, 'BETA', 'leaving');
    const cx = adminContext(store);
    const making = administerAtHome(store, 'BETA', () => createKey(cx, 'BETA', 'late', { owner: true, roles: [] }));
    await expect(making).rejects.toThrow('org BETA is being moved');
    await setState(groups.b.url, 'BETA', 'home');
  });

  test('a change that has begun keeps the org at home until it is committed', async () => {
    const { driver } = store.groups.get('b') as { driver: GroupedStore['driver'] };
    const order: string[] = [];
    let entered: (() => void) | undefined;
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const writing = driver.write({
      orgcode: 'BETA',
      *steps() {
        yield { sql: 'SELECT 1 AS x', args: [], mode: 'one' };
        entered?.();
        yield { sql: 'SELECT pg_sleep(0.3)', args: [], mode: 'one' };
        order.push('changed');
      },
    });
    await inside;
    const lock = `SELECT pg_advisory_xact_lock(hashtextextended('org_home BETA', 0))`;
    await Promise.all([writing, queryAt(groups.b.url, lock).then(() => order.push('locked'))]);
    expect(order).toEqual(['changed', 'locked']);
  });
});

describe('opening', () => {
  test('a server without groups refuses a group, and so does an older program', async () => {
    const alone = (url: string, migrations = POSTGRES_MIGRATIONS) =>
      openPostgresStore({ ...groups.options, url, migrations });
    for (const { url } of [groups.a, groups.b]) {
      await expect(alone(url)).rejects.toThrow('is one of several groups');
      await expect(alone(url, POSTGRES_MIGRATIONS.slice(0, 2))).rejects.toThrow('made by a newer g3n-crm-mcp');
    }
  });

  test('a wrong list of groups is refused', async () => {
    const { a, b } = groups;
    await expect(groups.open({ groups: new Map() })).rejects.toThrow('has no URL of the group b');
    await expect(groups.open({ groups: new Map([['b', a.url]]) })).rejects.toThrow(
      'group b: the database of group b is the group a',
    );
    const unknown = new Map([
      ['b', b.url],
      ['c', b.url],
    ]);
    await expect(groups.open({ groups: unknown })).rejects.toThrow('the group c, which is in no directory');
    await expect(groups.open({ url: b.url })).rejects.toThrow('which does not have the directory');
    const fresh = await freshDatabase();
    await expect(groups.open({ url: fresh.url })).rejects.toThrow('has no groups');
    await fresh.drop();
  });

  test('an org that two groups call theirs is refused', async () => {
    await queryAt(groups.b.url, `INSERT INTO org_home (orgcode, epoch, state) VALUES ('ALPHA', 1, 'home')`);
    await expect(groups.open()).rejects.toThrow('the org ALPHA is at home in two groups, a and b');
    await queryAt(groups.b.url, `DELETE FROM org_home WHERE orgcode = 'ALPHA'`);
  });
});

describe('making groups', () => {
  test('a database becomes the first group with its orgs, unless a server is connected', async () => {
    const { url, drop } = await freshDatabase();
    const options = { ...groups.options, url };
    const alone = await openPostgresStore(options);
    await alone.driver.write({ steps: () => createOrg(adminContext(alone), 'OLD', 'verified') });
    await expect(makeFirstGroup(options, 'x')).rejects.toThrow('servers are connected');
    await alone.close();
    expect(await makeFirstGroup(options, 'x')).toEqual({ group: 'x', orgs: 1 });
    await expect(makeFirstGroup(options, 'x')).rejects.toThrow('is the group x already');
    await drop();
  });

  test('only an empty database becomes another group; again is no harm', async () => {
    const { url, drop } = await freshDatabase();
    const alone = await openPostgresStore({ ...groups.options, url });
    await alone.driver.write({ steps: () => createOrg(adminContext(alone), 'OLD', 'verified') });
    await alone.close();
    await expect(addGroup(groups.options, 'c', url)).rejects.toThrow('has orgs or users');
    await expect(addGroup(groups.options, 'a', url)).rejects.toThrow('is the first one');
    await expect(addGroup(groups.options, 'c', groups.b.url)).rejects.toThrow('is the group b already');
    expect(await addGroup(groups.options, 'b', groups.b.url)).toEqual({ group: 'b', groups: ['a', 'b'] });
    await drop();
  });

  test('an org is created in one group, once', async () => {
    const cx = adminContext(store);
    const create = (group: string) => createOrgInGroup(store, cx, 'delta', 'verified', group);
    expect(await create('b')).toEqual({ orgcode: 'DELTA', status: 'verified', group: 'b' });
    await expect(create('b')).rejects.toThrow('org DELTA exists already');
    await expect(create('a')).rejects.toThrow('org DELTA exists already');
    await expect(create('z')).rejects.toThrow('there is no group z; there are a, b');
    expect(await store.driver.read(listGroups)).toMatchObject({ groups: [{ group: 'a' }, { group: 'b' }], moving: [] });
  });
});

test('verify reads every group, and finds an org that is not where the directory says', async () => {
  const verify = () =>
    verifyGroups(
      store,
      (driver) => driver.read(() => verifyStore(store.keys, driver), { isLong: true }),
      () => {},
    );
  expect(await verify()).toMatchObject({ orgs: 4, groups: { a: { orgs: 1 }, b: { orgs: 3 } }, disagreements: [] });
  await setState(groups.b.url, 'BETA', 'gone');
  expect((await verify()).disagreements).toEqual([
    { check: 'home of the org', orgcode: 'BETA', id: 'b', stored: 'gone', computed: 'home' },
  ]);
  await setState(groups.b.url, 'BETA', 'home');
});

test('readiness names the group that does not serve; the others go on', async () => {
  const other = await groups.open();
  expect(await other.isReady()).toBe(true);
  await other.groups.get('b')?.close();
  expect(await other.isReady()).toMatch(/^group b: the database does not answer/);
  expect(await callerOf(other)('/customer/list', {}, alpha)).toMatchObject({ success: true });
  await other.groups.get('a')?.close();
  await expect(other.isReady()).rejects.toThrow('group a: ');
});
