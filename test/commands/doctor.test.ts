/** The doctor: every finding is ok, warn or fail with a remedy, and nothing that it checks is changed. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { checkDrift } from '../../src/doctor/check-drift.js';
import { checkGateway } from '../../src/doctor/check-gateway.js';
import { checkNode } from '../../src/doctor/check-runtime.js';
import type { Finding } from '../../src/doctor/finding.js';
import { type HttpProgram, run, scratch, startHttp } from '../support/program.js';
import { runHere } from '../support/run-here.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
let environment: Record<string, string>;
beforeAll(async () => {
  environment = await setUpOrg(workspace.db);
});
afterAll(() => workspace.remove());

/** Runs the doctor. Returns its exit code, and findings and verdicts by check. */
async function doctor(args: readonly string[], env: Record<string, string> = environment) {
  const { code, stdout, stderr } = await runHere(['doctor', '--json', ...args], env);
  if (stdout === '') throw new Error(stderr);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  for (const { verdict, remedy } of findings) expect(remedy === undefined).toBe(verdict === 'ok');
  expect(stdout).not.toContain(String(environment.G3N_API_KEY));
  const of = (check: string) => findings.filter((finding) => finding.check === check);
  return {
    code,
    of,
    verdicts: (check: string) =>
      of(check)
        .map(({ verdict }) => verdict)
        .join(),
  };
}

describe('for the embedded store', () => {
  test('a valid file, its key and its caller are ok, with versions and roles', async () => {
    const { code, of, verdicts } = await doctor(['--db', workspace.db]);
    expect([code, verdicts('database'), verdicts('schema'), verdicts('server key')]).toEqual([0, 'ok', 'ok', 'ok']);
    expect(of('database')[0]?.found).toMatch(/SQLite 3\.\d+\.\d+, 1 org/);
    expect(of('credentials')[0]).toMatchObject({ verdict: 'ok', found: 'owner in ACME (verified)' });
  });

  test('a missing file is not created', async () => {
    const db = join(workspace.directory, 'none.db');
    const { code, verdicts } = await doctor(['--db', db]);
    expect([code, verdicts('database'), existsSync(db)]).toEqual([0, 'warn', false]);
  });

  test('a file that is not a database, a missing key and a key of another database fail', async () => {
    const text = join(workspace.directory, 'text.db');
    writeFileSync(text, 'not a database, but long enough to be read as one '.repeat(20));
    expect(await doctor(['--db', text])).toMatchObject({ code: 1 });
    expect((await doctor(['--db', text])).verdicts('database')).toBe('fail');
    const other = join(workspace.directory, 'other.key');
    const missing = await doctor(['--db', workspace.db], { ...environment, G3N_KEY_FILE: other });
    expect([missing.code, missing.of('server key')[0]?.found]).toEqual([1, 'the file is missing']);
    writeFileSync(other, 'a'.repeat(64));
    const wrong = await doctor(['--db', workspace.db], { ...environment, G3N_KEY_FILE: other });
    expect([wrong.code, wrong.of('server key')[0]?.found]).toEqual([1, 'it does not belong to this database']);
  });

  test('a file that other users can read is a warning', async () => {
    chmodSync(workspace.db, 0o644);
    expect((await doctor(['--db', workspace.db])).verdicts('database')).toBe('warn');
    chmodSync(workspace.db, 0o600);
  });

  test('an unknown credential fails, and a missing one is a warning', async () => {
    const wrong = await doctor(['--db', workspace.db], { ...environment, G3N_API_KEY: 'g3nk_wrong' });
    expect([wrong.code, wrong.of('credentials')[0]?.found]).toEqual([
      1,
      expect.stringContaining('crm.credentials_invalid'),
    ]);
    const unauthenticated = await doctor(['--db', workspace.db], {});
    expect([unauthenticated.code, unauthenticated.verdicts('caller'), unauthenticated.verdicts('credentials')]).toEqual(
      [0, 'warn', ''],
    );
  });

  test('invalid variables of any command fail and are named', async () => {
    const invalid = { G3N_LOG_LEVEL: 'loud', G3N_READ_ONLY: 'ja' };
    const { code, of } = await doctor(['--db', workspace.db], { ...environment, ...invalid });
    expect([code, of('environment')[0]?.found]).toEqual([1, expect.stringMatching(/G3N_READ_ONLY.*G3N_LOG_LEVEL/)]);
  });

  test('as a process, and without --json, the findings are readable text', async () => {
    const { stdout } = await run(['doctor', '--db', workspace.db], environment);
    expect(stdout).toMatch(/^ok {4}database {7}SQLite/m);
  });
});

