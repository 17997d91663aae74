/** Without an issuer there is no OAuth: a token in a request changes nothing, and there are no metadata. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRest, type RestServer, type Sent, send } from '../support/rest.js';
import { useWorld } from '../support/use-world.js';

const world = useWorld({ atEnd: 'unverified' });
let server: RestServer;
beforeAll(async () => {
  server = await openRest(world.application);
});
afterAll(() => server.close());

const TOKEN = { authorization: 'Bearer x' };
const ACCEPT = { accept: 'application/json, text/event-stream' };
const rpc = (method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** Status, headers and body, without what differs between any two answers. */
async function answer(sent: Sent, more: object = {}) {
  const { status, headers, text } = await send(server, { ...sent, headers: { ...ACCEPT, ...sent.headers, ...more } });
  const { date: _date, 'content-length': _length, 'x-request-id': _id, 'mcp-session-id': session, ...rest } = headers;
  const body = text
    .replaceAll(/(\\?"(?:request_id|trace_id|timestamp_utc)\\?":\\?")[^"\\]*/g, '$1')
    .replaceAll(/(latency_ms\\?":)[\d.]+/g, '$1');
  return { status, headers: rest, hasSession: session !== undefined, body };
}

const stat = rpc('tools/call', { name: 'crm_stat', arguments: {} });
const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };

test.each<readonly [string, Sent]>([
  ['initialize', { path: '/mcp', body: rpc('initialize', initialize) }],
  ['a call', { path: '/mcp', body: stat }],
  ['a stream', { path: '/mcp', method: 'GET' }],
  ['a REST call', { path: '/crm/stat', method: 'GET' }],
  ['a REST call with a body', { path: '/crm/customer/get', body: '{}' }],
])('%s with a token is answered as without it', async (_what, sent) => {
  const without = await answer(sent);
  expect(await answer(sent, TOKEN)).toEqual(without);
  expect(without.headers).not.toHaveProperty('www-authenticate');
});

test('a call with a key is answered as without the token beside it', async () => {
  const headers = (await world.headers()) as Record<string, string>;
  const without = await answer({ path: '/crm/stat', method: 'GET', headers });
  expect(without.status).toBe(200);
  expect(await answer({ path: '/crm/stat', method: 'GET', headers }, TOKEN)).toEqual(without);
});

test('the well-known paths are answered as any unknown path is', async () => {
  const unknown = await answer({ path: '/.well-known/of-nothing', method: 'GET' });
  expect(unknown.status).toBe(404);
  for (const path of ['', '/mcp'])
    expect(await answer({ path: `/.well-known/oauth-protected-resource${path}`, method: 'GET' })).toEqual(unknown);
});
