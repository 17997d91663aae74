/** The doctor: every line says ok, warn or fail, and what to do; nothing it looks at is changed. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { checkDrift } from '../../src/doctor/check-drift.js';
import { checkNode } from '../../src/doctor/check-runtime.js';
import type { Finding } from '../../src/doctor/finding.js';
import { type HttpProgram, run, scratch, setUpOrg, startHttp } from '../support/program.js';

const place = scratch();
let environment: Record<string, string>;
beforeAll(async () => {
  environment = await setUpOrg(place.db);
});
afterAll(() => place.remove());

/** Exit code, and verdict and words by check. */
async function doctor(args: readonly string[], env: Record<string, string> = environment) {
  const { code, stdout, stderr } = await run(['doctor', '--json', ...args], env);
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

describe('of the embedded store', () => {
  test('a sound file, its key and its caller are ok, with versions and roles', async () => {
    const { code, of, verdicts } = await doctor(['--db', place.db]);
    expect([code, verdicts('database'), verdicts('schema'), verdicts('server key')]).toEqual([0, 'ok', 'ok', 'ok']);
    expect(of('database')[0]?.found).toMatch(/SQLite 3\.\d+\.\d+, 1 org/);
    expect(of('credentials')[0]).toMatchObject({ verdict: 'ok', found: 'owner in ACME (verified)' });
  });

  test('a file that is not there is not made', async () => {
    const db = join(place.directory, 'none.db');
    const { code, verdicts } = await doctor(['--db', db]);
    expect([code, verdicts('database'), existsSync(db)]).toEqual([0, 'warn', false]);
  });

  test('what is no database, a lost key and a foreign key fail', async () => {
    const text = join(place.directory, 'text.db');
    writeFileSync(text, 'not a database, but long enough to be read as one '.repeat(20));
    expect(await doctor(['--db', text])).toMatchObject({ code: 1 });
    expect((await doctor(['--db', text])).verdicts('database')).toBe('fail');
    const other = join(place.directory, 'other.key');
    const missing = await doctor(['--db', place.db], { ...environment, G3N_KEY_FILE: other });
    expect([missing.code, missing.of('server key')[0]?.found]).toEqual([1, 'the file is missing']);
    writeFileSync(other, 'a'.repeat(64));
    const wrong = await doctor(['--db', place.db], { ...environment, G3N_KEY_FILE: other });
    expect([wrong.code, wrong.of('server key')[0]?.found]).toEqual([1, 'it does not belong to this database']);
  });

  test('a file that others may read is told', async () => {
    chmodSync(place.db, 0o644);
    expect((await doctor(['--db', place.db])).verdicts('database')).toBe('warn');
    chmodSync(place.db, 0o600);
  });

  test('an unknown credential fails, and none at all is told', async () => {
    const wrong = await doctor(['--db', place.db], { ...environment, G3N_API_KEY: 'g3nk_wrong' });
    expect([wrong.code, wrong.of('credentials')[0]?.found]).toEqual([
      1,
      expect.stringContaining('crm.credentials_invalid'),
    ]);
    const nobody = await doctor(['--db', place.db], {});
    expect([nobody.code, nobody.verdicts('caller'), nobody.verdicts('credentials')]).toEqual([0, 'warn', '']);
  });

  test('a variable that is not well formed fails by its name', async () => {
    const { code, of } = await doctor(['--db', place.db], { ...environment, G3N_LOG_LEVEL: 'loud' });
    expect([code, of('environment')[0]?.found]).toEqual([1, expect.stringContaining('G3N_LOG_LEVEL')]);
  });

  test('without --json each line is there for a person', async () => {
    const { stdout } = await run(['doctor', '--db', place.db], environment);
    expect(stdout).toMatch(/^ok {4}database {7}SQLite/m);
  });
});

describe('of a gateway', () => {
  let upstream: HttpProgram;
  beforeAll(async () => {
    upstream = await startHttp(place.db);
  });
  afterAll(() => upstream.stop());

  test('a CRM of this version is ok in every respect', async () => {
    const base = upstream.url.replace(/mcp$/, 'crm');
    const { code, verdicts } = await doctor(['--gateway', base]);
    const checks = ['reachability', 'clock', 'API version', 'contract', 'credentials'];
    expect([code, ...checks.map(verdicts)]).toEqual([0, 'ok', 'ok', 'ok', 'ok', 'ok']);
  });

  test('nobody there, a web page there, an old clock and an old version are told', async () => {
    const nobody = await doctor(['--gateway', 'http://127.0.0.1:9/crm']);
    expect([nobody.code, nobody.of('reachability')[0]?.found]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
    const page = await answering((_request, response) => {
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

test('the doctor knows the Node that package.json asks for', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  expect(engines.node).toBe('>=20.19');
  expect(checkNode('20.19.0').verdict).not.toBe('fail');
});

function answering(listener: RequestListener): Promise<{ readonly url: string; close(): void }> {
  const server = createServer(listener);
  return new Promise((done) =>
    server.listen(0, '127.0.0.1', () =>
      done({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }),
    ),
  );
}
