/** The HTTP door: who may knock, what it refuses before reading it, and two tenants at once. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpProgram, scratch, setUpOrg, startHttp } from '../support/program.js';

const place = scratch();
let server: HttpProgram;
let acme: Record<string, string>;
let other: Record<string, string>;
beforeAll(async () => {
  acme = headersOf(await setUpOrg(place.db, 'ACME'));
  other = headersOf(await setUpOrg(place.db, 'OTHER'));
  const allowed = ['--allow-host', 'crm.example.com', '--allow-origin', 'app.example.com'];
  server = await startHttp(place.db, allowed, { G3N_LOG_LEVEL: 'debug' });
});
afterAll(async () => {
  await server.stop();
  place.remove();
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

/** One raw request, so that Host and Origin are what the test says. */
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

/** A tool call of a client without a session, as the 2025 eras allow. */
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
    ['a foreign host', 'evil.example.com', undefined, false],
    ['a host that only ends well', 'xcrm.example.com', undefined, false],
    ['a page of this machine', '127.0.0.1', 'http://localhost:6274', true],
    ['an allowed page', '127.0.0.1', 'https://app.example.com', true],
    ['a foreign page', '127.0.0.1', 'https://evil.example.com', false],
    ['a page without an origin', '127.0.0.1', 'null', false],
    ['a foreign page on an allowed host', 'crm.example.com', 'https://evil.example.com', false],
    ['an allowed page on a foreign host', 'evil.example.com', 'https://app.example.com', false],
  ] as const)('%s', async (_name, host, origin, passes) => {
    const headers = { ...acme, host: `${host}:${portOf()}`, ...(origin === undefined ? {} : { origin }) };
    const { status, body } = await send({ headers }, message('tools/list'));
    expect(status).toBe(passes ? 200 : 403);
    if (!passes) expect(body).not.toContain('crm_');
  });
});

describe('is refused before anything is done', () => {
  test('any other path: 404 that tells where to go', async () => {
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

  test('a request beyond 256 KiB: 413 in the contract’s own shape', async () => {
    const error = await callTool(acme, 'crm_customer_create', { customer: { caption: 'x'.repeat(256 * 1024) } });
    expect(error).toMatchObject({ error_code: 'crm.body_too_large', http_status: 413 });
  });

  test('a method nobody has, and a tool nobody has: an error of the protocol', async () => {
    const { body } = await send({ headers: acme }, message('tools/drop'));
    expect(body).toContain('-32601');
    expect(await callTool(acme, 'crm_drop', {})).toMatchObject({ code: -32602 });
  });
});

test('two tenants calling at once each see only their own', { timeout: 60_000 }, async () => {
  const sides = [
    { headers: acme, caption: 'Acme Canary', hidden: 'Other Canary' },
    { headers: other, caption: 'Other Canary', hidden: 'Acme Canary' },
  ];
  await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const { headers, caption, hidden } = sides[index % 2] as (typeof sides)[number];
      const created = await callTool(headers, 'crm_customer_create', { customer: { caption } });
      const [found, foreign] = await Promise.all([
        callTool(headers, 'crm_customer_search', { q: 'canary' }),
        callTool(index % 2 === 0 ? other : acme, 'crm_customer_get', { customer_id: created.data.customer_id }),
      ]);
      expect(JSON.stringify(found)).toContain(caption);
      expect(JSON.stringify(found)).not.toContain(hidden);
      expect(foreign.error_code).toBe('crm.not_found');
    }),
  );
});

test('nothing that was sent is in the log, at its most talkative', async () => {
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
