/** `admin import` as an operator runs it on a file: what it adds, what it refuses, and that a second run adds nothing. */
import { chmodSync, existsSync, linkSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, runJson, scratch, start } from '../support/program.js';

const workspace = scratch();
const at = (name: string) => join(workspace.directory, name);
const report = at('report.jsonl');

beforeAll(async () => {
  await runJson(['admin', 'org', 'create', 'ACME', '--db', workspace.db]);
});
afterAll(workspace.remove);

function write(name: string, content: string | Buffer): string {
  writeFileSync(at(name), content);
  return at(name);
}

async function importFile(file: string, ...more: string[]) {
  const { code, stdout, stderr } = await run(['admin', 'import', file, '--org', 'ACME', '--db', workspace.db, ...more]);
  return { code, stderr, result: stdout === '' ? undefined : JSON.parse(stdout) };
}

// biome-ignore lint/suspicious/noExplicitAny: tests read columns they do not type
function query(sql: string, ...args: unknown[]): any[] {
  const database = new Database(workspace.db, { readonly: true });
  try {
    return database.prepare(sql).all(...args);
  } finally {
    database.close();
  }
}

const HEADER =
  'Customer ID;First Name;Last Name;E-Mail;Phone;Street;City;Country;Tags;consent.marketing_email;Points;Note';
const LITERAL = '"=HYPERLINK(""http://x.example"")"';
const MIXED = [
  HEADER,
  `C-1;Anna;Smith;Anna@Example.com;+12125550101;"1 Main Street\nBack house";Berlin;DE;vip|new;granted;250;x`,
  `C-2;${LITERAL};@SUM(A1);cmd@example.com;;;;;;;;-1+1`,
  'C-3;Carla;Secret;not-an-address;+12125550103;;;usa;;;;',
  'C-4;Dan;Secret;anna@example.com;;;;;;maybe;12.5;',
  'C-5;Emma;Secret;anna@example.com;;;;;;;;',
  ';Finn;Secret;finn@example.com;;;;;;;;',
  'C-1;Gina;Secret;gina@example.com;;;;;;;;',
  'C-8;Hugo;"Sec"ret;hugo@example.com;;;;;;;;',
  'C-9;Ida;Good;ida@example.com;;;;;;withdrawn;-5;',
  'C-10;Jo;Good;jo@example.com;;;;;;;;',
].join('\n');

test('a column that nobody named is refused before a database is opened', async () => {
  const file = write('mixed.csv', MIXED);
  const { code, stderr } = await run(['admin', 'import', file, '--org', 'ACME', '--db', at('nowhere.db')]);
  expect(code).toBe(2);
  expect(stderr).toContain('not known what to do with the column "Note"');
  expect(existsSync(at('nowhere.db'))).toBe(false);
});

const FAILURES = [
  [3, 'E-Mail', 'crm.validation_failed'],
  [3, 'Country', 'crm.validation_failed'],
  [4, 'consent.marketing_email', 'crm.validation_failed'],
  [4, 'Points', 'crm.validation_failed'],
  [5, 'E-Mail', expect.stringMatching(/^(crm.customer_exists|import.duplicate_row)$/)],
  [6, 'Customer ID', 'import.external_ref_missing'],
  [7, 'Customer ID', 'import.duplicate_row'],
  [8, undefined, 'import.unreadable_row'],
  [9, undefined, 'crm.loyalty_insufficient_points'],
];

function reported() {
  const lines = readFileSync(report, 'utf8').trim().split('\n');
  const issues = lines.map((line) => JSON.parse(line)).sort((a, b) => a.row - b.row);
  return issues.map(({ row, column, code }) => [row, column, code]);
}

test('a dry run reports every row that fails, and changes nothing', async () => {
  chmodSync(write('report.jsonl', 'of an earlier run'), 0o644);
  const dry = await importFile(at('mixed.csv'), '--map', 'ignore=Note', '--dry-run', '--report', report);
  expect(dry.code).toBe(1);
  expect(dry.result).toMatchObject({ rows: 10, created: 3, existing: 0, failed: 7, dry_run: true });
  expect(reported()).toEqual(FAILURES);
  expect(statSync(report).mode & 0o777).toBe(0o600);
  expect(
    query(`SELECT (SELECT COUNT(*) FROM customer) + (SELECT COUNT(*) FROM journal WHERE endpoint LIKE '/%') AS rows`),
  ).toEqual([{ rows: 0 }]);
});

