/** Profiles with the built program: what it stores, and that the secret is in no argument, output or other file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanEnvironment } from '../support/program.js';

const SECRET = 'k-7f3c-SECRET';
const directory = mkdtempSync(join(tmpdir(), 'g3n-profiles-process-'));
const environment = cleanEnvironment({ G3N_CONFIG_DIR: directory });
let server: Server;
let base: string;
/** What the server was sent, and what the processes of this test showed while it was asked. */
const seen = { keys: [] as unknown[], commandLines: [] as string[] };
let running: ChildProcess | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.keys.push(request.headers['x-api-key']);
    const { pid } = running ?? {};
    if (process.platform === 'linux') seen.commandLines.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(ANSWER));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/crm`;
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

const ANSWER = {
  success: true,
  data: {
    status: 'ok',
    caller: { actor: 'key:till', roles: ['crm_view'] },
    org: { orgcode: 'ACME', status: 'verified' },
  },
  revision: null,
  build: {},
  stats: { call: 'x', service: 'crm', timestamp_utc: '2026-01-01T00:00:00.000Z', request_id: 'r', latency_ms: 1 },
};

/** Runs the program; returns its exit code and all that it wrote. */
async function g3n(
  args: readonly string[],
  stdin = '',
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [resolve('dist/g3n.js'), ...args], { env: environment, stdio: 'pipe' });
  running = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

test('a credential comes on stdin, is stored in one file, and is sent by the next call', async () => {
  const login = await g3n(['login', '--base-url', base, '--orgcode', 'ACME', '--with-credential'], `${SECRET}\n`);
  const whoami = await g3n(['whoami']);
  const changed = await g3n(['profile', 'set', 'default', 'channel_code', 'web']);
  expect([login.code, whoami.code, changed.code]).toEqual([0, 0, 0]);
  expect(JSON.parse(whoami.output)).toMatchObject({ profile: 'default', actor: 'key:till', roles: ['crm_view'] });
  expect(seen.keys).toEqual([SECRET, SECRET]);
  const shown = [login.output, whoami.output, changed.output, ...seen.commandLines, ...Object.keys(environment)];
  expect(shown.join('\n')).not.toContain(SECRET);
  const files = readdirSync(directory).sort();
  expect(files).toEqual(['config.yaml', 'credentials.yaml']);
  const holding = files.filter((name) => readFileSync(join(directory, name), 'utf8').includes(SECRET));
  expect(holding).toEqual(['credentials.yaml']);
});
