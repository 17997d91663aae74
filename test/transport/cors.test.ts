/** CORS: pages of allowed origins may call and read responses; no other page may. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import { HEADER_NAMES } from '../../src/pipeline/headers.js';
import { type HttpTransport, httpApplicationOf, openHttp } from '../../src/transport/http.js';
import { createRest } from '../../src/transport/rest.js';
import { ask, initialize, message } from '../support/sessions.js';
import { openWorld, type World } from '../support/world.js';

const APP = 'https://app.example.com';
let world: World;
let owner: Headers;
let transport: HttpTransport;
let closed: HttpTransport;
beforeAll(async () => {
  world = await openWorld();
  owner = await world.headers();
  transport = await open(['app.example.com', 'null']);
  closed = await open([]);
});
afterAll(async () => {
  await Promise.all([transport.close(), closed.close()]);
  await world.close();
});

function open(allowedOrigins: readonly string[]): Promise<HttpTransport> {
  const { application } = world;
  const operations = application.catalogue.entries.map(({ operation }) => operation);
  return openHttp(httpApplicationOf(application, createRest({ pipeline: application.pipeline, operations })), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins,
    sessions: { most: 100, idleMs: 60_000 },
    sse: true,
    onError: () => {},
  });
}

const preflight = (path: string, origin: string, headers: Record<string, string> = {}, at = transport) =>
  ask(new URL(path, at.url).href, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', ...headers },
  });
const listOf = (header: unknown) =>
  String(header)
    .split(',')
    .map((name) => name.trim());

/** Every header a browser client sends, over any MCP version or REST. */
const SENT = [
  'content-type',
  'accept',
  'mcp-protocol-version',
  'mcp-session-id',
  'mcp-method',
  'mcp-name',
  'last-event-id',
  ...HEADER_NAMES.filter((name) => name !== 'x-request-id' && name !== 'x-client-address'),
];
/** Every response header it needs to read. */
const READ = ['mcp-session-id', 'x-request-id', 'www-authenticate', 'retry-after', 'etag', 'x-api-version'];
const PATHS = ['/mcp', '/crm/stat', '/crm/loyalty/earn', '/sse', '/messages', '/nowhere'];

describe.each(PATHS)('a preflight request from an allowed page for %s', (path) => {
  test('allows every method and every header', async () => {
    const { status, headers, text } = await preflight(path, APP);
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(headers['access-control-allow-origin']).toBe(APP);
    expect(listOf(headers['access-control-allow-methods'])).toEqual(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);
    expect(listOf(headers['access-control-allow-headers'])).toEqual(expect.arrayContaining(SENT));
    expect(listOf(headers.vary)).toContain('origin');
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });

  test('allows nothing to any other page', async () => {
    for (const origin of ['https://evil.example.com', 'https://app.example.com.evil.com', 'https://xapp.example.com']) {
      const { status, headers } = await preflight(path, origin);
      expect(status).toBe(403);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('an allowed page', () => {
  test('reads successes and errors of every kind, with their headers', async () => {
    const answers = [
      await ask(transport.url, { headers: { ...owner, origin: APP }, body: initialize() }),
      await ask(transport.url, {
        headers: { ...owner, origin: APP },
        body: message('tools/call', { name: 'crm_stat' }),
      }),
      await ask(transport.url, {
        headers: { ...owner, origin: APP, 'mcp-session-id': 'none' },
        body: message('tools/list'),
      }),
      await ask(transport.url, { headers: { ...owner, origin: APP }, body: '{"broken": ' }),
      await ask(new URL('/crm/stat', transport.url).href, { method: 'GET', headers: { origin: APP } }),
      await ask(new URL('/nowhere', transport.url).href, { method: 'GET', headers: { origin: APP } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 400, 400, 404]);
    for (const { headers } of answers) {
      expect(headers['access-control-allow-origin']).toBe(APP);
      expect(listOf(headers['access-control-expose-headers'])).toEqual(expect.arrayContaining(READ));
      expect(listOf(headers.vary)).toContain('origin');
    }
  });

  test('may send arguments that a schema mirrors in headers, and no other header', async () => {
    const preflighted = { 'access-control-request-headers': 'mcp-param-region, x-evil, mcp-param-Two, mcp-param-a b' };
    const { headers } = await preflight('/mcp', APP, preflighted);
    const allowed = listOf(headers['access-control-allow-headers']);
    expect(allowed).toEqual(expect.arrayContaining(['mcp-param-region', 'mcp-param-two']));
    expect(allowed).not.toContain('x-evil');
    expect(allowed).not.toContain('mcp-param-a b');
  });

  test('may call a server on a private network', async () => {
    const preflighted = { 'access-control-request-private-network': 'true' };
    expect((await preflight('/mcp', APP, preflighted)).headers['access-control-allow-private-network']).toBe('true');
    expect((await preflight('/mcp', APP)).headers).not.toHaveProperty('access-control-allow-private-network');
    const evil = await preflight('/mcp', 'https://evil.example.com', preflighted);
    expect(evil.headers).not.toHaveProperty('access-control-allow-private-network');
  });

  test('may have the origin null where the operator allows it', async () => {
    expect((await preflight('/mcp', 'null')).headers['access-control-allow-origin']).toBe('null');
    expect((await preflight('/mcp', 'null', {}, closed)).status).toBe(403);
  });
});

test('responses to requests without an origin carry no CORS headers but vary by origin', async () => {
  const { headers } = await ask(transport.url, { headers: owner, body: message('tools/list') });
  expect(listOf(headers.vary)).toContain('origin');
  expect(headers).not.toHaveProperty('access-control-allow-origin');
});

test('without allowed origins, local pages may call but get no CORS headers', async () => {
  const origin = 'http://localhost:3000';
  const preflighted = await preflight('/mcp', origin, {}, closed);
  const called = await ask(closed.url, { headers: { ...owner, origin }, body: message('tools/list') });
  expect([preflighted.status, called.status]).toEqual([405, 200]);
  for (const { headers } of [preflighted, called]) {
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('a local page that is not allowed cannot read responses even when other origins are allowed', async () => {
  const headers = { ...owner, origin: 'http://localhost:3000' };
  const called = await ask(transport.url, { headers, body: message('tools/list') });
  const preflighted = await preflight('/mcp', 'http://localhost:3000');
  expect([called.status, preflighted.status]).toEqual([200, 405]);
  for (const { headers: answered } of [called, preflighted]) {
    expect(Object.keys(answered).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('health checks send no CORS headers', async () => {
  const { headers } = await ask(new URL('/readyz', transport.url).href, { method: 'GET', headers: { origin: APP } });
  expect(headers).not.toHaveProperty('access-control-allow-origin');
});
