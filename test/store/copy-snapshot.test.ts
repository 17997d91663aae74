/** A copy of a database file is one state of it, and ends, however often another process writes meanwhile. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../src/store/sqlite/sqlite-driver.js';
import { scratch } from '../support/program.js';

const MEBIBYTES = 40;

test('changes of another process do not begin the copy again, and are not in it', async () => {
  const { db, directory } = scratch();
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const other = new Database(db);
  other.pragma('journal_mode = WAL');
  other.exec('CREATE TABLE filler (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)');
  const insert = other.prepare('INSERT INTO filler (bytes) VALUES (zeroblob(1048576))');
  for (let written = 0; written < MEBIBYTES; written += 1) insert.run();

  const driver = openSqlite(db, true);
  const seen: number[] = [];
  await driver.copySnapshotTo(join(directory, 'copy.db'), (copied) => {
    if (seen.length > 50) throw new Error('the copy begins again and again');
    seen.push(copied);
    insert.run();
  });
  await driver.close();
  expect(seen.length).toBeGreaterThan(3);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));

  const copy = new Database(join(directory, 'copy.db'));
  expect(copy.prepare('SELECT COUNT(*) FROM filler').pluck().get()).toBe(MEBIBYTES);
  copy.close();
  other.close();
});
