/** A group of changes shares one transaction: what a change that fails does to the others. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CrmError } from '../../src/contract/errors.js';
import type { Job } from '../../src/store/engine/driver.js';
import { all, run, type Steps } from '../../src/store/engine/step.js';
import { openSqlite, type SqliteDriver } from '../../src/store/sqlite/sqlite-driver.js';

const INSERT = 'INSERT INTO entry (name) VALUES (?)';
const REJECTED = { code: 'crm.test', tag: 'conflict', status: 409, message: 'No.', retryable: false, nextSteps: [] };

let driver: SqliteDriver;
let runs: Map<string, number>;

beforeEach(() => {
  driver = openSqlite(':memory:');
  driver.script(`PRAGMA foreign_keys = ON;
    CREATE TABLE entry (name TEXT NOT NULL UNIQUE);
    CREATE TABLE child (parent TEXT REFERENCES entry (name) DEFERRABLE INITIALLY DEFERRED);`);
  runs = new Map();
});

afterEach(() => driver.close());

/** Inserts the name, and counts how often it was run; `fails` says in which run it throws after the insert. */
function insertion(name: string, fails?: (nth: number) => Error | undefined): Job<string> {
  return {
    *steps(): Steps<string> {
      const nth = (runs.get(name) ?? 0) + 1;
      runs.set(name, nth);
      yield* run(INSERT, name);
      const error = fails?.(nth);
      if (error !== undefined) throw error;
      return `${name} ${nth}`;
    },
  };
}

function names(): readonly string[] {
  return driver
    .read(() => all<{ name: string }>('SELECT name FROM entry ORDER BY name LIMIT 100'))
    .map(({ name }) => name);
}

describe('a group of changes', () => {
  test('in which nothing fails runs once', async () => {
    const results = await Promise.all(['a', 'b', 'c'].map((name) => driver.write(insertion(name))));
    expect(results).toEqual(['a 1', 'b 1', 'c 1']);
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  test('keeps the changes beside one that fails, each once, and nothing of the one that fails', async () => {
    const rejection = new CrmError({ ...REJECTED, tag: 'conflict' as CrmError['tag'] });
    const failing: Job<string> = { ...insertion('b', () => rejection), onError: () => run(INSERT, 'record of b') };
    const settled = await Promise.allSettled([insertion('a'), failing, insertion('c')].map((job) => driver.write(job)));
    expect(settled).toEqual([
      { status: 'fulfilled', value: 'a 2' },
      { status: 'rejected', reason: rejection },
      { status: 'fulfilled', value: 'c 1' },
    ]);
    expect(names()).toEqual(['a', 'c', 'record of b']);
  });

  test('with a statement that the database rejects loses that change alone', async () => {
    await driver.write(insertion('b'));
    const settled = await Promise.allSettled(['a', 'b', 'c'].map((name) => driver.write(insertion(name))));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  test('that fails once takes what the second run returns', async () => {
    const result = await driver.write(insertion('a', (nth) => (nth === 1 ? new Error('once') : undefined)));
    expect(result).toBe('a 2');
    expect(names()).toEqual(['a']);
  });

  test('after a failure is not run twice for the next failure', async () => {
    const failing = () => driver.write(insertion('x', () => new Error('always')));
    await expect(failing()).rejects.toThrow('always');
    await expect(failing()).rejects.toThrow('always');
    expect(runs.get('x')).toBe(3);
  });

  test('whose COMMIT fails is not run again', async () => {
    const orphan: Job<void> = {
      steps: function* () {
        runs.set('orphan', (runs.get('orphan') ?? 0) + 1);
        yield* run('INSERT INTO child (parent) VALUES (?)', 'nobody');
      },
    };
    const settled = await Promise.allSettled([driver.write(insertion('a')), driver.write(orphan)]);
    for (const result of settled) expect(result).toMatchObject({ reason: { code: 'crm.storage_unavailable' } });
    expect(Object.fromEntries(runs)).toEqual({ a: 1, orphan: 1 });
    expect(names()).toEqual([]);
  });

  test('with a dry run keeps nothing of it', async () => {
    const dry: Job<string> = { ...insertion('dry'), rollBackAndRead: returned };
    expect(await Promise.all([driver.write(dry), driver.write(insertion('a'))])).toEqual(['dry 1', 'a 1']);
    expect(names()).toEqual(['a']);
  });
});

// biome-ignore lint/correctness/useYield: there is nothing to read
function* returned(value: string): Steps<string> {
  return value;
}
