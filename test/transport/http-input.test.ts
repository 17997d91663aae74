/** What comes in over HTTP: media types, Accept, Host, batches, ids in use, text that is no Unicode, connections. */
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import { accepts } from '../../src/transport/accept.js';
import { type HttpTransport, httpApplicationOf, openHttp } from '../../src/transport/http.js';
import { createRest } from '../../src/transport/rest.js';
import { ask, initialize, JSON_RPC, message, notification } from '../support/sessions.js';
import { useTransports } from '../support/use-transports.js';
import { useWorld } from '../support/use-world.js';
import { type Data, ok } from '../support/world.js';

const world = useWorld();
const { open } = useTransports(world);
let transport: HttpTransport;
let url: string;
let owner: Headers;

beforeAll(async () => {
  owner = await world.headers();
  transport = await open();
  ({ url } = transport);
});

const stat = (id: unknown = 1) => ({ ...message('tools/call', { name: 'crm_stat', arguments: {} }), id });
const create = (id: unknown, caption: string) => ({
  ...message('tools/call', { name: 'crm_customer_create', arguments: { customer: { caption } } }),
  id,
});
const captions = async (): Promise<string[]> =>
  (await ok(world, 'crm_customer_list', { limit: 100 })).items.map(({ caption }: Data) => caption);

/** Opens a session of that protocol version; returns the headers of requests in it. */
async function session(version: string, to = url): Promise<Headers> {
  const body = initialize();
  const { headers } = await ask(to, {
    headers: owner,
    body: { ...body, params: { ...body.params, protocolVersion: version } },
  });
  const inSession = { ...owner, 'mcp-session-id': headers['mcp-session-id'], 'mcp-protocol-version': version };
  await ask(to, { headers: inSession, body: notification('notifications/initialized') });
  return inSession;
}

