/** The built program on PostgreSQL, as an operator runs it: commands, two servers on one database, and mistakes. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../src/doctor/finding.js';
import { readOnlyUrl } from '../../src/store/postgres/connection-url.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { queryAt } from '../support/postgres-driver.js';
import { type HttpProgram, openLine, run, runJson, scratch, startServer } from '../support/program.js';

const workspace = scratch();
const keyFile = join(workspace.directory, 'crm.key');
let database: TestDatabase;
let environment: Record<string, string>;
let headers: Record<string, string>;
let servers: readonly HttpProgram[];

beforeAll(async () => {
  database = await freshDatabase('empty');
  environment = { G3N_DB: database.url, G3N_KEY_FILE: keyFile };
  await runJson(['admin', 'org', 'create', 'ACME'], environment);
  const { api_key } = await runJson(['admin', 'key', 'create', 'ACME', '--owner'], environment);
  headers = { 'x-orgcode': 'ACME', 'x-api-key': String(api_key), 'x-logical-guid': 's-1', 'x-channel-code': 'pos' };
  servers = await Promise.all([1, 2].map(() => startServer(['--metrics-port', '0'], environment)));
});
afterAll(async () => {
  await Promise.all((servers ?? []).map(({ stop }) => stop()));
  await database?.drop();
  workspace.remove();
});

/** Posts to the REST surface of a server. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of envelopes they do not type
async function post(server: number, path: string, body: object, more: Record<string, string> = {}): Promise<any> {
  const url = new URL(`/crm/${path}`, servers[server]?.url);
  const sent = { 'content-type': 'application/json', ...headers, ...more };
  return (await fetch(url, { method: 'POST', headers: sent, body: JSON.stringify(body) })).json();
}

/** The database's URL with other parts. */
function changed(parts: Partial<Pick<URL, 'username' | 'password' | 'pathname'>>): string {
  return String(Object.assign(new URL(database.url), parts));
}

