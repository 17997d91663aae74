/** Moving an org between groups: under load, against servers with an old map, and interrupted at every stage. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Load } from '../../soak/failover/load.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { setOrgStatus } from '../../src/store/administration.js';
import { forgetOrg } from '../../src/store/groups/forget-org.js';
import { administerAtHome } from '../../src/store/groups/group-administration.js';
import type { GroupedStore } from '../../src/store/groups/grouped-store.js';
import { abandonMove, type MoveStage, moveOrg } from '../../src/store/groups/move-org.js';
import { verifyGroups } from '../../src/store/groups/verify-groups.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { bundled } from '../support/bundled.js';
import { queryAt } from '../support/postgres-driver.js';
import {
  adminContext,
  type Caller,
  callerOf,
  createGroupOrg,
  type TestGroups,
  testGroups,
} from '../support/postgres-groups.js';

let groups: TestGroups;
let store: GroupedStore;
let send: Caller;
let headers: Headers;

beforeEach(async () => {
  groups = await testGroups();
  store = await groups.open();
  send = callerOf(store);
  headers = await createGroupOrg(store, 'ALPHA', 'a');
});
afterEach(() => groups?.end());

const move = (to: string, onStage?: (stage: MoveStage) => void | Promise<void>) =>
  moveOrg({ store, orgcode: 'ALPHA', to, onStep() {}, ...(onStage === undefined ? {} : { onStage }) });

async function expectClean(): Promise<void> {
  const verify = (driver: GroupedStore['driver']) =>
    driver.read(() => verifyStore(store.keys, driver), { isLong: true });
  const { disagreements } = await verifyGroups(
    store,
    (driver) => verify(driver as GroupedStore['driver']),
    () => {},
  );
  expect(disagreements).toEqual([]);
}

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of envelopes they do not type
async function done(path: string, body: object, using: Caller = send): Promise<any> {
  const envelope = await using(path, body, headers);
  if (!envelope.success) throw new Error(`${path}: ${JSON.stringify(envelope.error)}`);
  return 'data' in envelope ? envelope.data : undefined;
}

/** A customer with points, tags, a card, consents, a comment and a key that was used. */
async function fill(caption: string): Promise<string> {
  const customer = { caption, email: `${caption}@example.com`, given_name: caption, tags: ['vip', caption] };
  const { customer_id } = await done('/customer/create', { customer, idempotency_key: `create ${caption}` });
  await done('/loyalty/adjust', { customer_id, points: 50, reason: 'test', idempotency_key: `adjust ${caption}` });
  await done('/giftcard/issue', { amount: 5, currency: 'EUR', customer_id, reason: 'test' });
  return customer_id;
}

test('all records arrive, later changes and deletions too, and calls go on as before', async () => {
  const anna = await fill('anna');
  await fill('bert');
  const report = await move('b', async (stage) => {
    if (stage !== 'copied') return;
    await fill('carl');
    const { revision } = await done('/customer/get', { customer_id: anna });
    await done('/customer/update', { customer_id: anna, expected_revision: revision, customer: { tags: ['new'] } });
  });
  expect(report).toMatchObject({ orgcode: 'ALPHA', from: 'a', to: 'b' });
  expect(await done('/customer/get', { customer_id: anna })).toMatchObject({ tags: ['new'] });
  expect((await done('/customer/search', { q: 'carl' })).items).toHaveLength(1);
  const again = { customer_id: anna, points: 50, reason: 'test', idempotency_key: 'adjust anna' };
  expect(await send('/loyalty/adjust', again, headers)).toMatchObject({ stats: { idempotent_replay: true } });
  expect(await queryAt(groups.a.url, 'SELECT orgcode FROM org')).toEqual([]);
  await fill('dora');
  await expectClean();
});

test('there and back again, and forgotten where it is not at home', async () => {
  await fill('anna');
  await move('b');
  const bert = await fill('bert');
  await expect(forgetOrg(store, 'alpha', 'b', () => {})).rejects.toThrow('is not gone from b');
  await move('a');
  expect(await done('/customer/get', { customer_id: bert })).toMatchObject({ caption: 'bert' });
  expect(await forgetOrg(store, 'alpha', 'b', () => {})).toMatchObject({ group: 'b' });
  const left = await queryAt(
    groups.b.adminUrl,
    `SELECT COUNT(*)::int AS n FROM journal UNION ALL
    SELECT COUNT(*)::int FROM receipt UNION ALL SELECT COUNT(*)::int FROM customer_word
    UNION ALL SELECT COUNT(*)::int FROM loyalty_month UNION ALL SELECT COUNT(*)::int FROM loyalty_month_noted`,
  );
  expect(left).toEqual(Array(5).fill({ n: 0 }));
  await expect(forgetOrg(store, 'alpha', 'b', () => {})).rejects.toThrow('nothing is left');
  await expectClean();
  await move('b');
  await expectClean();
});

test('append-only tables stay closed where the org is at home', async () => {
  await fill('anna');
  const deleting = `BEGIN; GRANT DELETE ON loyalty_txn TO CURRENT_USER;
    SELECT set_config('g3n.orgcode', 'ALPHA', true); DELETE FROM loyalty_txn`;
  await expect(queryAt(groups.a.url, deleting)).rejects.toThrow('loyalty_txn is append-only');
});