describe('for a gateway', () => {
  let upstream: HttpProgram;
  beforeAll(async () => {
    upstream = await startHttp(workspace.db);
  });
  afterAll(() => upstream.stop());

  test('a CRM of this version passes every check', async () => {
    const base = upstream.url.replace(/mcp$/, 'crm');
    const { code, verdicts } = await doctor(['--gateway', base]);
    const checks = ['reachability', 'clock', 'API version', 'contract', 'credentials'];
    expect([code, ...checks.map(verdicts)]).toEqual([0, 'ok', 'ok', 'ok', 'ok', 'ok']);
  });

  test('an unreachable upstream, a web page, a wrong clock and an old version are reported', async () => {
    const unauthenticated = await doctor(['--gateway', 'http://127.0.0.1:9/crm']);
    expect([unauthenticated.code, unauthenticated.of('reachability')[0]?.found]).toEqual([
      1,
      expect.stringContaining('ECONNREFUSED'),
    ]);
    const page = await startUpstream((_request, response) => {
      response.setHeader('content-type', 'text/html').setHeader('date', 'Thu, 01 Jan 2026 00:00:00 GMT').end('<html>');
    });
    const { code, verdicts } = await doctor(['--gateway', `${page.url}/crm`], {});
    expect([code, verdicts('reachability'), verdicts('clock'), verdicts('API version'), verdicts('contract')]).toEqual([
      1,
      'fail',
      'warn',
      'warn',
      'warn',
    ]);
    page.close();
  });
});

test('the probe of an upstream goes through the proxy, and a finding names the proxy', async () => {
  const asked: string[] = [];
  const proxy = createServer().on('connect', ({ url = '' }, socket) => {
    asked.push(url);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const [finding] = await checkGateway(new URL('https://crm.example/crm'), Date.now, {
    url: new URL(address),
    except: '',
  });
  expect(asked).toEqual(['crm.example:443']);
  expect(finding).toMatchObject({
    verdict: 'fail',
    found: expect.stringContaining(`through the proxy ${address.slice(7)}`),
  });
  proxy.close();
});

test('drift names the operations that are missing and the fields that differ', () => {
  const [first, second, ...rest] = CONTRACT.operations.filter(({ origin }) => origin === 'customer');
  if (first === undefined || second === undefined) throw new Error('no operations');
  const properties = { ...(second.requestSchema.properties as object), shoe_size: { type: 'integer' } };
  const changed = { ...second, requestSchema: { ...second.requestSchema, properties, required: ['shoe_size'] } };
  const found = checkDrift(
    { ...CONTRACT, operations: [first, second, ...rest] },
    { ...CONTRACT, operations: [changed, ...rest] },
  );
  expect(found.map(({ found: words }) => words)).toEqual([
    `${first.path}: not there`,
    `${second.path}: requires also shoe_size; takes also shoe_size`,
  ]);
});

test.each([
  ['18.20.0', 'fail'],
  ['20.18.1', 'fail'],
  ['20.19.0', 'warn'],
  ['24.1.0', 'ok'],
])('Node %s is %s', (version, verdict) => {
  expect(checkNode(version).verdict).toBe(verdict);
});

test('the doctor accepts the oldest Node version in package.json', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  expect(engines.node).toBe('>=20.19');
  expect(checkNode('20.19.0').verdict).not.toBe('fail');
});

function startUpstream(listener: RequestListener): Promise<{ readonly url: string; close(): void }> {
  const server = createServer(listener);
  return new Promise((done) =>
    server.listen(0, '127.0.0.1', () =>
      done({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }),
    ),
  );
}
