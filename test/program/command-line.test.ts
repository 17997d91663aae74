/** The command line: help, exit codes, and administration while a server runs on the same file. */
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLine, run, runJson, scratch, startHttp } from '../support/program.js';
import { ask, initialize, message, openSession, openStream } from '../support/sessions.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
const { db } = workspace;
let owner: Record<string, string>;
beforeAll(async () => {
  owner = await setUpOrg(db);
});
afterAll(workspace.remove);

describe('help', () => {
  test('exits 0 and names commands, variables and exit codes', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: g3n-crm-mcp');
    for (const word of ['stdio', 'http', 'admin', 'verify', 'G3N_API_KEY', 'Exit codes', 'Examples']) {
      expect(stdout).toContain(word);
    }
  });

  test('--version prints the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect((await run(['--version'])).stdout.trim()).toBe(version);
  });
});

test('an unknown command exits 2, prints a remedy to stderr and nothing to stdout', async () => {
  const { code, stdout, stderr } = await run(['serve']);
  expect(stderr).toMatch(/unknown command/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

describe('a failure exits 1 with one line', () => {
  test('an org that exists', async () => {
    const { code, stdout, stderr } = await run(['admin', 'org', 'create', 'ACME', '--db', db]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .+\n$/);
  });

  test('a port that is taken', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await run(['http', '--port', String(port), '--db', db]);
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: port \d+ is taken: .*--port.*\n$/);
  });
});

test('a file that is not a database exits 3 with one line', async () => {
  const { code, stderr } = await run(['admin', 'org', 'create', 'ACME', '--db', 'package.json']);
  expect(code).toBe(3);
  expect(stderr).toMatch(/^error: .+\n$/);
});

test('only their owner can read database and server key', () => {
  for (const file of [db, `${db}.key`]) expect(statSync(file).mode & 0o077).toBe(0);
});

describe('while a server runs on the same file', () => {
  test('a new key works at once, and a revoked one stops working', async () => {
    const line = await openLine(['--db', db], owner);
    await line.call('crm_stat', {});
    const { api_key, fingerprint } = await runJson([
      'admin',
      'key',
      'create',
      'ACME',
      '--roles',
      'crm_view',
      '--db',
      db,
    ]);
    expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
    const second = await openLine(['--db', db], { ...owner, G3N_API_KEY: api_key });
    expect(await second.call('crm_stat', {})).toMatchObject({ caller: { owner: false, roles: ['crm_view'] } });
    await runJson(['admin', 'key', 'revoke', fingerprint, '--db', db]);
    await expect(second.call('crm_stat', {})).rejects.toThrow('crm.credentials_invalid');
    await line.call('crm_stat', {});
    await Promise.all([line.running.stop(), second.running.stop()]);
  });

  test('a suspended org can be read but not written until it is verified again', async () => {
    const line = await openLine(['--db', db], owner);
    const customer = { customer: { caption: 'Before' } };
    await line.call('crm_customer_create', customer);
    await runJson(['admin', 'org', 'set', 'ACME', '--status', 'suspended', '--db', db]);
    await expect(line.call('crm_customer_create', customer)).rejects.toThrow('crm.org_write_blocked');
    expect((await line.call('crm_customer_list', {})).items.length).toBeGreaterThan(0);
    await runJson(['admin', 'org', 'set', 'ACME', '--status', 'verified', '--db', db]);
    await line.call('crm_customer_create', customer);
    await line.running.stop();
  });

  test('a session expires after --ttl', async () => {
    const args = ['admin', 'session', 'create', 'ACME', '--user', 'sam', '--roles', 'crm_view', '--ttl', '6'];
    const { session_guid } = await runJson([...args, '--db', db]);
    const expired = new Promise((done) => setTimeout(done, 6_200)); // starting a server takes seconds under load
    const { G3N_API_KEY: _, ...rest } = owner;
    const line = await openLine(['--db', db], { ...rest, G3N_SESSION_GUID: session_guid });
    expect(await line.call('crm_stat', {})).toMatchObject({ caller: { context_source: 'session' } });
    await expired;
    await expect(line.call('crm_stat', {})).rejects.toThrow('crm.credentials_invalid');
    await line.running.stop();
  });

  test('verify passes, and after a tampered balance exits 1 and names the customer', async () => {
    const line = await openLine(['--db', db], owner);
    const { customer_id } = await line.call('crm_customer_create', { customer: { caption: 'Tampered' } });
    await line.call('crm_loyalty_earn', { customer_id, points: 100 });
    expect((await run(['verify', '--db', db])).code).toBe(0);
    await line.running.stop();
    const raw = new Database(db);
    raw.prepare('UPDATE loyalty_account SET points_balance = 1000 WHERE customer_id = ?').run(customer_id);
    raw.close();
    const { code, stdout } = await run(['verify', '--db', db]);
    expect(code).toBe(1);
    expect(JSON.stringify(JSON.parse(stdout).disagreements)).toContain(customer_id);
  });
});

test('a session closes after --session-idle-seconds, and --max-sessions limits concurrent sessions', async () => {
  const args = ['--session-idle-seconds', '1', '--max-sessions', '1'];
  const server = await startHttp(db, args);
  const headers = { 'x-orgcode': String(owner.G3N_ORGCODE), 'x-api-key': String(owner.G3N_API_KEY) };
  const session = await openSession(server.url, headers);
  const stream = await openStream(server.url, { headers: session });
  const other = { ...headers, 'x-api-key': String((await setUpOrg(db)).G3N_API_KEY) };
  await new Promise((resolve) => setTimeout(resolve, 1500)); // in use all the time
  expect((await ask(server.url, { headers: other, body: initialize() })).status).toBe(429);
  stream.drop();
  const reopened = async () => (await ask(server.url, { headers: other, body: initialize() })).status;
  await expect.poll(reopened, { timeout: 30_000 }).toBe(200);
  expect((await ask(server.url, { headers: session, body: message('tools/list') })).status).toBe(404);
  await server.stop();
});

describe('--demo', () => {
  const demo = scratch();
  afterAll(demo.remove);

  test('seeds the file once, and prints the same keys at every start', async () => {
    const first = await startHttp(demo.db, ['--demo']);
    const keys = first.stdout().match(/g3nk_demo_[\w-]+/g);
    await first.stop();
    const second = await startHttp(demo.db, ['--demo']);
    expect(second.stdout().match(/g3nk_demo_[\w-]+/g)).toEqual(keys);
    await second.stop();
    const rows = new Database(demo.db, { readonly: true });
    const living = `SELECT count(*) AS n FROM customer WHERE status = 'active'`;
    expect(rows.prepare(living).get()).toEqual({ n: 200 });
    rows.close();
    expect((await run(['verify', '--db', demo.db])).code).toBe(0);
  });

  test('prints a configuration for a client and for the Inspector', async () => {
    const server = await startHttp(demo.db, ['--demo']);
    const text = server.stdout();
    await server.stop();
    expect(text).toContain('claude mcp add --transport http');
    expect(text).toContain('@modelcontextprotocol/inspector --cli');
    for (const role of ['owner', 'crm_view', 'loyalty_admin', 'giftcard_admin']) expect(text).toContain(role);
  });
});