describe('a server with an old map', () => {
  test('is refused by the old group, and finds the new one', async () => {
    const other = callerOf(await groups.open());
    const anna = await fill('anna');
    await done('/customer/get', { customer_id: anna }, other);
    await move('b');
    await done('/loyalty/adjust', { customer_id: anna, points: 7, reason: 'test' }, other);
    expect(await done('/loyalty/ledger/list', { customer_id: anna })).toMatchObject({ points_balance: 57 });
  });

  test('while the org moves, it reads and does not write; afterwards it does both', async () => {
    const anna = await fill('anna');
    const reads: boolean[] = [];
    const write = () => send('/loyalty/adjust', { customer_id: anna, points: 1, reason: 'test' }, headers);
    await move('b', async (stage) => {
      if (stage === 'compared') await done('/customer/get', { customer_id: anna });
      if (['leaving', 'compared', 'gone', 'listed'].includes(stage)) {
        const { success } = await write();
        reads.push(success);
      }
    });
    expect(reads).toEqual([false, false, false, false]);
    expect(await write()).toMatchObject({ success: true });
  });
});

describe('interrupted', () => {
  const STAGES: readonly MoveStage[] = [
    'begun',
    'copied',
    'leaving',
    'compared',
    'installed',
    'gone',
    'listed',
    'opened',
  ];

  let program: string;
  beforeAll(async () => {
    program = await bundled('move-killed');
  });
  afterAll(() => rmSync(program));

  const kill = async (stopped: MoveStage) => {
    const args = [groups.a.url, groups.b.url, groups.keyPath, stopped];
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect([code, signal]).toEqual([null, 'SIGKILL']);
  };

  test.each(STAGES)('killed after the stage %s: nothing is written twice, and run again, it ends', async (stopped) => {
    const anna = await fill('anna');
    await kill(stopped);
    const earn = { customer_id: anna, points: 7, reason: 'test', idempotency_key: 'while it was down' };
    const written = await send('/loyalty/adjust', earn, headers);
    expect(written.success).toBe(['begun', 'copied', 'opened'].includes(stopped));
    const read = await send('/loyalty/ledger/list', { customer_id: anna }, headers);
    expect(read.success).toBe(!['gone', 'listed'].includes(stopped));
    await move('b');
    expect(await send('/loyalty/adjust', earn, headers)).toMatchObject({ success: true });
    expect(await done('/loyalty/ledger/list', { customer_id: anna })).toMatchObject({ points_balance: 57 });
    await fill('carl');
    await expectClean();
  });

  test.each(STAGES)('killed after the stage %s: abandoned, unless the new group has it', async (stopped) => {
    await fill('anna');
    await kill(stopped);
    if (stopped === 'listed' || stopped === 'opened') {
      await expect(abandonMove(store, 'ALPHA')).rejects.toThrow('belongs to b by now');
      await move('b');
    } else {
      expect(await abandonMove(store, 'ALPHA')).toEqual({ orgcode: 'ALPHA', group: 'a', abandoned: true });
      await fill('bert');
      await expectClean();
      await move('b');
    }
    await fill('carl');
    await expectClean();
  });

  test('one command at a time moves an org', async () => {
    await move('b', async (stage) => {
      if (stage === 'copied') await expect(abandonMove(store, 'ALPHA')).rejects.toThrow('another command is moving');
    });
    await expect(move('b')).rejects.toThrow('is at home in b already');
  });
});

test('a move that fails opens the org at home again', async () => {
  const failing = move('b', (stage) => {
    if (stage === 'installed') throw new Error('failed');
  });
  await expect(failing).rejects.toThrow('failed');
  await fill('anna');
  await move('b');
  await expectClean();
});

test('a copy that differs is not opened, and the org goes on at home', async () => {
  await fill('anna');
  const moving = move('b', async (stage) => {
    if (stage === 'leaving') await queryAt(groups.b.adminUrl, 'UPDATE loyalty_account SET points_balance = 51');
  });
  await expect(moving).rejects.toThrow('the copy differs from the org in loyalty_account');
  await fill('bert');
});

test('an org that was suspended while it was away comes back suspended', async () => {
  await move('b');
  const cx = adminContext(store);
  await administerAtHome(store, 'ALPHA', () => setOrgStatus(cx, 'ALPHA', 'suspended'));
  await move('a');
  expect(await send('/customer/create', { customer: { caption: 'x' } }, headers)).toMatchObject({
    error: { http_status: 403 },
  });
});

test('under load from three servers: nothing lost, nothing doubled, and other orgs are never refused', {
  timeout: 120_000,
}, async () => {
  const others = await Promise.all([groups.open(), groups.open()]);
  const beta = await createGroupOrg(store, 'BETA', 'a');
  const load = new Load([store, ...others], headers, 7);
  const unaffected = new Load([store, ...others], beta, 8);
  await load.start({ keyed: 6, unkeyed: 2 });
  await unaffected.start({ keyed: 2, unkeyed: 1 });
  const reports = [await move('b'), await move('a'), await move('b')];
  const [moved, stayed] = [await load.finish(), await unaffected.finish()];
  console.log(`write pauses: ${reports.map(({ pause_ms, rows }) => `${pause_ms} ms with ${rows} rows`).join(', ')}`);
  expect(moved.faults).toEqual([]);
  expect(stayed.faults).toEqual([]);
  expect([stayed.figures.busy, stayed.unkeyed.unwritten, stayed.unkeyed.unknown]).toEqual([0, 0, 0]);
  expect(moved.acknowledged).toBeGreaterThan(20);
  await expectClean();
});