test('bad rows lose nothing else; values are kept literally, and no report or error has one', async () => {
  const { code, result, stderr } = await importFile(at('mixed.csv'), '--map', 'ignore=Note', '--report', report);
  expect(code).toBe(1);
  expect(result).toMatchObject({ rows: 10, created: 3, failed: 7, opening_balances: 1, complete: true });
  expect(reported()).toEqual(FAILURES);
  expect(readFileSync(report, 'utf8') + stderr + JSON.stringify(result)).not.toMatch(/Secret|@example|2125550/i);
  expect(
    query('SELECT given_name, family_name, email, phone, addresses, tags, consents FROM customer ORDER BY row_no'),
  ).toEqual([
    expect.objectContaining({
      email: 'anna@example.com',
      addresses: JSON.stringify([{ line1: '1 Main Street\nBack house', city: 'Berlin', country: 'DE' }]),
      tags: '["vip","new"]',
      consents: '{"marketing_email":"granted"}',
    }),
    expect.objectContaining({ given_name: '=HYPERLINK("http://x.example")', family_name: '@SUM(A1)' }),
    expect.objectContaining({ given_name: 'Jo' }),
  ]);
  expect(query('SELECT kind, points, reason, policy_version FROM loyalty_txn')).toEqual([
    { kind: 'adjust', points: 250, reason: 'Opening balance', policy_version: 0 },
  ]);
});

test('the journal names the operator, the file and the row', async () => {
  await importFile(write('one.jsonl', '{"external_ref":"J-1","caption":"From JSON","tags":["a"]}'));
  expect(query('SELECT endpoint, actor, reason, reason_code FROM journal ORDER BY journal_no DESC LIMIT 1')).toEqual([
    {
      endpoint: '/customer/create',
      actor: expect.stringMatching(/^operator:\S+$/),
      reason: 'import of one.jsonl, row 1',
      reason_code: 'SYSTEM.IMPORT',
    },
  ]);
});

test('a second run adds nothing, and posts an opening balance that a customer never got, once', async () => {
  const corrected = MIXED.replace(';;;-1+1', ';;75;-1+1');
  for (const opening_balances of [1, 0]) {
    const { result } = await importFile(write('mixed.csv', corrected), '--map', 'ignore=Note');
    expect(result).toMatchObject({ created: 0, existing: 3, opening_balances });
  }
  expect(query('SELECT points FROM loyalty_txn ORDER BY points')).toEqual([{ points: 75 }, { points: 250 }]);
});

test('a map file names columns and translates values', async () => {
  const map = write(
    'map.yaml',
    'columns: { Nr: external_ref, Wer: caption, News: consent.marketing_sms }\nvalues: { News: { J: granted, N: denied } }\nref_system: till\n',
  );
  const file = write('kasse.tsv', '\uFEFFNr\tWer\tNews\n1\tKarl\tJ\n2\tLisa\tN\n');
  const { code, result } = await importFile(file, '--map', map);
  expect({ code, result }).toMatchObject({ code: 0, result: { created: 2 } });
  expect(
    query(`SELECT ref, consents FROM customer_ref NATURAL JOIN customer WHERE system = 'till' ORDER BY ref`),
  ).toEqual([
    { ref: '1', consents: '{"marketing_sms":"granted"}' },
    { ref: '2', consents: '{"marketing_sms":"denied"}' },
  ]);
});

const WRONG_VALUES = [
  [{ external_refs: [null] }, 'external_refs'],
  [{ attributes: 5 }, 'attributes'],
  [{ attributes: ['a'] }, 'attributes'],
  [{ addresses: 'x' }, 'addresses'],
  [{ addresses: 'x', 'address.city': 'Berlin' }, 'addresses'],
  [{ consents: 'granted' }, 'consents'],
  [{ consents: [] }, 'consents'],
  [{ 'ref.till': { no: 1 } }, 'external_refs'],
] as const;