describe('a body', () => {
  test.each<[string, Headers, string | Buffer, RegExp]>([
    ['compressed', { 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(stat())), /compressed/],
    ['in UTF-16', { 'content-type': 'application/json; charset=utf-16' }, JSON.stringify(stat()), /UTF-8/],
    ['of another type', { 'content-type': 'text/plain' }, JSON.stringify(stat()), /JSON/],
  ])('%s is 415 in plain words', async (_name, headers, body, words) => {
    const answer = await raw(url, 'POST', { ...JSON_RPC, ...owner, ...headers }, body);
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
    expect(answer).toContain('crm.unsupported_media_type');
    expect(answer).toMatch(words);
  });

  test.each<[string, string | Buffer, number]>([
    ['no JSON', '{"jsonrpc":', -32700],
    ['no UTF-8', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xff"}', 'latin1'), -32700],
    ['half a surrogate in UTF-8', Buffer.from('7b2261223a22eda080227d', 'hex'), -32700],
    ['a name given twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700],
    ['no message', '{"a":1}', -32600],
    ['another jsonrpc', JSON.stringify({ ...stat(), jsonrpc: '1.0' }), -32600],
    ['id null', JSON.stringify(stat(null)), -32600],
    ['a fraction as id', JSON.stringify(stat(1.5)), -32600],
  ])('of %s is 400 with a JSON-RPC error', async (_name, body, code) => {
    const answer = await raw(url, 'POST', { ...JSON_RPC, ...owner }, body);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(`"code":${code}`);
  });

  test('larger than a megabyte is 413, and its connection is not used again', async () => {
    const body = JSON.stringify({ ...stat(), params: 'x'.repeat(1.5 * 1024 * 1024) });
    const { status, headers } = await ask(url, { headers: owner, body });
    expect({ status, connection: headers.connection }).toEqual({ status: 413, connection: 'close' });
  });

  test('in UTF-8, however that is written, is read', async () => {
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"']) {
      const headers = { ...owner, 'content-type': `Application/JSON; Charset=${charset}` };
      expect((await ask(url, { headers, body: stat() })).status).toBe(200);
    }
  });
});

describe('Accept', () => {
  test.each([
    ['*/*'],
    ['application/*, text/*'],
    ['Application/JSON, Text/Event-Stream'],
    ['application/json;q=0.9,text/event-stream;q=0.8'],
    ['text/html, */*;q=0.1'],
  ])('%s is served, by the fast path, the SDK and in a session', async (accept) => {
    const inSession = await session('2025-11-25');
    for (const headers of [owner, inSession]) {
      for (const body of [stat(), message('tools/list')]) {
        expect((await ask(url, { headers: { ...headers, accept }, body })).status).toBe(200);
      }
    }
  });

  test('without one of the two types is 406', async () => {
    for (const accept of ['application/json', 'text/event-stream', 'text/html', '*/*;q=0', '']) {
      expect((await ask(url, { headers: { ...owner, accept }, body: message('tools/list') })).status).toBe(406);
    }
  });

  test('is read as RFC 9110 says', () => {
    expect(accepts('application/json;q=0, */*', 'application/json')).toBe(false);
    expect(accepts('*/*;q=0.0, application/json', 'application/json')).toBe(true);
    expect(accepts('text/*', 'application/json')).toBe(false);
  });
});

test('/mcp/ is served as /mcp is', async () => {
  expect((await ask(`${url}/`, { headers: owner, body: stat() })).status).toBe(200);
  expect((await ask(`${url}/other`, { headers: owner, body: stat() })).status).toBe(404);
});

test('a request with two Host headers is 400, on every path, and its connection ends', async () => {
  for (const path of ['/mcp', '/crm/stat', '/livez', '/nothing']) {
    const { host } = new URL(url);
    const text = `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nHost: evil.example\r\n\r\n`;
    const answer = await bytes(url, text);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('crm.host_required');
  }
});

describe('an id in use', () => {
  /** A transport on which customers are created when `go` is called, and counts how many arrived. */
  async function gated() {
    const { pipeline } = world.application;
    let [go, arrive] = [() => {}, () => {}];
    const opened = new Promise<void>((resolve) => {
      go = resolve;
    });
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const perform: typeof pipeline.backend.perform = async (call) => {
      if (call.operation.id === 'customer_create') {
        arrive();
        await opened;
      }
      return pipeline.backend.perform(call);
    };
    const identify: typeof pipeline.backend.identify = (...args) => pipeline.backend.identify(...args);
    const backend = Object.create(pipeline.backend, { perform: { value: perform }, identify: { value: identify } });
    const { url: to } = await open({}, { ...world.application, pipeline: { ...pipeline, backend } });
    return { to, arrived, go };
  }

  test.each(['on the fast path', 'in the SDK'])('in one session is rejected at once %s', async (way) => {
    const { to, arrived, go } = await gated();
    const headers = await session('2025-11-25', to);
    const meta = way === 'in the SDK' ? { extra: 1 } : {}; // the fast path takes no further parameters
    const made = create(7, `Held ${way}`);
    const first = ask(to, { headers, body: { ...made, params: { ...made.params, ...meta } } });
    await arrived;
    for (const body of [create(7, 'Never'), { ...message('tools/list'), id: 7 }]) {
      const second = await ask(to, { headers, body });
      expect(second).toMatchObject({ status: 400, json: { id: 7, error: { code: -32600 } } });
    }
    const others = [await session('2025-11-25', to), owner];
    for (const other of others) {
      expect((await ask(to, { headers: other, body: stat(7) })).json.result.isError).toBeFalsy();
    }
    expect((await ask(to, { headers, body: stat('7') })).status).toBe(200);
    go();
    expect((await first).json).toMatchObject({ id: 7, result: { structuredContent: { success: true } } });
    expect((await ask(to, { headers, body: stat(7) })).status).toBe(200);
    expect(await captions()).not.toContain('Never');
  });

  test('is free again after a cancellation, and after a request that was rejected', async () => {
    const { to, arrived, go } = await gated();
    const headers = await session('2025-11-25', to);
    const first = ask(to, { headers, body: create(7, 'Cancelled') });
    await arrived;
    await ask(to, { headers, body: notification('notifications/cancelled', { requestId: 7 }) });
    expect((await ask(to, { headers, body: stat(7) })).status).toBe(200);
    go();
    await first;
    for (let times = 0; times < 2; times += 1) {
      const refused = await ask(to, { headers: { ...headers, accept: 'text/html' }, body: message('tools/list') });
      expect(refused.status).toBe(406);
    }
  });
});

describe('a batch', () => {
  test('of protocol 2025-03-26 is served: in a session, without one, and by default', async () => {
    const without = { ...owner, 'mcp-protocol-version': '2025-03-26' };
    for (const headers of [await session('2025-03-26'), without, owner]) {
      const { status, text } = await ask(url, { headers, body: [stat(1), message('tools/list', {}, 2)] });
      expect(status).toBe(200);
      for (const id of [1, 2]) expect(text).toMatch(new RegExp(`"id":${id}[,}]`));
    }
  });

  test.each(['2024-11-05', '2025-06-18', '2025-11-25'])('of %s is rejected as a whole', async (version) => {
    const headers = await session(version);
    const { 'mcp-protocol-version': _, ...unnamed } = headers;
    const lying = { ...headers, 'mcp-protocol-version': '2025-03-26' };
    for (const sent of [headers, unnamed, lying, { ...owner, 'mcp-protocol-version': version }]) {
      const answer = await ask(url, { headers: sent, body: [create(1, 'In a batch'), create(2, 'In a batch')] });
      expect(answer).toMatchObject({ status: 400, json: { id: null, error: { code: -32600 } } });
    }
    expect(await captions()).not.toContain('In a batch');
  });

  test('with a repeated id is rejected as a whole, many at a time', async () => {
    const headers = await session('2025-03-26');
    const batch = [create(1, 'Twice'), create(1, 'Twice')];
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(url, { headers, body: batch })));
    for (const { status, json } of answers)
      expect({ status, code: json.error.code }).toEqual({ status: 400, code: -32600 });
    expect((await ask(url, { headers: owner, body: batch })).status).toBe(400);
    expect(await captions()).not.toContain('Twice');
  });

  test('with ids that another batch of the session uses is served or rejected, never left without an answer', async () => {
    const headers = await session('2025-03-26');
    const batch = (n: number) => [0, 1, 2].map((id) => create(id, `Batch ${n}`));
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => ask(url, { headers, body: batch(n) })));
    const served = answers.flatMap(({ status }, n) => (status === 200 ? [n] : []));
    expect(answers.every(({ status, json }) => status === 200 || json.error.code === -32600)).toBe(true);
    expect(served.length).toBeGreaterThan(0);
    const made = (await captions()).filter((caption) => caption.startsWith('Batch '));
    expect(made.sort()).toEqual(served.flatMap((n) => Array(3).fill(`Batch ${n}`)).sort());
  });
});

