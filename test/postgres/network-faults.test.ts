/** The PostgreSQL driver when the network or the server fails: nothing is done twice, and no outcome is guessed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Job } from '../../src/store/engine/driver.js';
import { one, run, type Steps } from '../../src/store/engine/step.js';
import type { PostgresDriver } from '../../src/store/postgres/postgres-driver.js';
import { type Cluster, openCluster } from '../support/postgres-cluster.js';
import { DRIVER_TABLES, queryAt, testDriver } from '../support/postgres-driver.js';
import { openProxy, type TcpProxy } from '../support/tcp-proxy.js';

const UNAVAILABLE = { code: 'crm.storage_unavailable', status: 503 };
const UNKNOWN = { ...UNAVAILABLE, details: { outcome: 'unknown' } };
const DEADLINE_MS = 1000;
/** Enough on a busy machine. */
const AMPLE_MS = 20_000;
const DISK_FULL = `DO $$ BEGIN RAISE 'could not extend file: No space left' USING ERRCODE = '53100'; END $$`;

let cluster: Cluster;
let proxy: TcpProxy;
beforeAll(async () => {
  cluster = await openCluster('durable');
  await cluster.query(`${DRIVER_TABLES} ALTER TABLE t_receipt ADD COLUMN n BIGINT;`);
});
afterAll(() => cluster.remove());
beforeEach(async () => {
  await cluster.query('SET synchronous_commit = local; TRUNCATE t_entry, t_receipt RESTART IDENTITY');
  proxy = await openProxy(cluster.port);
  onTestFinished(() => proxy.close());
});

/** A driver behind the proxy. */
function proxied(parameters: { deadlineMs?: number; pool_size?: number } = {}): PostgresDriver {
  const url = String(Object.assign(new URL(cluster.url()), { port: String(proxy.port) }));
  return testDriver(url, { deadlineMs: AMPLE_MS, prepared_statements: 'off', ...parameters });
}

/** Adds an entry; with a key, it keeps an idempotency record and returns its answer from then on. */
function entry(note: string): Job<string> {
  return {
    *steps() {
      yield* run('INSERT INTO t_entry (note) VALUES (?)', note);
      return note;
    },
  };
}

function keyedEntry(key: string): Job<string> {
  return {
    keyed: true,
    *steps(): Steps<string> {
      const kept = yield* one<{ answer: string }>('SELECT answer FROM t_receipt WHERE id = ?', key);
      if (kept !== undefined) return `${kept.answer} again`;
      yield* run('INSERT INTO t_entry (note) VALUES (?)', key);
      yield* run('INSERT INTO t_receipt (id, answer) VALUES (?, ?)', key, 'done');
      return 'done';
    },
  };
}

async function notes(): Promise<string[]> {
  return (await cluster.query('SELECT note FROM t_entry ORDER BY note')).map(({ note }) => note);
}