test('JSON lines: a value of the wrong type fails its row alone, and nothing is left out silently', async () => {
  const wrong = WRONG_VALUES.map(([values], no) => ({ external_ref: `W-${no}`, caption: 'W', ...values }));
  const rows = [
    ...wrong,
    { external_ref: { no: 1 } },
    { external_ref: 7, caption: 'W', attributes: { a: 'b' }, addresses: [] },
  ];
  const file = write('wrong.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
  const { result } = await importFile(file, '--report', report);
  expect(result).toMatchObject({ rows: rows.length, created: 1, failed: rows.length - 1 });
  expect(reported()).toEqual([
    ...WRONG_VALUES.map(([, column], index) => [index + 1, column, 'crm.validation_failed']),
    [rows.length - 1, 'external_ref', 'import.external_ref_missing'],
  ]);
});

test('JSON lines: a column that comes after the first hundred objects fails its row, unless --map names it', async () => {
  const rows = Array.from({ length: 100 }, (_, no) => ({ external_ref: `L-${no}`, caption: 'L' }));
  const late = { external_ref: 'L-100', caption: 'L', birth_date: '1990-12-31', shoe: 42 };
  const file = write('late.jsonl', [...rows, late].map((row) => JSON.stringify(row)).join('\n'));
  const { result } = await importFile(file, '--report', report);
  expect(result).toMatchObject({ created: 100, failed: 1 });
  expect(reported()).toEqual([[101, 'birth_date', 'import.unknown_column']]);
  const mapped = await importFile(file, '--map', 'ignore=shoe');
  expect(mapped.result).toMatchObject({ created: 1, existing: 100, failed: 0 });
  expect(query(`SELECT birth_date FROM customer_ref NATURAL JOIN customer WHERE ref = 'L-100'`)).toEqual([
    { birth_date: '1990-12-31' },
  ]);
  const { code, stderr } = await importFile(file, '--map', 'ignore=shoo');
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('has no column "shoo"') });
});

test('a report is never written over a file that the import reads', async () => {
  const file = write('own.csv', 'id,name\nO-1,Olga\n');
  linkSync(file, at('linked.csv'));
  for (const taken of [file, at('linked.csv'), workspace.db, `${workspace.db}.key`]) {
    const before = readFileSync(taken);
    const { code, stderr } = await importFile(file, '--report', taken);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('which it would empty') });
    expect(readFileSync(taken).equals(before)).toBe(true);
  }
});

test('a file that is not UTF-8 is refused with one clear line', async () => {
  const { code, stderr } = await importFile(write('bad.csv', Buffer.from('id,name\n1,J\xfcrgen\n', 'latin1')));
  expect(code).toBe(2);
  expect(stderr).toContain('the file is not UTF-8');
});

test('--max-errors stops, and what was added stays', async () => {
  const rows = Array.from({ length: 9 }, (_, n) => `M-${n},${n % 2 === 0 ? `m${n}@example.com` : 'wrong'}`);
  const { result } = await importFile(write('many.csv', ['id,email', ...rows].join('\n')), '--max-errors', '1');
  expect(result).toMatchObject({ rows: 4, created: 2, failed: 2, complete: false });
});

test('killed halfway and run again, every customer and balance is there once', { timeout: 120_000 }, async () => {
  const rows = Array.from({ length: 1500 }, (_, n) => `K-${n},Kim ${n},k${n}@example.com,7`);
  const file = write('killed.csv', ['id,name,email,points', ...rows].join('\n'));
  const { child, ended } = start(['admin', 'import', file, '--org', 'ACME', '--db', workspace.db]);
  const loaded = () => query(`SELECT COUNT(*) AS n FROM customer_ref WHERE ref LIKE 'K-%'`)[0].n as number;
  while (loaded() < 200) await pause(5);
  child.kill('SIGKILL');
  await ended;
  const before = loaded();
  expect(before).toBeLessThan(1500);
  const { result } = await importFile(file);
  expect(result).toMatchObject({
    created: 1500 - before,
    existing: before,
    failed: 0,
    opening_balances: 1500 - before,
  });
  expect(query(`SELECT COUNT(*) AS n, SUM(points) AS points FROM loyalty_txn WHERE points = 7`)).toEqual([
    { n: 1500, points: 10_500 },
  ]);
  expect((await runJson(['verify', '--db', workspace.db])).disagreements).toEqual([]);
});
