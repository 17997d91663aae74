/** The HTTP transport: allowed hosts and origins, requests rejected before reading, and two concurrent tenants. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpProgram, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
let server: HttpProgram;
let acme: Record<string, string>;
let other: Record<string, string>;
beforeAll(async () => {
  acme = headersOf(await setUpOrg(workspace.db, 'ACME'));
  other = headersOf(await setUpOrg(workspace.db, 'OTHER'));
  const allowed = ['--allow-host', 'crm.example.com', '--allow-origin', 'app.example.com'];
  server = await startHttp(workspace.db, allowed, { G3N_LOG_LEVEL: 'debug' });
});
afterAll(async () => {
  await server.stop();
  workspace.remove();
});

interface Reply {
  readonly status: number;
  readonly body: string;
}

function headersOf(env: Record<string, string>): Record<string, string> {
  return {
    'x-orgcode': String(env.G3N_ORGCODE),
    'x-api-key': String(env.G3N_API_KEY),
    'x-logical-guid': String(env.G3N_LOGICAL_GUID),
    'x-channel-code': String(env.G3N_CHANNEL_CODE),
  };
}

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Sends one raw request, so that the test controls Host and Origin. */
function send(
  options: { url?: string; method?: string; headers?: Record<string, string> },
  body = '',
  target = server,
): Promise<Reply> {
  const { url = target.url, method = 'POST', headers = {} } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: { ...JSON_HEADERS, ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const message = (method: string, params: object = {}) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const toolCall = (name: string, args: object) => message('tools/call', { name, arguments: args });

/** Calls a tool without a session, as the 2025 protocol versions allow. */
async function callTool(headers: Record<string, string>, name: string, args: object, target = server) {
  const { body } = await send({ headers }, toolCall(name, args), target);
  const json = body.startsWith('{') ? body : body.slice(body.indexOf('data: ') + 6);
  const { result, error } = JSON.parse(json);
  return error ?? JSON.parse(result.content[0].text);
}

describe('Host and Origin', () => {
  const portOf = () => new URL(server.url).port;
  test.each([
    ['loopback by number', '127.0.0.1', undefined, true],
    ['loopback by name', 'localhost', undefined, true],
    ['an allowed host', 'crm.example.com', undefined, true],
    ['another host', 'evil.example.com', undefined, false],
    ['a host with an allowed suffix', 'xcrm.example.com', undefined, false],
    ['a page of this machine', '127.0.0.1', 'http://localhost:6274', true],
    ['an allowed page', '127.0.0.1', 'https://app.example.com', true],
    ['a page of another host', '127.0.0.1', 'https://evil.example.com', false],
    ['a page without an origin', '127.0.0.1', 'null', false],
    ['a page of another host on an allowed host', 'crm.example.com', 'https://evil.example.com', false],
    ['an allowed page on another host', 'evil.example.com', 'https://app.example.com', false],
  ] as const)('%s', async (_name, host, origin, passes) => {
    const headers = { ...acme, host: `${host}:${portOf()}`, ...(origin === undefined ? {} : { origin }) };
    const { status, body } = await send({ headers }, message('tools/list'));
    expect(status).toBe(passes ? 200 : 403);
    if (!passes) expect(body).not.toContain('crm_');
  });
});

describe('rejects before processing', () => {
  test('any other path: 404 that names the endpoint', async () => {
    const { status, body } = await send({ url: server.url.replace('/mcp', '/admin') }, message('tools/list'));
    expect(status).toBe(404);
    expect(body).toContain('/mcp');
  });

  test.each(['PUT', 'PATCH', 'OPTIONS', 'GET', 'DELETE'])('%s: 405', async (method) => {
    expect((await send({ method, headers: acme })).status).toBe(405);
  });

  test('what is not JSON: 400 with the code of JSON-RPC, or 415 by its type', async () => {
    const broken = await send({ headers: acme }, '{"jsonrpc": "2.0", "id": 1, "method": ');
    expect(broken.status).toBe(400);
    expect(JSON.parse(broken.body)).toMatchObject({ error: { code: -32700 } });
    expect((await send({ headers: { ...acme, 'content-type': 'text/plain' } }, 'hello')).status).toBe(415);
  });

  test('a body beyond a megabyte: 413', async () => {
    const args = { customer: { caption: 'x'.repeat(1024 * 1024) } };
    expect((await send({ headers: acme }, toolCall('crm_customer_create', args))).status).toBe(413);
  });

  test('a request beyond 256 KiB: 413 in the contract’s error shape', async () => {
    const error = await callTool(acme, 'crm_customer_create', { customer: { caption: 'x'.repeat(256 * 1024) } });
    expect(error).toMatchObject({ error_code: 'crm.body_too_large', http_status: 413 });
  });

  test('an unknown method and an unknown tool: a protocol error', async () => {
    const { body } = await send({ headers: acme }, message('tools/drop'));
    expect(body).toContain('-32601');
    expect(await callTool(acme, 'crm_drop', {})).toMatchObject({ code: -32602 });
  });
});

test('two concurrent tenants see only their own data', { timeout: 60_000 }, async () => {
  const sides = [
    { headers: acme, caption: 'Acme Canary', hidden: 'Other Canary' },
    { headers: other, caption: 'Other Canary', hidden: 'Acme Canary' },
  ];
  await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const { headers, caption, hidden } = sides[index % 2] as (typeof sides)[number];
      const created = await callTool(headers, 'crm_customer_create', { customer: { caption } });
      const [found, crossTenant] = await Promise.all([
        callTool(headers, 'crm_customer_search', { q: 'canary' }),
        callTool(index % 2 === 0 ? other : acme, 'crm_customer_get', { customer_id: created.data.customer_id }),
      ]);
      expect(JSON.stringify(found)).toContain(caption);
      expect(JSON.stringify(found)).not.toContain(hidden);
      expect(crossTenant.error_code).toBe('crm.not_found');
    }),
  );
});

test('no sent value is in the log at level debug', async () => {
  const person = { caption: 'Logcanary Person', email: 'logcanary@example.com', phone: '+14155550199' };
  await callTool(acme, 'crm_customer_create', { customer: person });
  const issued = await callTool(acme, 'crm_giftcard_issue', {
    amount: 5,
    currency: 'USD',
    pin: '73910264',
    reason: 'x',
  });
  await callTool(acme, 'crm_giftcard_get', { code: issued.data.code, pin: '00000000' });
  await callTool({ ...acme, 'x-api-key': 'wrong-logcanary' }, 'crm_stat', {});
  await callTool({ ...acme, 'x-session-guid': 'session-logcanary' }, 'crm_stat', {});
  await expect.poll(() => server.stderr().split('\n').length).toBeGreaterThan(5);
  expect(server.stderr().includes('giftcard_issue')).toBe(true);
  const printed = server.stderr() + server.stdout();
  const secrets = [acme['x-api-key'], 'ogcanary', '4155550199', issued.data.code, '73910264'];
  expect(secrets.filter((secret) => printed.includes(String(secret)))).toEqual([]);
});
