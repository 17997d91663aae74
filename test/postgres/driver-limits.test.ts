/** The PostgreSQL driver under limits: deadlines, full pools, callers that go away, and its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { count, one, type Steps } from '../../src/store/engine/step.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { DRIVER_TABLES, queryAt, testDriver } from '../support/postgres-driver.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  await queryAt(database.url, `${DRIVER_TABLES} INSERT INTO t_receipt VALUES ('hot', '')`);
});
afterAll(() => database.drop());

const DEADLINE_MS = 400;
const UNAVAILABLE = { code: 'crm.storage_unavailable', status: 503, retryable: true };
const HOT = `UPDATE t_receipt SET answer = answer WHERE id = 'hot'`;

function* pause(seconds: number): Steps<string> {
  yield* one('SELECT pg_sleep(?)', seconds);
  return 'done';
}

/** What the sessions of a driver are doing, without the caller's own. */
async function activity(): Promise<string[]> {
  const rows = await queryAt(
    database.adminUrl,
    `SELECT state FROM pg_stat_activity WHERE application_name = 'g3n-driver-test' AND datname = current_database()`,
  );
  return rows.map(({ state }) => state).sort();
}

/** Waits for a condition: the server notices things in its own time. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 400 && !(await condition()); n += 1) await sleep(25);
  expect(await condition()).toBe(true);
}

/** The error of a call, which must come at the deadline, and not a second later. */
async function lateError(call: () => Promise<unknown>): Promise<unknown> {
  const start = performance.now();
  const error = await call().then(
    () => 'no error',
    (thrown: unknown) => thrown,
  );
  expect(performance.now() - start).toBeLessThan(DEADLINE_MS + 1000);
  return error;
}

describe('at the deadline a call gets 503, and the next one a usable session', () => {
  const limited = () => testDriver(database.url, { deadlineMs: DEADLINE_MS, pool_size: 1 });

  test('when a statement is too slow', async () => {
    const driver = limited();
    expect(await lateError(() => driver.read(() => pause(30)))).toMatchObject(UNAVAILABLE);
    expect(await driver.read(() => pause(0))).toBe('done');
  });

  test('when each of many statements is in time, but not all together', async () => {
    const driver = limited();
    const slow = function* () {
      for (let n = 0; n < 50; n += 1) yield* pause(0.1);
    };
    expect(await lateError(() => driver.write({ steps: slow }))).toMatchObject(UNAVAILABLE);
    expect(await driver.read(() => pause(0))).toBe('done');
    await until(async () => (await activity()).every((state) => state === 'idle'));
  });

  test('when a lock takes too long', async () => {
    const other = testDriver(database.url);
    const holding = other.write({
      *steps() {
        yield* count(HOT);
        return yield* pause(2);
      },
    });
    await sleep(200);
    const driver = limited();
    expect(await lateError(() => driver.write({ steps: () => count(HOT) }))).toMatchObject(UNAVAILABLE);
    expect(await driver.read(() => pause(0))).toBe('done');
    expect(await holding).toBe('done');
  });

  test('when all sessions are taken; who gave up does not keep one', async () => {
    const driver = limited();
    const busy = driver.read(() => pause(1), { isLong: true });
    const waiting = Array.from({ length: 3 }, () => lateError(() => driver.read(() => pause(0))));
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject(UNAVAILABLE);
    expect(await busy).toBe('done');
    expect(await driver.read(() => pause(0))).toBe('done');
    expect(driver.connections()).toEqual({ open: 1, idle: 1, waiting: 0 });
  });

  test('and work without a deadline has none', async () => {
    expect(await limited().read(() => pause(1), { isLong: true })).toBe('done');
  });
});

describe('a caller that goes away', () => {
  test('cancels its query in the server, and nobody else gets its session', async () => {
    const driver = testDriver(database.url, { pool_size: 1 });
    const abort = new AbortController();
    const reading = driver.read(() => pause(30), { signal: abort.signal });
    await until(async () => (await activity()).includes('active'));
    abort.abort(new Error('gone'));
    await expect(reading).rejects.toMatchObject(UNAVAILABLE);
    await until(async () => !(await activity()).includes('active'));
    const next = Array.from({ length: 20 }, () => driver.read(() => pause(0.005)));
    expect(new Set(await Promise.all(next))).toEqual(new Set(['done']));
  });

  test('does not begin, and does not go on', async () => {
    const driver = testDriver(database.url, { pool_size: 1 });
    const reads: string[] = [];
    const reading = (signal: AbortSignal, name: string) =>
      driver.read(
        function* () {
          reads.push(name);
          yield* pause(0);
        },
        { signal },
      );
    await expect(reading(AbortSignal.abort(), 'late')).rejects.toMatchObject(UNAVAILABLE);
    const waiting = new AbortController();
    const busy = driver.read(() => pause(0.3));
    const queued = reading(waiting.signal, 'queued');
    waiting.abort();
    await expect(queued).rejects.toMatchObject(UNAVAILABLE);
    expect(await busy).toBe('done');
    const between = new AbortController();
    const stopping = driver.read(
      function* () {
        yield* pause(0);
        between.abort();
        yield* pause(0);
        reads.push('went on');
      },
      { signal: between.signal },
    );
    await expect(stopping).rejects.toMatchObject(UNAVAILABLE);
    expect(reads).toEqual([]);
  });
});

describe('close', () => {
  test('waits for running and queued work, and leaves no connection', async () => {
    const driver = testDriver(database.url, { pool_size: 2 });
    const working = Array.from({ length: 6 }, () => driver.write({ steps: () => pause(0.1) }));
    await driver.close();
    expect(new Set(await Promise.all(working))).toEqual(new Set(['done']));
    expect(await activity()).toEqual([]);
    await expect(driver.read(() => pause(0))).rejects.toMatchObject(UNAVAILABLE);
    await expect(driver.write({ steps: () => pause(0) })).rejects.toMatchObject(UNAVAILABLE);
    await driver.close();
  });

  test('of a driver that was never used', async () => {
    await testDriver(database.url).close();
  });
});
