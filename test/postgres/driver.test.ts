/** The PostgreSQL driver: how it runs steps, transactions and repeated jobs, and what it keeps of a session. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CrmError, notFound } from '../../src/contract/errors.js';
import { ConcurrentChangeError, type Job } from '../../src/store/engine/driver.js';
import {
  all,
  count,
  enterOrg,
  lockKey,
  lockRows,
  one,
  run,
  runOnOne,
  type Scalar,
  type Steps,
  together,
} from '../../src/store/engine/step.js';
import { runBatch } from '../../src/store/postgres/batch.js';
import { createConnectionPool } from '../../src/store/postgres/connection-pool.js';
import { parsePostgresUrl } from '../../src/store/postgres/connection-url.js';
import type { PostgresDriver } from '../../src/store/postgres/postgres-driver.js';
import { statement } from '../../src/store/postgres/statement-text.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { DRIVER_TABLES, queryAt, testDriver } from '../support/postgres-driver.js';

let database: TestDatabase;
let driver: PostgresDriver;
beforeAll(async () => {
  database = await freshDatabase();
  await queryAt(database.url, DRIVER_TABLES);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await queryAt(database.adminUrl, 'TRUNCATE t_item, t_entry, t_receipt RESTART IDENTITY');
  driver = testDriver(database.url);
});

const ORG = 'DEMO';
const ENTRY = 'INSERT INTO t_entry (note) VALUES (?)';
const ITEM = 'INSERT INTO t_item (orgcode, id, n) VALUES (?, ?, ?)';
const COUNT_UP = 'UPDATE t_item SET n = n + 1 WHERE orgcode = ? AND id = ?';

function write<T>(steps: () => Steps<T>, more: Partial<Job<T>> = {}): Promise<T> {
  return driver.write({ orgcode: ORG, steps, ...more });
}

async function notes(): Promise<string[]> {
  return (await queryAt(database.adminUrl, 'SELECT note FROM t_entry ORDER BY seq')).map(({ note }) => note);
}

describe('steps', () => {
  test('of each mode return what the port says', async () => {
    const got = await write(function* (): Steps<unknown> {
      yield* run(ITEM, ORG, 'a', 1);
      const added = yield* count(`INSERT INTO t_item (orgcode, id, n) VALUES (?, 'b', 2), (?, 'c', 3)`, ORG, ORG);
      const locked = yield lockRows('SELECT 1 FROM t_item WHERE orgcode = ? ORDER BY id', ORG);
      const named = yield lockKey(ORG, 'customer', 'x');
      const first = yield* one('SELECT id, n, n > 1 AS more, note FROM t_item WHERE orgcode = ? ORDER BY id', ORG);
      const none = yield* one('SELECT id FROM t_item WHERE n > ?', 99);
      const rows = yield* all('SELECT id FROM t_item ORDER BY id DESC');
      const nothing = yield* all('SELECT id FROM t_item WHERE n > ?', 99);
      const changed = yield* count('UPDATE t_item SET n = n WHERE n > ?', 1);
      const deleted = yield* count('DELETE FROM t_item WHERE n > ?', 99);
      return { added, locked, named, first, none, rows, nothing, changed, deleted };
    });
    expect(got).toEqual({
      added: 2,
      locked: undefined,
      named: undefined,
      first: { id: 'a', n: 1, more: 0, note: null },
      none: undefined,
      rows: [{ id: 'c' }, { id: 'b' }, { id: 'a' }],
      nothing: [],
      changed: 2,
      deleted: 0,
    });
  });

  test('in a list take one round trip, and each gets its own result', async () => {
    const got = await write(function* (): Steps<unknown> {
      const list = yield [
        { mode: 'run', sql: ITEM, args: [ORG, 'a', 1] },
        { mode: 'one', sql: 'SELECT n FROM t_item WHERE id = ?', args: ['a'] },
        { mode: 'count', sql: COUNT_UP, args: [ORG, 'a'] },
        { mode: 'all', sql: 'SELECT n FROM t_item', args: [] },
      ];
      const empty = yield [];
      const both = yield* together(one('SELECT 1 AS x'), all('SELECT 2 AS x'));
      return { list, empty, both };
    });
    expect(got).toEqual({
      list: [undefined, { n: 1 }, 1, [{ n: 2 }]],
      empty: [],
      both: [{ x: 1 }, [{ x: 2 }]],
    });
    expect(driver.counters().roundTrips).toBe(3);
  });

  test('that nobody waits for run in their order, before the next result and before COMMIT', async () => {
    const seen = await write(function* () {
      for (let n = 0; n < 3; n += 1) yield* run(ENTRY, `early ${n}`);
      const rows = yield* all<{ note: string }>('SELECT note FROM t_entry ORDER BY seq');
      yield [{ mode: 'run', sql: ENTRY, args: ['in a list'] }];
      yield* runOnOne(`UPDATE t_entry SET note = 'late' WHERE note = ?`, 'early 2');
      return rows.map(({ note }) => note);
    });
    expect(seen).toEqual(['early 0', 'early 1', 'early 2']);
    expect((await notes()).sort()).toEqual(['early 0', 'early 1', 'in a list', 'late']);
    expect(driver.counters().roundTrips).toBe(2);
  });

  test('in thousands are sent in parts, in order', async () => {
    await write(function* () {
      for (let n = 0; n < 1234; n += 1) yield* run(ENTRY, String(n));
    });
    expect(await notes()).toEqual(Array.from({ length: 1234 }, (_, n) => String(n)));
  });

  test('return only the first of many rows, or all of many', async () => {
    const numbers = 'SELECT n, repeat(?, 100) AS filling FROM generate_series(1, 50000) AS n ORDER BY n';
    expect(await driver.read(() => one(numbers, 'x'))).toMatchObject({ n: 1 });
    const rows = await driver.read(() => all<{ n: number; filling: string }>(numbers, 'x'));
    expect([rows.length, rows.at(-1)?.n, rows.at(-1)?.filling.length]).toEqual([50_000, 50_000, 100]);
  });
});

describe('values', () => {
  const back = (value: Scalar) => driver.read(() => one<{ v: string }>('SELECT CAST(? AS TEXT) AS v', value));

  test.each([null, '', "'; DROP TABLE t_item; --", '"', '\\', '$1 ?', 'é🙂', '\u0001\u007f\u2028', '%_'])(
    'text %j arrives as it was',
    async (text) => {
      expect(await back(text)).toEqual({ v: text });
    },
  );

  test('a lone surrogate becomes the replacement character, as in SQLite', async () => {
    expect(await back('a\ud800b')).toEqual({ v: 'a\ufffdb' });
  });

  test.each([0, -0, 1, -1, 2 ** 53 - 1, -(2 ** 53 - 1)])('integer %d arrives as it was', async (value) => {
    const sql = 'SELECT CAST(? AS BIGINT) AS n, CAST(? AS NUMERIC) AS sum';
    expect(await driver.read(() => one(sql, value, value))).toEqual({ n: value + 0, sum: value + 0 });
  });

  test.each(['SELECT 9007199254740992::int8 AS n', 'SELECT SUM(9007199254740991::int8) * 2 AS n'])(
    'an integer that a number cannot hold is an error: %s',
    async (sql) => {
      await expect(driver.read(() => one(sql))).rejects.toThrow(RangeError);
      expect(await back('next')).toEqual({ v: 'next' });
    },
  );

  test.each([undefined, true, 10n, new Date(0), ['a']])('%s is no value', async (value) => {
    driver = testDriver(database.url, { pool_size: 1 });
    await expect(back(value as unknown as Scalar)).rejects.toThrow(TypeError);
    expect(await back('next')).toEqual({ v: 'next' });
  });
});

describe('a transaction', () => {
  test('of a read sees one state, and writes nothing', async () => {
    await write(() => run(ITEM, ORG, 'a', 1));
    const reading = driver.read(
      function* () {
        const before = yield* one('SELECT n FROM t_item');
        yield* one('SELECT pg_sleep(0.3)');
        return [before, yield* one('SELECT n FROM t_item')];
      },
      { orgcode: ORG },
    );
    await sleep(100);
    await write(() => runOnOne(COUNT_UP, ORG, 'a'));
    expect(await reading).toEqual([{ n: 1 }, { n: 1 }]);
    const changing = driver.read(() => count(COUNT_UP, ORG, 'a'), { orgcode: ORG });
    await expect(changing).rejects.toMatchObject({ code: '25006' });
  });

  test('shows one org, and leaves no org to the next user of its session', async () => {
    const [mine, other] = [ORG, 'OTHER'];
    await write(() => run(ITEM, mine, 'a', 1));
    await write(() => run(ITEM, other, 'b', 2), { orgcode: other });
    const ids = (rows: unknown) => (rows as { id: string }[]).map(({ id }) => id);
    const visible = () => all<{ id: string }>('SELECT id FROM t_item');
    expect(ids(await driver.read(visible, { orgcode: mine }))).toEqual(['a']);
    expect(ids(await driver.read(visible))).toEqual([]);
    expect(ids(await write(visible, { orgcode: other }))).toEqual(['b']);
    expect(ids(await driver.read(visible))).toEqual([]);
    await expect(write(() => run(ITEM, other, 'c', 3))).rejects.toMatchObject({ code: '42501' });
    const visits = await driver.read(function* () {
      yield* enterOrg(mine);
      const first = yield* visible();
      yield* enterOrg(other);
      return [...first, ...(yield* visible())];
    });
    expect(ids(visits)).toEqual(['a', 'b']);
    const settings = `SELECT current_setting('g3n.orgcode', true) AS org, current_setting('statement_timeout') AS t`;
    const pool = createConnectionPool(parsePostgresUrl(database.url), 'g3n-driver-test');
    const session = await pool.acquire(Number.POSITIVE_INFINITY);
    await runBatch(session, [
      statement('BEGIN'),
      statement(`SELECT set_config('g3n.orgcode', 'X', true)`),
      statement('COMMIT'),
    ]);
    expect(await runBatch(session, [statement(settings, [], 'one')])).toEqual([{ org: '', t: '0' }]);
    pool.release(session);
    await pool.end();
  });

  test('of a dry run leaves nothing, and reads the earlier state', async () => {
    await write(() => run(ITEM, ORG, 'a', 1));
    const n = () => one<{ n: number }>('SELECT n FROM t_item');
    const got = await write(
      function* (): Steps<unknown> {
        yield* run(COUNT_UP, ORG, 'a');
        return { after: yield* n() };
      },
      {
        rollBackAndRead: (value) =>
          (function* () {
            yield* run(ENTRY, 'of the reading');
            return { ...(value as object), before: yield* n() };
          })(),
      },
    );
    expect(got).toEqual({ after: { n: 2 }, before: { n: 1 } });
    expect([await write(n), await notes()]).toEqual([{ n: 1 }, []]);
    await write(() => run(ENTRY, 'kept'), { rollBackAndRead: () => undefined });
    expect(await notes()).toEqual(['kept']);
  });

  test('that ends in an error keeps only what is recorded of it', async () => {
    const failing = (onError?: Job<never>['onError']) =>
      driver.write<never>({
        orgcode: ORG,
        *steps() {
          yield* run(ENTRY, 'rolled back');
          yield* one('SELECT 1');
          yield* run(ENTRY, 'never sent');
          throw notFound();
        },
        ...(onError === undefined ? {} : { onError }),
      });
    await expect(failing()).rejects.toMatchObject({ status: 404 });
    await expect(failing(() => undefined)).rejects.toMatchObject({ status: 404 });
    expect(await notes()).toEqual([]);
    await expect(failing((error) => run(ENTRY, error.code))).rejects.toMatchObject({ status: 404 });
    expect(await notes()).toEqual(['crm.not_found']);
    await expect(failing((error) => run(ENTRY, error.code))).rejects.toBeInstanceOf(CrmError);
  });

  test('is not shared: calls at the same time use sessions of their own', async () => {
    const pid = function* () {
      yield* one('SELECT pg_sleep(0.1)');
      return (yield* one<{ pid: number }>('SELECT pg_backend_pid() AS pid'))?.pid;
    };
    const pids = await Promise.all(Array.from({ length: 5 }, () => driver.read(pid)));
    expect(new Set(pids).size).toBe(5);
  });
});

/** Waits until two transactions of this database hold the advisory locks 1 and 2. */
const BOTH_ARE_HERE = `DO $$ BEGIN
  WHILE (SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
         WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted AND l.objid IN (1, 2)) < 2
  LOOP PERFORM pg_sleep(0.005); END LOOP;
END $$`;