describe('a connection that is cut', () => {
  test('before COMMIT reaches the server: a call with a key is done once', async () => {
    const driver = proxied();
    proxy.fault = 'before-commit';
    expect(await driver.write(keyedEntry('a'))).toBe('done');
    expect(await notes()).toEqual(['a']);
    expect(driver.counters()).toMatchObject({ reconnected: 1, unknownOutcomes: 0 });
  });

  test('after COMMIT, before its answer: a call with a key gets the answer that was kept', async () => {
    const driver = proxied();
    proxy.fault = 'after-commit';
    expect(await driver.write(keyedEntry('a'))).toBe('done again');
    expect(await notes()).toEqual(['a']);
  });

  test.each([
    ['before-commit', []],
    ['after-commit', ['a']],
  ] as const)('%s: a call without a key is told that nobody knows, and not repeated', async (fault, kept) => {
    const driver = proxied();
    proxy.fault = fault;
    await expect(driver.write(entry('a'))).rejects.toMatchObject({ ...UNKNOWN, retryable: false });
    expect(await notes()).toEqual(kept);
    expect(driver.counters()).toMatchObject({ reconnected: 0, unknownOutcomes: 1 });
    expect(await driver.write(entry('b'))).toBe('b');
  });

  test('at COMMIT, and no server after that: a call with a key is told that nobody knows, and may be repeated', async () => {
    const driver = proxied({ deadlineMs: DEADLINE_MS });
    proxy.fault = 'after-commit';
    const writing = driver.write(keyedEntry('a'));
    const failed = expect(writing).rejects.toMatchObject({ ...UNKNOWN, retryable: true });
    while (proxy.fault !== undefined) await sleep(1);
    await proxy.refuse();
    await failed;
  });

  test('at COMMIT, and a server that fails after that: nobody knows either', async () => {
    const driver = proxied();
    proxy.fault = 'after-commit';
    let attempt = 0;
    const job: Job<void> = {
      keyed: true,
      *steps() {
        attempt += 1;
        yield* run('INSERT INTO t_entry (note) VALUES (?)', 'a');
        if (attempt > 1) yield* run(DISK_FULL);
      },
    };
    await expect(driver.write(job)).rejects.toMatchObject({ ...UNKNOWN, retryable: true });
  });

  test('earlier: the call is repeated by itself', async () => {
    const driver = proxied();
    let attempt = 0;
    const job = {
      *steps(): Steps<number> {
        attempt += 1;
        yield* one('SELECT 1');
        if (attempt === 1) proxy.refuse().then(() => proxy.accept());
        yield* one('SELECT pg_sleep(0.1)');
        yield* run('INSERT INTO t_entry (note) VALUES (?)', String(attempt));
        return attempt;
      },
    };
    expect(await driver.write(job)).toBe(2);
    expect(await notes()).toEqual(['2']);
  });

  test('while idle: the next call does not notice', async () => {
    const driver = proxied();
    await driver.read(() => one('SELECT 1'));
    await proxy.refuse();
    await proxy.accept();
    expect(await driver.read(() => one('SELECT 1 AS n'))).toEqual({ n: 1 });
  });
});

describe('a connection on which nothing passes any more', () => {
  test.each([
    ['with a key', keyedEntry('a'), true],
    ['without a key', entry('a'), false],
  ] as const)('at COMMIT, %s: the outcome is unknown at the deadline', async (_, job, retryable) => {
    const driver = proxied({ deadlineMs: DEADLINE_MS });
    proxy.fault = 'stall';
    const start = performance.now();
    await expect(driver.write(job)).rejects.toMatchObject({ ...UNKNOWN, retryable });
    expect(performance.now() - start).toBeLessThan(DEADLINE_MS + 1000);
    expect(await driver.write(entry('b'))).toBe('b');
  });

  test('before COMMIT: one call fails at its deadline, and those after it get new connections', async () => {
    const driver = proxied({ deadlineMs: DEADLINE_MS });
    await Promise.all(Array.from({ length: 4 }, () => driver.read(() => one('SELECT pg_sleep(0.1)'))));
    proxy.stallAll();
    const reading = function* () {
      yield* one('SELECT 1');
      return yield* entry('a').steps();
    };
    await expect(driver.write({ steps: reading })).rejects.toMatchObject({ ...UNAVAILABLE, details: undefined });
    for (const note of ['b', 'c', 'd', 'e']) await driver.write(entry(note));
    expect(await notes()).toEqual(['b', 'c', 'd', 'e']);
  });

  test('while rolling back: the session is replaced', async () => {
    const driver = proxied({ deadlineMs: DEADLINE_MS, pool_size: 1 });
    const failing = driver.write({
      *steps() {
        yield* one('SELECT 1');
        proxy.stallAll();
        throw new Error('of the handler');
      },
    });
    await expect(failing).rejects.toThrow('of the handler');
    await expect(driver.write(entry('a'))).rejects.toMatchObject(UNAVAILABLE);
    await sleep(2000); // the server may need that long to roll back
    expect(await driver.write(entry('b'))).toBe('b');
  });

  test('a slow network is only slow', async () => {
    proxy.delayMs = 50;
    expect(await proxied().write(keyedEntry('a'))).toBe('done');
  });
});

