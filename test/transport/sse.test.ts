/** The HTTP+SSE transport of 2024-11-05: behind its flag, for known callers, one stream per client, within limits. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import type { HttpTransport } from '../../src/transport/http.js';
import { openConfirming } from '../support/confirming.js';
import { ask, initialize, message, notification } from '../support/sessions.js';
import { useTransports } from '../support/use-transports.js';
import { useWorld } from '../support/use-world.js';
import { newCustomer, ok } from '../support/world.js';

const world = useWorld({ atEnd: 'unverified' });
const { open, listen } = useTransports(world, { sse: true });
let transport: HttpTransport;
let owner: Headers;
let viewer: Headers;

beforeAll(async () => {
  owner = await world.headers();
  viewer = await world.headers('crm_view');
  transport = await open();
});

/** A stream and the address of its messages. */
async function connect(at: HttpTransport, headers: Headers, capabilities: object = {}) {
  const stream = await listen(new URL('/sse', at.url).href, headers);
  const { data } = await stream.event(({ name }) => name === 'endpoint');
  const endpoint = new URL(data, at.url).href;
  const send = (body: unknown, from = headers) => ask(endpoint, { headers: from, body });
  const request = async (body: { id?: number }) => {
    expect((await send(body)).status).toBe(202);
    return (await stream.event((event) => event.message?.id === body.id && !event.message.method)).message;
  };
  await request({ ...initialize(capabilities), id: 1000 });
  await send(notification('notifications/initialized'));
  return { stream, endpoint, send, request };
}

const stat = (id: number) => message('tools/call', { name: 'crm_stat', arguments: {} }, id);

test('is not served unless it is enabled', async () => {
  const plain = await open({ sse: false });
  for (const path of ['/sse', '/messages?sessionId=x']) {
    expect((await ask(new URL(path, plain.url).href, { method: 'GET', headers: owner })).status).toBe(404);
  }
});

test('responds on the stream to messages sent to its address', async () => {
  const { request } = await connect(transport, owner);
  expect((await request(message('tools/list', {}, 2))).result.tools.length).toBeGreaterThan(50);
  expect((await request(stat(3))).result.structuredContent.data.status).toBe('ok');
});

describe('a stream belongs to its caller alone', () => {
  test.each<[string, () => Promise<Headers>]>([
    ['another caller', async () => viewer],
    ['a caller of another org', () => world.headers('owner', 'OTHER')],
    ['a caller without credentials', async () => ({})],
  ])('%s cannot send to it, as if it did not exist', async (_name, headersOf) => {
    const { send, stream, endpoint } = await connect(transport, owner);
    const before = stream.text();
    const other = await send(stat(2), await headersOf());
    const absent = endpoint.replace(/sessionId=.*/, 'sessionId=none');
    expect(other).toMatchObject({ status: 404, text: (await ask(absent, { headers: owner, body: stat(2) })).text });
    expect((await send(stat(3))).status).toBe(202);
    const { message: answer } = await stream.event((event) => event.message?.id === 3);
    expect(answer.result.isError).toBeUndefined();
    expect(stream.text().slice(before.length)).not.toContain('"id":2');
  });

  test('and an unknown caller gets none', async () => {
    for (const headers of [{}, { ...owner, 'x-api-key': 'nobody' }, { ...owner, 'x-orgcode': 'OTHER' }]) {
      const { status, text } = await ask(new URL('/sse', transport.url).href, { method: 'GET', headers });
      expect(status).toBe(401);
      expect(text).toContain('crm.credentials_invalid');
    }
  });

  test('and ends with its connection', async () => {
    const { stream, send } = await connect(transport, owner);
    stream.drop();
    await expect.poll(async () => (await send(stat(2))).status, { timeout: 20_000 }).toBe(404);
  });
});

test('the number of streams is limited, and a caller over the limit gets an error', async () => {
  const small = await open({ sessions: { most: 1, idleMs: 60_000 } });
  await connect(small, owner);
  for (const headers of [owner, viewer]) {
    const { status, headers: answered, text } = await ask(new URL('/sse', small.url).href, { method: 'GET', headers });
    expect({ status, wait: answered['retry-after'] }).toEqual({ status: 429, wait: '30' });
    expect(text).toContain('crm.too_many_sessions');
  }
});

describe('rejects a message', () => {
  test.each<[string, unknown, Headers, number]>([
    ['that is no JSON', '{"jsonrpc": ', {}, 400],
    ['that is none of JSON-RPC', { hello: 1 }, {}, 400],
    ['of several', [stat(2)], {}, 400],
    ['of another type', 'hello', { 'content-type': 'text/plain' }, 415],
    ['beyond a megabyte', message('tools/call', { name: 'x'.repeat(1024 * 1024) }), {}, 413],
  ])('%s', async (_name, body, headers, status) => {
    const { endpoint, request } = await connect(transport, owner);
    expect((await ask(endpoint, { headers: { ...owner, ...headers }, body })).status).toBe(status);
    expect((await request(stat(3))).result.structuredContent.data.status).toBe('ok');
  });

  test('sent with another method', async () => {
    const { endpoint } = await connect(transport, owner);
    expect((await ask(endpoint, { method: 'GET', headers: owner })).status).toBe(405);
    expect((await ask(new URL('/sse', transport.url).href, { headers: owner, body: stat(1) })).status).toBe(405);
  });
});

test('a page of a forbidden origin reaches neither path', async () => {
  const headers = { ...owner, origin: 'https://evil.example.com' };
  expect((await ask(new URL('/sse', transport.url).href, { method: 'GET', headers })).status).toBe(403);
  expect((await ask(new URL('/messages', transport.url).href, { headers, body: stat(1) })).status).toBe(403);
});

test('a graceful shutdown finishes calls in flight on a stream, rejects new ones, and then ends it', async () => {
  const closing = await open(
    { drain: { graceMs: 0, drainMs: 60_000 } },
    openConfirming(world, 'destructive').application,
  );
  const customer_id = await newCustomer(world);
  await ok(world, 'crm_loyalty_earn', { customer_id, points: 100 });
  const idle = await connect(closing, viewer);
  const { stream, send } = await connect(closing, owner, { elicitation: {} });
  await send(message('tools/call', { name: 'crm_loyalty_redeem', arguments: { customer_id, points: 30 } }, 7));
  const question = await stream.event((event) => event.message?.method === 'elicitation/create');
  const closed = closing.close();
  await idle.stream.ended;
  const refused = await send(stat(8));
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  const yes = { jsonrpc: '2.0', id: question.message.id, result: { action: 'accept', content: { confirm: true } } };
  expect((await send(yes)).status).toBe(202);
  const { message: answer } = await stream.event((event) => event.message?.id === 7);
  expect(answer.result.structuredContent.data).toMatchObject({ points: -30, balance_after: 70 });
  await stream.ended;
  await closed;
});
