/** Metrics of the built program: where they are served, to whom, and what they show and do not show. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metricsSettings } from '../../src/commands/telemetry-options.js';
import { type HttpProgram, run, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';
import type { Data } from '../support/world.js';

const MARK = 'Zzyzx-marked';
const TOKEN = 'a-token-of-enough-letters';
const workspace = scratch();
const tokenFile = join(workspace.directory, 'token');
let own: HttpProgram;
let guarded: HttpProgram;
let metricsUrl: string;
let headers: Record<string, string>;

beforeAll(async () => {
  const env = await setUpOrg(workspace.db, 'ACME');
  headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'x-orgcode': 'ACME',
    'x-api-key': String(env.G3N_API_KEY),
    'x-logical-guid': 'store-1',
    'x-channel-code': 'pos',
  };
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  own = await startHttp(workspace.db, ['--metrics-port', '0', '--confirm', 'destructive']);
  guarded = await startHttp(workspace.db, ['--stateless'], { G3N_METRICS_TOKEN_FILE: tokenFile });
  metricsUrl = String(/Metrics: (\S+)/.exec(own.stdout())?.[1]);
});
afterAll(async () => {
  await Promise.all([own?.stop(), guarded?.stop()]);
  workspace.remove();
});

async function rest(path: string, body: object) {
  const sent = { method: 'POST', headers, body: JSON.stringify(body) };
  return (await (await fetch(new URL(`/crm/${path}`, own.url), sent)).json()) as { readonly data: Data };
}

async function tool(name: string, args: object): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } });
  return (await fetch(own.url, { method: 'POST', headers, body })).json();
}

function statusOf(url: string, more: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers: more }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end();
  });
}

test('calls are counted by operation, outcome and transport, and nothing of the caller or of records is shown', async () => {
  const create = { customer: { caption: MARK }, idempotency_key: `key-${MARK}` };
  const created = await rest('customer/create', create);
  const { customer_id } = created.data;
  await rest('customer/create', create);
  await rest('customer/get', { customer_id: `no-${MARK}` });
  await rest(`no/such/${MARK}`, {});
  await tool('crm_customer_get', { customer_id });
  await tool('crm_customer_anonymize', { customer_id, expected_revision: 1, reason: MARK });
  const text = await (await fetch(metricsUrl)).text();
  expect(text).toContain('g3n_crm_calls_total{operation="customer_create",outcome="ok",transport="rest"} 2');
  expect(text).toContain('g3n_crm_idempotent_replays_total{operation="customer_create"} 1');
  expect(text).toMatch(/operation="customer_get",outcome="(validation-error|not-found)",transport="rest"} 1\n/);
  expect(text).toContain('g3n_crm_calls_total{operation="customer_get",outcome="ok",transport="mcp"} 1');
  expect(text).toContain('g3n_crm_calls_total{operation="none",outcome="not-found",transport="rest"} 1');
  expect(text).toContain('operation="customer_anonymize",outcome="confirmation",transport="mcp"} 1');
  expect(text).toContain('g3n_crm_confirmations_total{decision="asked"} 1');
  expect(text).toContain('g3n_crm_call_duration_seconds_count{operation="customer_create"} 2');
  expect(text).toMatch(/g3n_crm_write_group_size_count [1-9]/);
  expect(text).toContain('g3n_crm_ready 1');
  expect(text).toContain('process_cpu_seconds_total');
  for (const secret of [MARK, 'ACME', String(customer_id), String(headers['x-api-key']), 'store-1']) {
    expect(text.includes(secret), secret).toBe(false);
  }
});

describe('metrics are served', () => {
  test('on their own port only, and there under a name of loopback only', async () => {
    expect(await statusOf(new URL('/metrics', own.url).href, {})).toBe(404);
    expect(await statusOf(metricsUrl, { host: 'page.example' })).toBe(403);
    expect(await statusOf(metricsUrl, {}, 'POST')).toBe(405);
    expect(await statusOf(new URL('/mcp', metricsUrl).href, {})).toBe(404);
    expect(await statusOf(metricsUrl, {})).toBe(200);
  });

  test('on the main port to those who have the token', async () => {
    const url = new URL('/metrics', guarded.url).href;
    expect(guarded.stdout()).not.toContain('Metrics:');
    for (const authorization of ['', 'Bearer ', `Bearer ${TOKEN}x`, TOKEN, `Basic ${TOKEN}`]) {
      expect(await statusOf(url, { authorization }), authorization).toBe(401);
    }
    expect(await statusOf(url, {})).toBe(401);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
    expect(await answer.text()).toContain('g3n_crm_ready 1');
  });
});

test.each([
  [{ metricsHost: '0.0.0.0' }, 'give both'],
  [{ metricsTokenFile: '/no/such/file' }, 'cannot be read: ENOENT'],
])('%o is refused', (flags, message) => {
  expect(() => metricsSettings(flags)).toThrow(message);
});

test('a short token is refused before a database is made', async () => {
  const short = join(workspace.directory, 'short');
  writeFileSync(short, 'short');
  const db = join(workspace.directory, 'never.db');
  const { code, stderr } = await run(['http', '--port', '0', '--db', db, '--metrics-token-file', short]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('at least 16')]);
  expect(existsSync(db)).toBe(false);
});

test('a port that is taken is named', async () => {
  const { port } = new URL(metricsUrl);
  const { code, stderr } = await run(['http', '--port', '0', '--db', workspace.db, '--metrics-port', port]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('--metrics-port')]);
});

test('verify writes its result for node_exporter', async () => {
  const file = join(workspace.directory, 'verify.prom');
  const { code } = await run(['verify', '--quick', '--db', workspace.db, '--metrics-file', file]);
  expect([code, statSync(file).mode & 0o777]).toEqual([0, 0o644]); // node_exporter is another user
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('g3n_crm_verify_discrepancies 0');
  expect(text).toMatch(/g3n_crm_verify_rows{table="journal"} [1-9]/);
  const refused = await run(['verify', '--db', workspace.db, '--metrics-file', join(workspace.directory, 'x.txt')]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('.prom')]);
});

test('verify shows its result even if it cannot be written', async () => {
  const file = join(workspace.directory, 'directory.prom');
  mkdirSync(file);
  const { code, stdout, stderr } = await run(['verify', '--db', workspace.db, '--metrics-file', file]);
  expect([code, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ disagreements: [] })]);
  expect(stderr).toMatch(/EISDIR|ENOTEMPTY/);
});
