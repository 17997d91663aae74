/** `admin export`: every table is in it or left out for a reason; one customer's data; the program's file. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { ensureDemo } from '../../src/demo/demo.js';
import { EXPORTED, LEFT_OUT } from '../../src/store/export/exported-tables.js';
import { openStore, type SqliteStore } from '../../src/store/store.js';
import { countKinds, type ExportLine, exportedLines } from '../support/exporting.js';
import { run, scratch } from '../support/program.js';

const workspace = scratch();
let store: SqliteStore;
let lines: ExportLine[];

beforeAll(async () => {
  store = openStore({
    path: workspace.db,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: (error) => console.error(error),
  });
  await ensureDemo(store, new Date());
  lines = await exportedLines(store.driver);
});
afterAll(async () => {
  await store?.close();
  workspace.remove();
});

const ofKind = (kind: string, from = lines) => from.filter((line) => line.kind === kind).map(({ data }) => data);

test('every table of an org is exported, or left out for a reason', () => {
  const tables = store.driver.direct(store.driver.dialect.catalogue.tables());
  const ofOrg = tables.filter(({ columns }) => columns.includes('orgcode')).map(({ name }) => name);
  const known = [...EXPORTED.map(({ table }) => table), ...Object.keys(LEFT_OUT)];
  expect(known.sort()).toEqual(ofOrg.sort());
});

test('every column is decoded: no JSON text, no minor units, no hashes', () => {
  const values = lines.flatMap(({ data }) => Object.entries(data ?? {}));
  const json = values.filter(
    ([name, value]) => /^[[{]/.test(String(value)) && typeof value === 'string' && name !== 'body',
  );
  expect(json).toEqual([]);
  expect(JSON.stringify(lines)).not.toMatch(/_minor"|_hash"/);
  expect(ofKind('giftcard')[0]).toMatchObject({ currency: expect.any(String), balance: expect.any(Number) });
  expect(ofKind('giftcard_txn')[0]).toMatchObject({ currency: expect.any(String), amount: expect.any(Number) });
});

test('all rows are there, and the last line counts them', () => {
  const counts = countKinds(lines);
  for (const { kind, table } of EXPORTED) {
    const sql = `SELECT COUNT(*) AS rows FROM ${table} WHERE orgcode = 'DEMO'`;
    const row = store.driver.read(function* () {
      return (yield { sql, args: [], mode: 'one' }) as { rows: number };
    });
    expect([kind, counts[kind] ?? 0]).toEqual([kind, row.rows]);
  }
  expect(lines[0]).toMatchObject({ kind: 'export', format: 1, orgcode: 'DEMO', left_out: LEFT_OUT });
  expect(lines.at(-1)).toEqual({ kind: 'end', lines: lines.length - 2, counts: expect.objectContaining(counts) });
});

test('an export of one customer has what is about it and those merged into it, and nothing of others', async () => {
  const merged = ofKind('customer').find(({ status }) => status === 'merged');
  const survivor = merged.merged_into_customer_id;
  const about = await exportedLines(store.driver, { customerId: survivor });
  const ids = new Set([survivor, ...(about[0]?.customer_ids ?? [])]);
  expect(ids).toContain(merged.customer_id);
  const owners = about.slice(1, -1).flatMap(({ data }) => data.customer_id ?? []);
  expect(owners.filter((id) => !ids.has(id))).toEqual([]);
  const expected = (kind: string) => ofKind(kind).filter(({ customer_id }) => ids.has(customer_id));
  for (const kind of ['customer', 'loyalty_txn', 'giftcard', 'hold', 'customer_consent_change', 'customer_merge'])
    expect(ofKind(kind, about)).toEqual(expected(kind));
  expect(ofKind('comment', about)).toEqual(ofKind('comment').filter(({ target_id }) => ids.has(target_id)));
  expect(about.map(({ kind }) => kind)).not.toContain('fraud_assessment');
  expect(await exportedLines(store.driver, { customerId: merged.customer_id })).toEqual(about);
});

test('the journal is added when it is asked for: each row once, in its order, decoded', async () => {
  const with_ = await exportedLines(store.driver, { withJournal: true });
  expect(with_.slice(1, lines.length - 1)).toEqual(lines.slice(1, -1));
  const journal = ofKind('journal', with_);
  const { rows } = store.driver.read(function* () {
    const sql = `SELECT COUNT(*) AS rows FROM journal WHERE orgcode = 'DEMO'`;
    return (yield { sql, args: [], mode: 'one' }) as { rows: number };
  });
  expect(journal.map(({ journal_no }) => journal_no)).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
  expect(journal[0]).toMatchObject({ actor: expect.any(String), roles: expect.any(Array), fields: expect.any(Array) });
  const { journal: _, ...others } = LEFT_OUT;
  expect(with_[0]?.left_out).toEqual(others);
  expect(with_.at(-1)).toMatchObject({ lines: with_.length - 2, counts: { journal: rows } });
  expect(rows).toBeGreaterThan(500); // more than a page
});

test('the program writes a file for its owner alone, and overwrites nothing', async () => {
  const to = join(workspace.directory, 'demo.jsonl');
  const args = ['admin', 'export', '--org', 'demo', '--db', workspace.db];
  writeFileSync(`${to}.part`, 'left of an export that was killed');
  const { code, stdout } = await run([...args, '--to', to]);
  expect({ code, stdout: JSON.parse(stdout) }).toMatchObject({ code: 0, stdout: { orgcode: 'DEMO', file: to } });
  expect(statSync(to).mode & 0o777).toBe(0o600);
  const both = await run([...args, '--with-journal', '--customer', '01900000-0000-7000-8000-000000000000']);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('leave --customer out') });
  const [, ...written] = readFileSync(to, 'utf8').trim().split('\n');
  expect(written.map((line) => JSON.parse(line))).toEqual(lines.slice(1));
  expect(await run([...args, '--to', to])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('exists already'),
  });
  const missing = await run([...args, '--to', `${to}2`, '--customer', '01900000-0000-7000-8000-000000000000']);
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('has no customer with that id') });
  const nowhere = await run([...args, '--to', join(workspace.directory, 'none', 'demo.jsonl')]);
  expect(nowhere).toMatchObject({ code: 3, stderr: expect.stringContaining('does not exist. Create it') });
  expect(readdirSync(workspace.directory).filter((name) => /^demo|partial/.test(name))).toEqual([
    'demo.jsonl',
    'demo.jsonl.part',
  ]);
});

test('a customer into whom more are merged than an export takes is refused, not cut', async () => {
  const { customer_id, merged_into_customer_id } = ofKind('customer').find(({ status }) => status === 'merged');
  const database = new Database(workspace.db);
  const columns = database.pragma('table_info(customer)') as { name: string }[];
  const names = columns.map(({ name }) => name).filter((name) => name !== 'customer_id' && name !== 'row_no');
  database.exec(`WITH RECURSIVE n(no) AS (SELECT 1 UNION ALL SELECT no + 1 FROM n WHERE no < 1000)
    INSERT INTO customer (customer_id, ${names}) SELECT 'copy-' || no, ${names} FROM n, customer WHERE customer_id = '${customer_id}'`);
  database.close();
  await expect(exportedLines(store.driver, { customerId: merged_into_customer_id })).rejects.toThrow(
    'more than 1000 customers are merged',
  );
});