test('a command that makes no database leaves an empty one empty, and makes no key', async () => {
  const empty = await freshDatabase('empty');
  onTestFinished(() => empty.drop());
  const key = join(workspace.directory, 'none.key');
  const { code, stderr } = await run(['admin', 'key', 'create', 'ACME', '--owner'], {
    G3N_DB: empty.url,
    G3N_KEY_FILE: key,
  });
  expect([code, stderr]).toEqual([3, expect.stringContaining('has no tables of this program')]);
  expect(await queryAt(empty.url, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
  expect(existsSync(key)).toBe(false);
});

test('the first command makes the key file, for its user alone', () => {
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
});

describe('two servers on one database', () => {
  test('each shows its pool and its transactions as metrics', async () => {
    await post(0, 'customer/search', { q: 'x' });
    const text = await (await fetch(String(/Metrics: (\S+)/.exec(servers[0]?.stdout() ?? '')?.[1]))).text();
    expect(text).toMatch(/g3n_crm_database_connections{database="main",state="(in_use|idle)"} [1-9]/);
    expect(text).toContain('g3n_crm_database_connections_max{database="main"} 10');
    expect(text).toContain('g3n_crm_database_connections_waiting{database="main"} 0');
    expect(text).toMatch(/g3n_crm_database_transactions_total{database="main"} [1-9]/);
    expect(text).toContain('g3n_crm_database_retries_total{database="main",cause="conflict"}');
    expect(text).not.toContain('g3n_crm_write_queue_length');
  });

  test('what one writes the other reads, and a retry at the other is a replay', async () => {
    const customer = { customer: { caption: 'Anna', email: 'anna@example.com' }, idempotency_key: 'create-1' };
    const made = await post(0, 'customer/create', customer);
    expect(made).toMatchObject({ success: true });
    const read = await post(1, 'customer/get', { customer_id: made.data.customer_id });
    expect(read.data).toMatchObject({ email: 'anna@example.com' });
    const again = await post(1, 'customer/create', customer);
    expect(again).toMatchObject({ stats: { idempotent_replay: true }, data: made.data });
  });

  test('of sixteen equal calls at both, one acts', async () => {
    const { data } = await post(0, 'customer/create', { customer: { caption: 'Ben' } });
    const earn = { customer_id: data.customer_id, points: 10, reason: 'test', idempotency_key: 'adjust-1' };
    const answers = await Promise.all(Array.from({ length: 16 }, (_, n) => post(n % 2, 'loyalty/adjust', earn)));
    expect(answers.map(({ success }) => success)).toEqual(Array(16).fill(true));
    expect(answers.filter(({ stats }) => stats.idempotent_replay !== true)).toHaveLength(1);
    const ledger = await post(1, 'loyalty/ledger/list', { customer_id: data.customer_id });
    expect(ledger.data.items).toMatchObject([{ points: 10, balance_after: 10 }]);
  });

  test('rejected credentials count at both', async () => {
    const guess = (server: number) => post(server, 'customer/get', {}, { 'x-api-key': 'g3nk_guess' });
    const codes: string[] = [];
    for (let n = 0; n < 40; n += 1) codes.push((await guess(n % 2)).error.error_code);
    expect(codes.indexOf('crm.throttled')).toBeGreaterThanOrEqual(30);
    expect(codes.indexOf('crm.throttled')).toBeLessThanOrEqual(32);
    expect(await queryAt(database.url, 'SELECT key, points FROM rate_limit')).toContainEqual({
      key: expect.stringMatching(/^failures:[0-9a-f]{16}$/),
      points: expect.any(String),
    });
    expect(await post(0, 'customer/list', {})).toMatchObject({ success: true });
  });

  test('verify finds nothing wrong, and doctor names server, schema and key', async () => {
    const verification = await runJson(['verify'], environment);
    expect(verification).toMatchObject({ orgs: 1, disagreements: [] });
    expect(verification).not.toHaveProperty('file');
    const { findings } = (await runJson(['doctor', '--json'], environment)) as { findings: Finding[] };
    const of = (name: string) => findings.find(({ check }) => check === name);
    expect(of('database')?.found).toMatch(/^PostgreSQL \d+.* as g3n_test_\w+, UTF8, 1 org; needs no extension$/);
    expect(['schema', 'server key', 'connections', 'pooler', 'clock'].map((name) => of(name)?.verdict)).toEqual(
      Array(5).fill('ok'),
    );
    expect(JSON.stringify(findings)).not.toContain(new URL(database.url).password);
  });
});

test('a read-only server reads, and neither it nor its sessions write', async () => {
  const server = await startServer(['--read-only'], environment);
  const url = new URL('/crm/customer/create', server.url);
  const json = { 'content-type': 'application/json', ...headers };
  const answer = await fetch(url, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ customer: { caption: 'Cid' } }),
  });
  expect(answer.status).toBe(403);
  expect((await fetch(new URL('/readyz', server.url))).status).toBe(200);
  await server.stop();
  const insert = () => queryAt(readOnlyUrl(database.url), `INSERT INTO org VALUES ('EVIL', 'verified', 'x', 'x')`);
  await expect(insert()).rejects.toThrow('cannot execute INSERT in a read-only transaction');
  expect(await queryAt(database.url, `SELECT 1 FROM org WHERE orgcode = 'EVIL'`)).toEqual([]);
});

test.each([
  ['read-only', ['--read-only'], ''],
  ['on a file', [], 'crm.db'],
])('shared rate limits %s are refused before a database is opened', async (_name, more, file) => {
  const db = join(workspace.directory, file);
  const args = file === '' ? [...more] : ['--db', db];
  const unreachable = { ...environment, G3N_DB: changed({ pathname: '/nowhere' }) };
  const shared = await run(['http', '--port', '0', '--rate-limits', 'shared', ...args], unreachable);
  expect([shared.code, shared.stderr]).toEqual([2, expect.stringContaining('--rate-limits shared needs')]);
  expect(file !== '' && existsSync(db)).toBe(false);
});

