/** `admin import` and `admin export` on groups of PostgreSQL: rows that fail beside others, a kill, a second run. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryAt } from '../support/postgres-driver.js';
import { type TestGroups, testGroups } from '../support/postgres-groups.js';
import { run, runJson, scratch, start } from '../support/program.js';

const ROWS = 600;
const workspace = scratch();
const file = join(workspace.directory, 'customers.csv');
let groups: TestGroups;
let environment: Record<string, string>;

beforeAll(async () => {
  groups = await testGroups();
  const list = join(workspace.directory, 'groups.json');
  writeFileSync(list, JSON.stringify({ b: groups.b.url }), { mode: 0o600 });
  environment = { G3N_DB: groups.a.url, G3N_KEY_FILE: groups.keyPath, G3N_GROUPS: list };
  await runJson(['admin', 'org', 'create', 'ACME', '--group', 'b'], environment);
  const rows = Array.from({ length: ROWS }, (_, n) => `K-${n},Kim ${n},k${n % 10 === 9 ? 0 : n}@example.com,7`);
  writeFileSync(file, ['id,name,email,points', ...rows].join('\n'));
});
afterAll(async () => {
  await groups?.end();
  workspace.remove();
});

const COUNT = `SELECT (SELECT COUNT(*) FROM customer)::int AS customers, (SELECT SUM(points) FROM loyalty_txn)::int AS points`;
const counted = async () => (await queryAt(groups.b.adminUrl, COUNT))[0] as { customers: number; points: number };

test('killed halfway and run again, every customer and balance is there once', { timeout: 120_000 }, async () => {
  const args = ['admin', 'import', file, '--org', 'ACME'];
  const { child, ended } = start(args, environment);
  while ((await counted()).customers < 50) await pause(20);
  child.kill('SIGKILL');
  await ended;
  const { customers } = await counted();
  const { code, stdout } = await run(args, environment);
  expect(code).toBe(1);
  const good = ROWS * 0.9;
  expect(JSON.parse(stdout)).toMatchObject({ created: good - customers, existing: customers, failed: ROWS * 0.1 });
  expect(await counted()).toEqual({ customers: good, points: good * 7 });
  expect((await runJson(['verify'], environment)).disagreements).toEqual([]);
  const exported = (await run(['admin', 'export', '--org', 'ACME'], environment)).stdout.trim().split('\n');
  expect(JSON.parse(exported.at(-1) ?? '')).toMatchObject({
    kind: 'end',
    counts: { customer: good, loyalty_txn: good },
  });
});
