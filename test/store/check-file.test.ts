/** Physical damage to a database file: every page that SQLite finds damaged is found, without a stack. */
import { closeSync, copyFileSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDatabaseFile } from '../../src/store/sqlite/check-file.js';
import { createProgress } from '../../src/terminal/progress.js';
import { newCustomer, openWorld, type World } from '../support/world.js';

const PAGE = 4096;

let world: World;
let copy: string;
beforeAll(async () => {
  world = await openWorld();
  for (let n = 0; n < 20; n += 1) await newCustomer(world, { email: `person${n}@example.com`, given_name: `Name${n}` });
  await world.store.close();
  copy = join(world.directory, 'copy.db');
});
afterAll(() => rmSync(world.directory, { recursive: true }));

const check = (quick = false) => checkDatabaseFile(copy, { quick, onStep: () => {} });

function damagePage(page: number, filler: number): void {
  for (const suffix of ['-wal', '-shm']) rmSync(`${copy}${suffix}`, { force: true });
  copyFileSync(world.path, copy);
  const file = openSync(copy, 'r+');
  writeSync(file, Buffer.alloc(PAGE, filler), 0, PAGE, (page - 1) * PAGE);
  closeSync(file);
}

test('a sound file has no fault, in either way of checking', () => {
  copyFileSync(world.path, copy);
  expect([check(), check(true)]).toEqual([[], []]);
});

test('every overwritten page that SQLite finds is found, and the first page is no exception', () => {
  const pages = statSync(world.path).size / PAGE;
  const step = Math.max(1, Math.floor(pages / 15));
  let damaged = 0;
  for (let page = 1; page <= pages; page += step) {
    for (const filler of [0xfe, 0]) {
      damagePage(page, filler);
      if (isSound(copy)) continue;
      damaged += 1;
      expect([page, check().length > 0]).toEqual([page, true]);
    }
  }
  expect(damaged).toBeGreaterThan(15);
});

test('an index that misses the changes of its table is found, but not by the quick check', () => {
  copyFileSync(world.path, copy);
  withoutIndex('customer_by_email', `UPDATE customer SET email = 'other' || row_no WHERE row_no < 3`);
  expect(check().map((fault) => fault.check)).toContain('integrity_check customer');
  expect(check(true)).toEqual([]);
});

test('progress is a changing line on a terminal, and a line every few seconds elsewhere', () => {
  const written: string[] = [];
  const stream = (isTTY: boolean) => ({ isTTY, write: (text: string) => written.push(text) });
  let now = 0;
  const lines = createProgress(stream(false), 'verify', () => now);
  for (const [time, text] of [
    [0, 'a'],
    [2999, 'b'],
    [3000, 'c'],
    [4000, 'd'],
    [6000, 'e'],
  ] as const) {
    now = time;
    lines.step(text);
  }
  lines.done();
  expect(written.splice(0)).toEqual(['verify: c\n', 'verify: e\n']);
  const terminal = createProgress(stream(true), 'verify');
  terminal.step('a');
  terminal.done();
  expect(written).toEqual(['\r\u001b[Kverify: a', '\r\u001b[K']);
});

function isSound(path: string): boolean {
  const database = new Database(path, { readonly: true });
  try {
    return database.pragma('integrity_check', { simple: true }) === 'ok';
  } catch {
    return false;
  } finally {
    database.close();
  }
}

/** Runs SQL while the file has no entry for an index, so that the index keeps its old content. */
function withoutIndex(name: string, sql: string): void {
  const edit = (work: (database: Database.Database) => void) => {
    const database = new Database(copy).unsafeMode(true);
    database.pragma('writable_schema = ON');
    work(database);
    database.close();
  };
  let entry: unknown[] = [];
  edit((database) => {
    entry = database.prepare('SELECT * FROM sqlite_schema WHERE name = ?').raw().get(name) as unknown[];
    database.prepare('DELETE FROM sqlite_schema WHERE name = ?').run(name);
  });
  edit((database) => database.exec(sql));
  edit((database) => database.prepare('INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)').run(...entry));
}