describe('a job is run again', () => {
  const attempts = (failures: number, fail: () => Steps<void>) => {
    let attempt = 0;
    const done = write(function* () {
      attempt += 1;
      yield* run(ENTRY, `attempt ${attempt}`);
      if (attempt <= failures) yield* fail();
    });
    return done.then(() => attempt);
  };
  const raised = (code: string) => () => run(`DO $$ BEGIN RAISE 'no' USING ERRCODE = '${code}'; END $$`);

  test.each<[string, () => Steps<void>]>([
    ['a change met no row', () => runOnOne(COUNT_UP, ORG, 'nobody')],
    ['a change met two rows', () => runOnOne(`UPDATE t_receipt SET answer = answer WHERE id IN ('x', 'y')`)],
    [
      'a handler found that out itself',
      () => {
        throw new ConcurrentChangeError();
      },
    ],
    ['a key exists', () => run(`INSERT INTO t_receipt VALUES ('x', ''), ('x', '')`)],
    ['transactions cannot be serialized', raised('40001')],
    ['of a deadlock', raised('40P01')],
  ])('when %s: up to three times', async (_, fail) => {
    await queryAt(database.url, `INSERT INTO t_receipt VALUES ('x', ''), ('y', '')`);
    expect(await attempts(3, fail)).toBe(4);
    expect(driver.counters()).toMatchObject({ repeated: 3, reconnected: 0, transactions: 4 });
    expect(await notes()).toEqual(['attempt 4']);
    await expect(attempts(4, fail)).rejects.toMatchObject({ status: 503, retryable: true });
    expect(driver.counters()).toMatchObject({ repeated: 6, transactions: 8 });
    expect(await notes()).toEqual(['attempt 4']);
  });

  test('but not after an error of this program', async () => {
    await expect(attempts(1, () => run('SELECT no_such_column'))).rejects.toMatchObject({ code: '42703' });
    await expect(
      attempts(1, () => {
        throw Object.assign(new Error('no URL'), { code: 'ERR_INVALID_URL' });
      }),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_URL' });
    expect(driver.counters()).toMatchObject({ repeated: 0, reconnected: 0 });
  });

  test('when two jobs lock each other out', async () => {
    const rows = ['a', 'b'];
    for (const id of rows) await write(() => run(ITEM, ORG, id, 0));
    const crossing = (own: number, [first = '', second = '']: readonly string[]) => {
      let isFirst = true;
      return write(function* () {
        yield* count(COUNT_UP, ORG, first);
        if (isFirst) {
          isFirst = false;
          yield* one(`SELECT pg_advisory_xact_lock(${own})`);
          yield* run(BOTH_ARE_HERE);
        }
        yield* count(COUNT_UP, ORG, second);
      });
    };
    await Promise.all([crossing(1, rows), crossing(2, [...rows].reverse())]);
    expect(await driver.read(() => all('SELECT n FROM t_item'), { orgcode: ORG })).toEqual([{ n: 2 }, { n: 2 }]);
    expect([1, 2, 3]).toContain(driver.counters().repeated); // more than once when they meet again
  });
});

describe('prepared statements', () => {
  const NAMES = statement('SELECT name FROM pg_prepared_statements', [], 'all');
  const [good, bad, unread] = ['SELECT 1 AS good', 'SELECT 1 / 0 AS bad', 'SELECT 1 AS unread'].map((text) =>
    statement(text),
  ) as [ReturnType<typeof statement>, ReturnType<typeof statement>, ReturnType<typeof statement>];
  const wrong = statement('SELECT no_such_column');

  test('are known to be prepared exactly when they are, also after errors', async () => {
    const pool = createConnectionPool(parsePostgresUrl(database.url), 'g3n-driver-test');
    const session = await pool.acquire(Number.POSITIVE_INFINITY);
    const known = async () => {
      const [rows] = (await runBatch(session, [NAMES])) as [{ name: string }[]];
      expect([...session.prepared.keys()].sort()).toEqual(rows.map(({ name }) => name).sort());
      return session.prepared.size;
    };
    expect(await known()).toBe(1);
    await expect(runBatch(session, [good, bad, unread])).rejects.toMatchObject({ code: '22012' });
    expect(await known()).toBe(3);
    await expect(runBatch(session, [good, wrong, unread])).rejects.toMatchObject({ code: '42703' });
    expect(await known()).toBe(3);
    await runBatch(session, [good, unread, good]);
    expect(await known()).toBe(4);
    pool.release(session);
    await pool.end();
  });

  test('are replaced with the session when the server has lost them, or changed their columns', async () => {
    await queryAt(database.url, 'DROP TABLE IF EXISTS thing; CREATE TABLE thing AS SELECT 1 AS n');
    const single = testDriver(database.url, { pool_size: 1 });
    const n = () => single.read(() => one('SELECT n FROM thing'));
    expect(await n()).toEqual({ n: 1 });
    await queryAt(database.url, 'ALTER TABLE thing ALTER COLUMN n TYPE TEXT');
    expect(await n()).toEqual({ n: '1' });
    expect(single.counters().repeated).toBe(1);
  });

  test('have the same name in every process, and no other statement has it', async () => {
    const texts = ['SELECT 11', 'SELECT 12', 'SELECT 13'];
    const names = texts.map((text) => statement(text).prepared.name);
    vi.resetModules();
    const elsewhere = await import('../../src/store/postgres/statement-text.js');
    expect([...texts].reverse().map((text) => elsewhere.statement(text).prepared.name)).toEqual([...names].reverse());
    expect(new Set(names).size).toBe(3);
  });

  test('are limited in number', async () => {
    const single = testDriver(database.url, { pool_size: 1 });
    await single.read(function* () {
      for (let n = 0; n < 1200; n += 1) yield* one(`SELECT ${n} AS n`);
    });
    const held = await single.read(() => one<{ n: number }>('SELECT COUNT(*) AS n FROM pg_prepared_statements'));
    expect(held?.n).toBeLessThanOrEqual(1000);
  });
});
