/** How the PostgreSQL driver joins neighbouring reads into one statement, and sends one without a transaction. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { all, one, run, type Steps, together } from '../../src/store/engine/step.js';
import type { PostgresDriver } from '../../src/store/postgres/postgres-driver.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { DRIVER_TABLES, queryAt, testDriver } from '../support/postgres-driver.js';

let database: TestDatabase;
let driver: PostgresDriver;
beforeAll(async () => {
  database = await freshDatabase();
  await queryAt(database.url, DRIVER_TABLES);
});
afterAll(() => database.drop());
beforeEach(() => {
  driver = testDriver(database.url);
});

const ORG = 'DEMO';
const ENTRY = 'INSERT INTO t_entry (note) VALUES (?)';
const ITEM = 'INSERT INTO t_item (orgcode, id, n) VALUES (?, ?, ?)';

function write<T>(steps: () => Steps<T>): Promise<T> {
  return driver.write({ orgcode: ORG, steps });
}

describe('neighbouring reads become one statement', () => {
  const numbers = 'SELECT n, n > 1 AS more, NULL AS nothing FROM generate_series(1, ?::int) AS n ORDER BY n DESC';

  test('and each gets the result it would get alone', async () => {
    const parts = () => [
      one(numbers, 3),
      all(numbers, 2),
      one('SELECT 1 AS x WHERE false'),
      all('SELECT 1 AS x WHERE false'),
      one('SELECT ?::text AS text, SUM(n) AS sum, 0.5::float8 AS half FROM generate_series(1, 9) AS n', 'é"\\ ?'),
    ];
    const joined = await driver.read(() => together(...parts()));
    expect(joined).toEqual([
      { n: 3, more: 1, nothing: null },
      [
        { n: 2, more: 1, nothing: null },
        { n: 1, more: 0, nothing: null },
      ],
      undefined,
      [],
      { text: 'é"\\ ?', sum: 45, half: 0.5 },
    ]);
    expect(await Promise.all(parts().map((part) => driver.read(() => part)))).toEqual(joined);
  });

  test('of more than a statement takes, too', async () => {
    const many = Array.from({ length: 30 }, (_, index) => index);
    const read = await driver.read(() => together(...many.map((index) => one('SELECT ?::int AS x', index))));
    expect(read).toEqual(many.map((x) => ({ x })));
  });

  test('but not across a lock or a change', async () => {
    const counted = one<{ n: number }>('SELECT COUNT(*) AS n FROM t_item WHERE orgcode = ?', ORG);
    const again = one<{ n: number }>('SELECT COUNT(*) AS n FROM t_item WHERE orgcode = ?', ORG);
    expect(await write(() => together(counted, run(ITEM, ORG, 'a', 1), again))).toEqual([
      { n: 0 },
      undefined,
      { n: 1 },
    ]);
  });

  test.each(['SELECT 9007199254740992::int8 AS n', 'SELECT 9007199254740993 AS n'])(
    'and %s is not rounded there either',
    async (sql) => {
      await expect(driver.read(() => together(one(sql), one('SELECT 1 AS x')))).rejects.toThrow(RangeError);
    },
  );
});

describe('a read', () => {
  test('of one statement needs no BEGIN: its session is free at once', async () => {
    await driver.read(() => one('SELECT 1 AS x'));
    expect([driver.counters().roundTrips, driver.connections()]).toEqual([1, { open: 1, idle: 1, waiting: 0 }]);
  });

  test('that turns out to need more is run again in one snapshot; the next ones are not tried without it', async () => {
    const first = 'SELECT COUNT(*) AS n FROM t_entry';
    function* steps() {
      const before = yield* one<{ n: number }>(first);
      yield* all('SELECT pg_sleep(0.02)');
      const after = yield* one<{ n: number }>('SELECT COUNT(*) AS n FROM t_entry WHERE true');
      return [before?.n, after?.n];
    }
    const other = testDriver(database.url);
    const adding = setInterval(() => other.write({ steps: () => run(ENTRY, 'meanwhile') }), 5);
    const seen = [await driver.read(steps), await driver.read(steps)];
    clearInterval(adding);
    expect(seen.map(([before, after]) => before === after)).toEqual([true, true]);
    expect(driver.counters().roundTrips).toBe(1 + 3 + 3);
  });

  test.each(['one statement', 'several'])('of %s writes nothing, whatever it calls', async (statements) => {
    const writing = () => one(`SELECT nextval('t_entry_seq_seq')`);
    const read = driver.read(() => (statements === 'several' ? together(run('SELECT 1'), writing()) : writing()));
    await expect(read).rejects.toMatchObject({ code: '25006' });
  });
});
