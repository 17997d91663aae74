/** The fast path of a tool call over HTTP responds exactly as the SDK would, and leaves every unusual request to it. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCallTool, createServerFactory } from '../../src/mcp/server.js';
import { type HttpTransport, openHttp } from '../../src/transport/http.js';
import { headersOf } from '../../src/transport/request-headers.js';
import { unmark } from '../support/marks.js';
import { newCustomer, openWorld, type World } from '../support/world.js';

let world: World;
let caller: Record<string, string>;
let customer_id: string;
/** The HTTP transport with the fast path and without it; and how many calls the fast path served. */
let transports: { readonly fastPath: HttpTransport; readonly sdk: HttpTransport };
let answered = 0;

beforeAll(async () => {
  world = await openWorld();
  caller = (await world.headers()) as Record<string, string>;
  customer_id = await newCustomer(world, { email: 'lane@example.com' });
  const callTool = createCallTool(world.application);
  const counted: typeof callTool = (...call) => {
    const running = callTool(...call);
    if (running !== undefined) answered += 1;
    return running;
  };
  transports = { fastPath: await open(counted), sdk: await open(() => undefined) };
});
afterAll(async () => {
  await Promise.all([transports.fastPath.close(), transports.sdk.close()]);
  await world.close();
});

function open(callTool: ReturnType<typeof createCallTool>): Promise<HttpTransport> {
  const factory = createServerFactory(world.application, headersOf);
  const served = { factory, callTool, serverInfo: world.application.info };
  const onError = (error: Error) => {
    throw error;
  };
  return openHttp(served, { host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [], onError });
}

type Sent = { readonly body: string | Buffer; readonly headers?: Record<string, string | undefined> };

function send(transport: HttpTransport, { body, headers = {} }: Sent): Promise<{ status: number; json: unknown }> {
  const all = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': String(Buffer.byteLength(body)),
    ...caller,
    ...headers,
  };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      transport.url,
      { method: 'POST', headers: given as Record<string, string> },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, json: timeless(text) }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** The JSON of a response or of its one event, without what differs between two equal calls. */
function timeless(text: string): unknown {
  const json = text.startsWith('event:') ? text.slice(text.indexOf('data: ') + 6) : text;
  const parsed = JSON.parse(json === '' ? 'null' : json);
  const blank = ['request_id', 'trace_id', 'timestamp_utc', 'latency_ms'];
  return JSON.parse(JSON.stringify(parsed), (key, value) => {
    if (key === 'text') {
      const { answer } = unmark(value); // each answer has a boundary of its own
      return JSON.parse(JSON.stringify(answer), (inner, old) => (blank.includes(inner) ? '' : old));
    }
    return blank.includes(key) ? '' : value;
  });
}

const rpc = (params: unknown, extra: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params, ...extra });
const claims = (version = '2026-07-28') => ({
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
});
const stateless = (name: string, args: object, headers: object = {}, meta: object = claims()): Sent => ({
  body: rpc({ name, arguments: args, _meta: meta }),
  headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name, ...headers },
});
const get = () => ({ name: 'crm_customer_get', arguments: { customer_id } });

/** Requests the fast path serves. */
const USUAL: Record<string, () => Sent> = {
  'a call of an older client': () => ({ body: rpc(get()) }),
  'a call with an older protocol version': () => ({
    body: rpc(get()),
    headers: { 'mcp-protocol-version': '2025-06-18' },
  }),
  'a call with a progress token': () => ({ body: rpc({ ...get(), _meta: { progressToken: 3 } }) }),
  'a call with a text as id': () => ({ body: rpc(get(), { id: 'seven' }) }),
  'a call without arguments': () => ({ body: rpc({ name: 'crm_stat' }) }),
  'a stateless call': () => stateless('crm_customer_get', { customer_id }),
  'a rejected call': () => ({ body: rpc({ name: 'crm_customer_get', arguments: { customer_id: 'nobody' } }) }),
  'a rejected stateless call': () => stateless('crm_customer_list', { limt: 1 }),
  'a call without credentials': () => ({ body: rpc(get()), headers: { 'x-api-key': undefined } }),
  'names from many scripts': () => stateless('crm_customer_search', { q: 'Zoë 張 привет' }),
};

/** Requests it leaves to the SDK. */
const UNUSUAL: Record<string, () => Sent> = {
  'another method': () => ({ body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/list' }) }),
  'a tool that does not exist': () => ({ body: rpc({ name: 'crm_nobody' }) }),
  'a stateless call of a tool that does not exist': () => stateless('crm_nobody', {}),
  'a notification': () => ({ body: JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params: get() }) }),
  'a batch': () => ({ body: `[${rpc(get())}]` }),
  'invalid JSON': () => ({ body: '{"jsonrpc":' }),
  'bytes that are not UTF-8': () => ({ body: Buffer.from([0xff, 0xfe, 0x7b]) }),
  'an invalid id': () => ({ body: rpc(get(), { id: 1.5 }) }),
  'arguments that are a list': () => ({ body: rpc({ name: 'crm_stat', arguments: [] }) }),
  'another JSON-RPC version': () => ({ body: rpc(get(), { jsonrpc: '1.0' }) }),
  'another name in the header': () => stateless('crm_stat', {}, { 'mcp-name': 'crm_customer_get' }),
  'another method in the header': () => stateless('crm_stat', {}, { 'mcp-method': 'tools/list' }),
  'no method in the header': () => stateless('crm_stat', {}, { 'mcp-method': undefined }),
  'another version in the header': () => stateless('crm_stat', {}, { 'mcp-protocol-version': '2025-06-18' }),
  'a future version': () => stateless('crm_stat', {}, {}, claims('2030-01-01')),
  'an unknown version of an older client': () => ({
    body: rpc(get()),
    headers: { 'mcp-protocol-version': '1999-01-01' },
  }),
  'stateless fields without capabilities': () =>
    stateless('crm_stat', {}, {}, { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }),
  'stateless headers without stateless fields': () => ({ body: rpc(get()), headers: { 'mcp-method': 'tools/call' } }),
  'a client that accepts no event streams': () => ({ body: rpc(get()), headers: { accept: 'application/json' } }),
  'a form': () => ({ body: rpc(get()), headers: { 'content-type': 'text/plain' } }),
};

describe('the fast path serves, as the SDK would,', () => {
  test.each(Object.entries(USUAL))('%s', async (_name, make) => {
    const before = answered;
    const mine = await send(transports.fastPath, make());
    expect(answered).toBe(before + 1);
    expect(mine).toEqual(await send(transports.sdk, make()));
  });
});

describe('the fast path leaves to the SDK', () => {
  test.each(Object.entries(UNUSUAL))('%s', async (_name, make) => {
    const before = answered;
    const mine = await send(transports.fastPath, make());
    expect(answered).toBe(before);
    expect(mine).toEqual(await send(transports.sdk, make()));
  });
});
