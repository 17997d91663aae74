/** Rows are read in pages of a thousand: every row once and in order, also where an owner's rows end with a page. */
import { describe, expect, test } from 'vitest';
import { overTuples } from '../../src/store/engine/many-rows.js';
import { eachOwner, eachPage, OrderedRows } from '../../src/store/engine/ordered-rows.js';
import { run, type Steps } from '../../src/store/engine/step.js';
import { openSqlite } from '../../src/store/sqlite/sqlite-driver.js';

interface Row {
  readonly owner: string;
  readonly no: number;
}

/** A database in memory with so many rows for each owner, and rows of another org around them. */
function filled(counts: Readonly<Record<string, number>>) {
  const driver = openSqlite(':memory:');
  driver.script('CREATE TABLE item (orgcode TEXT, owner TEXT, no INTEGER, PRIMARY KEY (orgcode, owner, no))');
  driver.script('CREATE TABLE owner (orgcode TEXT, owner TEXT, no INTEGER)');
  driver.script('BEGIN');
  for (const orgcode of ['A', 'B', 'C'])
    for (const [owner, count] of Object.entries(counts)) {
      driver.direct(run('INSERT INTO owner VALUES (?, ?, 0)', orgcode, owner));
      for (let no = 1; no <= count; no += 1)
        driver.direct(run('INSERT INTO item VALUES (?, ?, ?)', orgcode, owner, no));
    }
  driver.script('COMMIT');
  return driver;
}

const ITEMS = { orgcode: 'B', select: 'SELECT owner, no FROM item i', alias: 'i', key: ['owner', 'no'] };
const OWNERS = { orgcode: 'B', select: 'SELECT owner FROM owner o', alias: 'o', key: ['owner'] };

describe('pages', () => {
  test.each([0, 1, 999, 1000, 1001, 2000, 2500])('give each of %i rows once, in order', (count) => {
    const driver = filled({ a: count });
    const seen: number[] = [];
    driver.direct(eachPage<Row>(ITEMS, (rows) => void seen.push(...rows.map(({ no }) => no))));
    expect(seen).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });
});

describe('walking side by side', () => {
  test.each<Readonly<Record<string, number>>>([
    {},
    { a: 1000, b: 1000, c: 1 },
    { a: 999, b: 2, c: 0, d: 1500 },
    { a: 0, b: 0 },
  ])('gives every owner its rows: %j', (counts) => {
    const driver = filled(counts);
    const [owners, items] = [new OrderedRows<Row>(OWNERS), new OrderedRows<Row>(ITEMS)];
    const seen: Record<string, number> = {};
    const walk: Steps<void> = eachOwner(['owner'], [owners, items], function* ({ owner }, isOwned) {
      expect(yield* owners.take(isOwned)).toHaveLength(1);
      seen[owner] = (yield* items.take(isOwned)).length;
    });
    driver.direct(walk);
    expect(seen).toEqual(counts);
  });

  test('leaves the rows that are beyond the limit of a take', () => {
    const driver = filled({ a: 1200 });
    const items = new OrderedRows<Row>(ITEMS);
    const taken = (most?: number) => driver.direct(items.take(() => true, most)).length;
    expect([taken(3), taken(1100), taken()]).toEqual([3, 1100, 97]);
  });
});

test.each([0, 1, 255, 256, 257, 700])('a query over %i tuples answers for each of them', (count) => {
  const driver = filled({ a: 500 });
  const tuples = Array.from({ length: count }, (_, index) => ['a', String(index)]);
  const query = `SELECT w.no, (SELECT COUNT(*) FROM item i WHERE i.orgcode = ? AND i.owner = w.owner
    AND CAST(i.no AS TEXT) = w.item) AS found FROM w`;
  const rows = driver.direct(overTuples<{ found: number }>(['owner', 'item'], tuples, query, 'B'));
  const found = rows.toSorted((a, b) => a.no - b.no).map((row) => row.found);
  expect(found).toEqual(tuples.map((_, index) => (index >= 1 && index <= 500 ? 1 : 0)));
});
