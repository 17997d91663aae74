/** `http --workers`: several processes that serve one port, and keep every promise of one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpProgram, runJson, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const LIMIT = 24;
const workspace = scratch();
let server: HttpProgram;
let headers: Record<string, string>;
beforeAll(async () => {
  const env = await setUpOrg(workspace.db, 'ACME');
  headers = { 'x-orgcode': 'ACME', 'x-api-key': String(env.G3N_API_KEY) };
  const args = ['--workers', '2', '--stateless', '--max-calls-per-minute', String(LIMIT)];
  server = await startHttp(workspace.db, args, { G3N_LOG_LEVEL: 'error' });
});
afterAll(async () => {
  await server.stop('SIGKILL'); // if a test has not stopped it
  workspace.remove();
});

/** Calls on a connection of its own: connections are dealt out to the workers in turn. */
async function stat(with_: Record<string, string> = headers): Promise<number> {
  const response = await fetch(new URL('/crm/stat', server.url), { headers: { ...with_, connection: 'close' } });
  await response.text();
  return response.status;
}

async function newKey(): Promise<{ readonly fingerprint: string; readonly headers: Record<string, string> }> {
  const name = ['--name', `key ${Math.random()}`];
  const made = await runJson(['admin', 'key', 'create', 'ACME', '--owner', ...name, '--db', workspace.db]);
  return { fingerprint: made.fingerprint, headers: { ...headers, 'x-api-key': made.api_key } };
}

/** The processes that the server started. */
function workers(): readonly number[] {
  const parentOf = (pid: string) => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
    } catch {
      return Number.NaN; // it has ended
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => parentOf(pid) === server.child.pid).map(Number);
}

test('a caller has the calls of one server, however many workers count them', async () => {
  const statuses: number[] = [];
  for (let call = 0; call < LIMIT + 6; call += 1) statuses.push(await stat());
  expect(statuses.filter((status) => status === 200)).toHaveLength(LIMIT);
  expect(statuses.slice(LIMIT)).toEqual(Array(6).fill(429));
});

test('a key that is revoked is rejected by every worker at once', async () => {
  const key = await newKey();
  for (let call = 0; call < 4; call += 1) expect(await stat(key.headers)).toBe(200);
  await runJson(['admin', 'key', 'revoke', key.fingerprint, '--json', '--db', workspace.db]);
  for (let call = 0; call < 4; call += 1) expect(await stat(key.headers)).toBe(401);
});

test.skipIf(process.platform !== 'linux')('a worker that is killed is replaced, and the others go on', async () => {
  const key = await newKey();
  const [first = 0, second = 0] = workers();
  process.kill(first, 'SIGKILL');
  while (workers().length < 2 || workers().includes(first)) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(workers()).toContain(second);
  for (let call = 0; call < 4; call += 1) expect(await stat(key.headers)).toBe(200);
  expect(server.stderr()).toContain('a worker ended');
});

test.skipIf(process.platform !== 'linux')('it stops when it is told to, with all of its workers', async () => {
  const said = server.stderr().length;
  process.kill(workers()[0] ?? 0, 'SIGKILL'); // its replacement is told before it can hear
  while (!server.stderr().slice(said).includes('SIGKILL')) await new Promise((resolve) => setTimeout(resolve, 20));
  const started = workers();
  const since = performance.now();
  const { code } = await server.stop();
  expect(code).toBe(0);
  expect(performance.now() - since).toBeLessThan(15_000); // none had to be ended
  expect(started.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  await expect(fetch(new URL('/livez', server.url))).rejects.toThrow();
});
