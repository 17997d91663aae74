/** The program as a gateway in front of another instance, over real HTTP. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpProgram, openLine, run, runJson, scratch, startHttp, startServer } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';
import type { Data } from '../support/world.js';

const workspace = scratch();
const gatewayDb = join(workspace.directory, 'gateway.db');
let upstream: HttpProgram;
let base: string;
let environment: Record<string, string>;
beforeAll(async () => {
  environment = await setUpOrg(workspace.db);
  upstream = await startHttp(workspace.db);
  base = upstream.url.replace(/mcp$/, 'crm');
});
afterAll(async () => {
  await upstream.stop();
  workspace.remove();
});

const through = (...more: string[]) => ['--gateway', base, '--gateway-db', gatewayDb, ...more];

describe('stdio in front of a CRM', () => {
  test('offers the operations of the live API, and calls it as the caller in the environment', async () => {
    const line = await openLine(through(), environment);
    const { result } = await line.request('tools/list');
    const names = result.tools.map(({ name }: { name: string }) => name);
    expect(names).toHaveLength(54);
    expect(names).not.toContain('crm_customer_update');
    const { customer_id } = await line.call('crm_customer_create', { customer: { caption: 'Mia Berg' } });
    expect(await line.call('crm_customer_get', { customer_id })).toMatchObject({ caption: 'Mia Berg' });
    await line.running.stop();
  });

  test('offers the operations of an OpenAPI document, including its extensions', async () => {
    const line = await openLine(through('--openapi', `${base}/openapi.yaml`), environment);
    const { result } = await line.request('tools/list');
    expect(result.tools).toHaveLength(58);
    const { customer_id, revision } = await line.call('crm_customer_create', { customer: { caption: 'Ola' } });
    const change = { customer_id, customer: { caption: 'Ola B' }, expected_revision: revision };
    expect(await line.call('crm_customer_update', change)).toMatchObject({ caption: 'Ola B' });
    await line.running.stop();
  });

  test('reports what it omits from a document, and serves the rest', async () => {
    const file = join(workspace.directory, 'half.json');
    const get = {
      operationId: 'read_it',
      parameters: [{ name: 'theme', in: 'cookie', schema: { type: 'string' } }],
      responses: { 200: { description: 'ok' } },
    };
    const form = { content: { 'multipart/mixed': { schema: { type: 'object' } } }, required: true };
    const paths = { '/it': { get, post: { ...get, operationId: 'write_it', parameters: [], requestBody: form } } };
    writeFileSync(file, JSON.stringify({ openapi: '3.0.3', info: { title: 'Half', version: '1' }, paths }));
    const line = await openLine(through('--openapi', file), environment);
    const { result } = await line.request('tools/list');
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['crm_read_it']);
    const { stderr } = await line.running.stop();
    expect(stderr).toContain('2 operations in the document, 1 offered as tools, 1 left out');
    expect(stderr).toContain('POST /it: body is multipart/mixed, which cannot be sent');
    expect(stderr).toContain('1 parts of offered operations left out');
    expect(stderr).toContain('GET /it: cookie parameter theme is a cookie');
  });

  test('keeps idempotency records across restarts: a known key is replayed, not sent', async () => {
    const args = { customer: { caption: 'Once' }, idempotency_key: 'over-the-end' };
    const first = await openLine(through(), environment);
    const made = await first.call('crm_customer_create', args);
    await first.running.stop('SIGKILL');
    const second = await openLine(through(), environment);
    const { result } = await second.request('tools/call', { name: 'crm_customer_create', arguments: args });
    expect(result.structuredContent.data.customer_id).toBe(made.customer_id);
    expect(result._meta.stats.idempotent_replay).toBe(true);
    await second.running.stop();
  });
});

describe('http in front of a CRM', () => {
  test('sends the credential that it holds for a key, never the key, and rejects other keys', async () => {
    const secret = String(environment.G3N_API_KEY);
    const held = await runJson(['admin', 'upstream', 'add', 'acme', '--gateway-db', gatewayDb, '--name', 'till'], {
      G3N_UPSTREAM_CREDENTIAL: secret,
    });
    const server = await startServer(through());
    const stat = async (key: string) => {
      const headers = { 'x-orgcode': 'ACME', 'x-api-key': key };
      const response = await fetch(`${server.url.replace(/mcp$/, 'crm')}/stat`, { headers });
      return { status: response.status, envelope: (await response.json()) as Data };
    };
    const known = await stat(held.caller_key);
    expect(known).toMatchObject({ status: 200, envelope: { data: { caller: { owner: true } } } });
    expect(await stat(secret)).toMatchObject({
      status: 401,
      envelope: { error: { error_code: 'crm.credentials_invalid' } },
    });
    const tried = await runJson(['admin', 'upstream', 'test', held.fingerprint, ...through()]);
    expect(tried).toMatchObject({ fingerprint: held.fingerprint, orgcode: 'ACME', accepted: true, owner: true });
    const closed = ['--gateway', 'http://127.0.0.1:9/crm', '--gateway-db', gatewayDb, '--deadline-ms', '3000'];
    const failed = await run(['admin', 'upstream', 'test', held.fingerprint, ...closed]);
    expect([failed.code, JSON.parse(failed.stdout)]).toMatchObject([
      1,
      { accepted: false, error_code: expect.any(String) },
    ]);
    const listed = await run(['admin', 'upstream', 'list', '--gateway-db', gatewayDb]);
    expect(listed.stdout).toContain(held.fingerprint);
    await runJson(['admin', 'upstream', 'revoke', held.fingerprint, '--gateway-db', gatewayDb]);
    expect((await stat(held.caller_key)).status).toBe(401);
    const { stdout, stderr } = await server.stop();
    for (const text of [listed.stdout, stdout, stderr, failed.stdout, JSON.stringify([known, tried])]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(held.caller_key);
    }
  });

  test('goes on while the server key of its database is rotated, and an old generation is retired', async () => {
    const db = join(workspace.directory, 'rotated.db');
    const at = ['--gateway-db', db];
    const serverKey = (...args: string[]) => ['admin', 'server-key', ...args, ...at];
    const secret = { G3N_UPSTREAM_CREDENTIAL: String(environment.G3N_API_KEY) };
    const { caller_key } = await runJson(['admin', 'upstream', 'add', 'ACME', ...at], secret);
    const server = await startServer(['--gateway', base, ...at]);
    const headers = { 'x-orgcode': 'ACME', 'x-api-key': caller_key };
    const stat = async () => (await fetch(`${server.url.replace(/mcp$/, 'crm')}/stat`, { headers })).status;
    expect(await runJson(serverKey('rotate'))).toEqual({ current: 1, before: 0, encrypted: 1 });
    const refused = await run(serverKey('retire', '0'));
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('still needed by 1 caller_keys')]);
    // The caller's key is hashed again after the answer to a call, once the server has seen the rotation.
    const retired = async () => {
      expect(await stat()).toBe(200);
      return (await run(serverKey('retire', '0'))).stdout.replaceAll(/\s/g, '');
    };
    await expect.poll(retired, { timeout: 20_000 }).toBe('{"retired":0,"ended":{}}');
    expect(await stat()).toBe(200);
    const to = join(workspace.directory, 'copy.db');
    const backup = ['admin', 'backup', ...at, '--to', to, '--with-key'];
    expect(await runJson(backup)).toMatchObject({ backup: to, file: 'ok', bytes: expect.any(Number) });
    expect(await run(backup)).toMatchObject({ code: 3, stderr: expect.stringContaining('exists already') });
    const copied = await runJson(['admin', 'upstream', 'list', '--gateway-db', to]);
    expect(copied).toEqual(await runJson(['admin', 'upstream', 'list', ...at]));
    const again = join(workspace.directory, 'again.db');
    const restore = ['admin', 'restore', '--from', to];
    expect(await runJson([...restore, '--gateway-db', again])).toMatchObject({ restored: again, file: 'ok' });
    expect(await runJson(['admin', 'upstream', 'list', '--gateway-db', again])).toEqual(copied);
    const [asCrm, otherKey, crm] = await Promise.all([
      run([...restore, '--db', `${again}.crm`]),
      run([...restore, '--gateway-db', `${again}.other`, '--key-file', `${workspace.db}.key`]),
      run(['admin', 'restore', '--from', workspace.db, '--gateway-db', `${again}.other`]),
    ]);
    expect([asCrm.code, asCrm.stderr]).toEqual([3, expect.stringContaining('Name it with --gateway-db')]);
    expect([otherKey.code, otherKey.stderr]).toEqual([3, expect.stringContaining('this key file lacks')]);
    expect([crm.code, crm.stderr]).toEqual([3, expect.stringContaining('not the database of a gateway')]);
    expect(readdirSync(workspace.directory).filter((name) => /again\.db\.(crm|other)/.test(name))).toEqual([]);
    expect([statSync(to).mode & 0o777, statSync(`${to}.key`).mode & 0o777]).toEqual([0o600, 0o600]);
    const { generations } = await runJson(serverKey('status'));
    expect(generations).toMatchObject([{ state: 'retired' }, { state: 'current', caller_keys: 1 }]);
    const both = await run([...serverKey('status'), '--db', db]);
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('give one of them')]);
    const { stderr } = await server.stop();
    expect(stderr).not.toMatch(/"level":"(warn|error)"/);
  }, 60_000);

  test('admin upstream takes the key file that the server takes', async () => {
    const [db, key] = ['held.db', 'held.key'].map((name) => join(workspace.directory, name)) as [string, string];
    const at = ['--gateway-db', db, '--key-file', key];
    const secret = { G3N_UPSTREAM_CREDENTIAL: String(environment.G3N_API_KEY) };
    const { fingerprint } = await runJson(['admin', 'upstream', 'add', 'ACME', ...at], secret);
    expect([existsSync(key), existsSync(`${db}.key`)]).toEqual([true, false]);
    const { callers } = await runJson(['admin', 'upstream', 'list', ...at]);
    expect(callers).toMatchObject([{ fingerprint }]);
    await runJson(['admin', 'upstream', 'replace', fingerprint, ...at], secret);
    await runJson(['admin', 'upstream', 'revoke', fingerprint, ...at]);
  });

  test("sends the caller's own credential with --upstream-auth direct", async () => {
    const server = await startServer(through('--upstream-auth', 'direct'));
    const response = await fetch(`${server.url.replace(/mcp$/, 'crm')}/stat`, {
      headers: { 'x-orgcode': 'ACME', 'x-api-key': String(environment.G3N_API_KEY) },
    });
    expect(response.status).toBe(200);
    const { stats } = (await response.json()) as Data; // the upstream's: each connection names its own call
    expect(response.headers.get('x-request-id')).not.toBe(stats.request_id);
    await server.stop();
  });
});

describe('invalid gateway flags end the program with a reason', () => {
  test.each([
    ['--db with --gateway', ['--gateway', 'https://crm.example/crm', '--db', 'x.db'], '--gateway forwards calls'],
    ['--demo with --gateway', ['--gateway', 'https://crm.example/crm', '--demo'], '--demo fills the embedded database'],
    ['--openapi without --gateway', ['--openapi', 'x.yaml'], 'give --gateway too'],
    ['a URL without TLS', ['--gateway', 'http://crm.example/crm', '--gateway-db', ':memory:'], 'must be https'],
    ['an invalid URL', ['--gateway', 'crm.example', '--gateway-db', ':memory:'], 'is not a URL'],
    [
      'an invalid proxy',
      ['--gateway', 'https://crm.example/crm', '--proxy', 'http://user:pa#S3CRET@proxy'],
      '--proxy is not a URL',
    ],
    ['an invalid deadline', ['--gateway', 'https://crm.example/crm', '--deadline-ms', 'soon'], 'whole number'],
    ['a missing document', ['--gateway', 'https://crm.example/crm', '--openapi', 'nowhere.yaml'], 'nowhere.yaml'],
  ])('%s', async (_name, args, words) => {
    const { code, stderr } = await run(['stdio', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(stderr).not.toContain('S3CRET');
  });

  test('the secret is read only from the environment or stdin', async () => {
    const { code, stderr } = await run(['admin', 'upstream', 'add', 'ACME', '--gateway-db', gatewayDb]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('G3N_UPSTREAM_CREDENTIAL')]);
  });
});