test('stdio serves the same database', async () => {
  const caller = { G3N_ORGCODE: 'ACME', G3N_API_KEY: headers['x-api-key'] as string };
  const place = { G3N_LOGICAL_GUID: 's-1', G3N_CHANNEL_CODE: 'pos' };
  const line = await openLine([], { ...environment, ...caller, ...place });
  const { customer_id } = await line.call('crm_customer_create', { customer: { caption: 'Dora' } });
  const read = await post(0, 'customer/get', { customer_id });
  expect(read.data).toMatchObject({ caption: 'Dora' });
  line.running.child.stdin.end();
  expect((await line.running.ended).code).toBe(0);
});

test('two servers that make the demo org in a new database at the same time both serve it', async () => {
  const fresh = await freshDatabase('empty');
  onTestFinished(() => fresh.drop());
  const shared = { G3N_DB: fresh.url, G3N_KEY_FILE: join(workspace.directory, 'demo.key') };
  const both = await Promise.all([1, 2].map(() => startServer(['--demo'], shared)));
  const keys = both.map((server) => /owner\s+x-api-key: (g3nk_demo_\S+)/.exec(server.stdout())?.[1]);
  expect([typeof keys[0], keys[1]]).toEqual(['string', keys[0]]);
  for (const server of both) {
    const demo = { ...headers, 'content-type': 'application/json', 'x-orgcode': 'DEMO', 'x-api-key': String(keys[0]) };
    const answer = await fetch(new URL('/crm/customer/list', server.url), {
      method: 'POST',
      headers: demo,
      body: '{}',
    });
    expect(answer.status).toBe(200);
    expect((await server.stop()).code).toBe(0);
  }
  expect(await runJson(['verify'], shared)).toMatchObject({ orgs: 1, disagreements: [] });
  const inDemo = 'SELECT COUNT(*)::int AS keys FROM api_key';
  expect((await queryAt(fresh.url, inDemo))[0].keys).toBeLessThan(20);
});

test('SIGTERM ends a server after its calls, with exit code 0', async () => {
  const server = await startServer([], environment);
  expect((await server.stop()).code).toBe(0);
});

describe('mistakes', () => {
  const mistake = (args: readonly string[], more: Record<string, string> = {}) =>
    run([...args, '--port', '0'], { ...environment, ...more });

  test.each([
    ['a wrong password', () => changed({ password: 'wrong-secret' }), 'rejected the user or password'],
    ['an unknown database', () => changed({ pathname: '/nowhere' }), 'there is no database'],
    ['a superuser', () => database.adminUrl, 'is a superuser'],
  ])('%s: exit code 3, and no password is printed', async (_name, url, message) => {
    const { code, stderr } = await mistake(['http'], { G3N_DB: url() });
    expect([code, stderr]).toEqual([3, expect.stringContaining(message)]);
    expect(stderr).not.toContain(new URL(url()).password);
  });

  test('no key file: exit code 2, and what to do', async () => {
    const { code, stderr } = await run(['verify'], { G3N_DB: database.url });
    expect([code, stderr]).toEqual([2, expect.stringContaining('name it with --key-file or G3N_KEY_FILE')]);
  });

  test('a second server without the key, or with another, does not invent one', async () => {
    const other = join(workspace.directory, 'other.key');
    const missing = await mistake(['http', '--key-file', other]);
    expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('copy it from another server')]);
    expect(existsSync(other)).toBe(false);
    writeFileSync(other, 'a'.repeat(64), { mode: 0o600 });
    const wrong = await mistake(['http', '--key-file', other]);
    expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining('does not belong to this database')]);
  });

  test('a URL that cannot be read: exit code 2, without the URL', async () => {
    const { code, stderr } = await mistake(['http'], { G3N_DB: 'postgres://u:secret-word@host:99999/x' });
    expect([code, stderr]).toEqual([2, expect.stringContaining('port')]);
    expect(stderr).not.toContain('secret-word');
  });

  test('a password on the command line works, with a warning that does not repeat it', async () => {
    const { code, stderr } = await run(['verify', '--db', database.url, '--key-file', keyFile]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('list of processes')]);
    expect(stderr).not.toContain(new URL(database.url).password);
  });
});
