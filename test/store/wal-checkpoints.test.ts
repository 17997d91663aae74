/** The write-ahead log moves into the database away from calls: while a server writes, in a thread. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../src/store/engine/step.js';
import { openSqlite, type SqliteDriver } from '../../src/store/sqlite/sqlite-driver.js';
import { createWalCheckpoints } from '../../src/store/sqlite/wal-checkpoints.js';

/** A driver starts its thread after so many changes. */
const ENOUGH = 50;

let directory: string;
let path: string;
let threads = 0;
const count = () => {
  threads += 1;
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'g3n-checkpoints-'));
  path = join(directory, 'crm.db');
  threads = 0;
  process.on('worker', count);
});
afterEach(() => {
  process.off('worker', count);
  rmSync(directory, { recursive: true, force: true });
});

/** A driver that serves callers. */
function open(file: string): SqliteDriver {
  const driver = openSqlite(file);
  driver.script('CREATE TABLE IF NOT EXISTS entry (name TEXT NOT NULL)');
  driver.outage();
  return driver;
}

async function insert(driver: SqliteDriver, name: string, times: number): Promise<void> {
  for (let number = 0; number < times; number += 1)
    await driver.write({ steps: () => run('INSERT INTO entry (name) VALUES (?)', `${name} ${number}`) });
}

const isInDatabase = (name: string) => readFileSync(path).includes(name);

test('what was written gets from the log into the database while the server runs', async () => {
  const driver = open(path);
  await insert(driver, 'entry', ENOUGH);
  expect(isInDatabase('entry 0')).toBe(false);
  await vi.waitFor(() => expect(isInDatabase(`entry ${ENOUGH - 1}`)).toBe(true), { timeout: 20_000, interval: 20 });
  await insert(driver, 'further', ENOUGH);
  await vi.waitFor(() => expect(isInDatabase(`further ${ENOUGH - 1}`)).toBe(true), { timeout: 20_000, interval: 20 });
  await driver.close();
  expect(threads).toBe(1);
});

test('two servers on one file checkpoint it beside each other and lose nothing', async () => {
  const drivers = [open(path), open(path)] as const;
  await Promise.all(drivers.map((driver, index) => insert(driver, `server ${index}`, 3 * ENOUGH)));
  await vi.waitFor(() => expect(threads).toBe(2), { timeout: 20_000, interval: 20 });
  await Promise.all(drivers.map((driver) => driver.close()));
  const database = new Database(path, { readonly: true });
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(database.prepare('SELECT COUNT(*) FROM entry').pluck().get()).toBe(6 * ENOUGH);
  database.close();
});

test('a process that changes little, and a database in memory, have no thread', async () => {
  const [little, inMemory] = [open(path), open(':memory:')];
  await insert(little, 'entry', ENOUGH - 1);
  await insert(inMemory, 'entry', 2 * ENOUGH);
  await new Promise((resolve) => setTimeout(resolve, 300)); // a thread would start after 100 ms
  await Promise.all([little, inMemory].map((driver) => driver.close()));
  expect(threads).toBe(0);
});

test('where the thread cannot open the file, SQLite is told to checkpoint by itself again', async () => {
  await new Promise<void>((resolve) => createWalCheckpoints(join(directory, 'none.db'), resolve).note(ENOUGH));
});