describe('a server', () => {
  test('that cannot be reached: 503 at the deadline, and as soon as it can, calls succeed', async () => {
    const driver = proxied({ deadlineMs: DEADLINE_MS });
    await proxy.refuse();
    const start = performance.now();
    await expect(driver.write(entry('a'))).rejects.toMatchObject({
      ...UNAVAILABLE,
      retryable: true,
      details: undefined,
    });
    expect(performance.now() - start).toBeLessThan(DEADLINE_MS + 1000);
    const waiting = proxied().write(entry('b'));
    await sleep(300);
    await proxy.accept();
    expect(await waiting).toBe('b');
  });

  test('whose disk is full: 503, nothing is written, and the session is kept', async () => {
    const driver = proxied({ pool_size: 1 });
    const job = {
      *steps() {
        yield* run('INSERT INTO t_entry (note) VALUES (?)', 'a');
        yield* run(DISK_FULL);
      },
    };
    await expect(driver.write(job)).rejects.toMatchObject({ ...UNAVAILABLE, details: undefined });
    expect(await driver.write(entry('b'))).toBe('b');
    expect([await notes(), proxy.accepted]).toEqual([['b'], 1]);
  });

  test.each<[string, (cluster: Cluster) => Promise<void>]>([
    ['is stopped', (server) => server.stop('fast')],
    ['is stopped at once', (server) => server.stop('immediate')],
    ['is killed', (server) => server.kill()],
  ])('that %s and starts again, under load: each call with a key is done once', async (_, stop) => {
    const driver = testDriver(cluster.url());
    const acknowledged: string[] = [];
    let isOver = false;
    const write = async (name: number) => {
      for (let n = 0; !isOver; n += 1) {
        const key = `${name}-${n}`;
        await driver.write(keyedEntry(key));
        acknowledged.push(key);
      }
    };
    const writers = Array.from({ length: 8 }, (_unused, name) => write(name));
    await sleep(300);
    await stop(cluster);
    await cluster.start();
    const before = acknowledged.length;
    while (acknowledged.length < before + 50) await sleep(10);
    isOver = true;
    await Promise.all(writers);
    expect(await notes()).toEqual(acknowledged.sort());
    expect(driver.counters().reconnected).toBeGreaterThan(0);
  });

  test('that loses a session to an administrator: the call is repeated', async () => {
    const driver = proxied();
    const reading = driver.read(() => one('SELECT 1 AS n FROM pg_sleep(0.7)'));
    const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE query LIKE '%pg_sleep(0.7)%' AND state = 'active' AND pid <> pg_backend_pid()`;
    while ((await cluster.query(kill)).length === 0) await sleep(10);
    expect(await reading).toEqual({ n: 1 });
    expect(driver.counters().reconnected).toBe(1);
  });
});

describe('a standby that does not confirm', () => {
  beforeAll(async () => {
    await cluster.configure({ synchronous_standby_names: 'absent' });
    const shown = 'SHOW synchronous_standby_names';
    while ((await cluster.query(shown))[0].synchronous_standby_names !== 'absent') await sleep(10);
  });
  afterAll(() => cluster.configure({ synchronous_standby_names: '' }));
  const release = () =>
    queryAt(cluster.url(), `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);

  test.each([entry('a'), keyedEntry('a')])(
    'leaves the outcome unknown at the deadline, never a success',
    async (job) => {
      const driver = testDriver(cluster.url(), { deadlineMs: 1500 });
      await expect(driver.write(job)).rejects.toMatchObject(UNKNOWN);
      await release();
    },
  );

  test('leaves the outcome unknown when the server is made to stop waiting', async () => {
    const driver = testDriver(cluster.url());
    const writing = driver.write(keyedEntry('b'));
    const failed = expect(writing).rejects.toMatchObject({ ...UNKNOWN, retryable: true });
    while ((await release()).length === 0) await sleep(10);
    await failed;
    expect(driver.counters()).toMatchObject({ unknownOutcomes: 1, repeated: 0, reconnected: 0 });
  });
});