test('half a surrogate pair is 400 with its path over REST and MCP, and a whole character comes back as it was', async () => {
  const rest = createRest({
    pipeline: world.application.pipeline,
    operations: world.application.catalogue.entries.map(({ operation }) => operation),
  });
  const both = await openHttp(httpApplicationOf(world.application, rest), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    sessions: { most: 10, idleMs: 60_000 },
    onError: () => {},
  });
  const body = (caption: string) => `{"customer":{"caption":"${caption}"}}`;
  const call = (caption: string, extra = '') =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_customer_create","arguments":${body(caption)}${extra}}}`;
  const path = new URL('/crm/customer/create', both.url).href;
  for (const lone of ['x\\ud800', '\\udc00y', '\\ude00\\ud83d', 'a\\ud800\\ud800\\udc00']) {
    const overRest = await ask(path, { headers: owner, body: body(lone) });
    expect(overRest).toMatchObject({
      status: 400,
      json: { error: { details: { issues: [{ path: 'customer.caption' }] } } },
    });
    for (const sent of [call(lone), call(lone, ',"extra":1')]) {
      const { json } = await ask(both.url, { headers: owner, body: sent });
      expect(json.result.isError).toBe(true);
      expect(json.result.content[0].text).toContain('"path":"customer.caption"');
    }
  }
  const { json } = await ask(path, { headers: owner, body: body('\\ud83d\\ude00') });
  expect(json.data.caption).toBe('😀');
  const found = await ok(world, 'crm_customer_get', { customer_id: json.data.customer_id });
  expect(found.caption).toBe('😀');
  await both.close();
});

describe('connections over the limit', () => {
  test('are answered 503 and closed; health checks are served, and open connections are unaffected', async () => {
    const small = await open({ maxConnections: 2 });
    const kept = await Promise.all([keepAlive(small.url), keepAlive(small.url)]);
    for (const { ask: askAgain } of kept) expect(await askAgain('/livez')).toMatch(/^HTTP\/1\.1 200 /);
    const over = await raw(small.url, 'POST', { ...JSON_RPC, ...owner }, JSON.stringify(stat()));
    expect(over).toMatch(/^HTTP\/1\.1 503 /);
    expect(over).toContain('crm.too_many_connections');
    expect(over.toLowerCase()).toContain('retry-after: 1');
    const { host } = new URL(small.url);
    expect(await bytes(small.url, `GET /livez HTTP/1.1\r\nhost: ${host}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    for (const { ask: askAgain } of kept) expect(await askAgain('/readyz')).toMatch(/^HTTP\/1\.1 200 /);
    for (const { socket } of kept) await closed(socket);
    await expect.poll(async () => (await ask(small.url, { headers: owner, body: stat() })).status).toBe(200);
  });
});

/** Sends one request and reads until the server closes the connection. */
function raw(to: string, method: string, headers: Headers, body: string | Buffer): Promise<string> {
  const { host, pathname } = new URL(to);
  const all = { host, connection: 'close', ...headers, 'content-length': Buffer.byteLength(body) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return bytes(to, Buffer.concat([head, Buffer.from(body)]));
}

function bytes(to: string, sent: string | Buffer): Promise<string> {
  const socket = connect(Number(new URL(to).port), '127.0.0.1').setEncoding('utf8');
  socket.on('error', () => {});
  socket.write(sent);
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.once('close', () => resolve(text));
  });
}

/** A connection that stays open between its requests. */
async function keepAlive(to: string) {
  const { host, port } = new URL(to);
  const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const askAgain = (path: string): Promise<string> => {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    return new Promise((resolve) => socket.once('data', (part: string) => resolve(part)));
  };
  return { socket, ask: askAgain };
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()).destroy());
}
