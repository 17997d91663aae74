/** Headers that pass through a gateway: an upstream's announcements to the caller, the caller's trace to the upstream. */
import { describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import { createLog } from '../../src/log.js';
import { HEADERS, SECRET } from '../support/gateway.js';
import { openTestTransport } from '../support/transports.js';
import { successOf } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';
import { resultOf } from '../support/wire.js';

const { open, closeLater } = closingUpstreams();

const DEPRECATION = '@1790000000';
const SUNSET = 'Wed, 31 Mar 2027 23:59:59 GMT';
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Opens an HTTP server over a gateway whose upstream answers with these headers and status. */
async function openServer(announced: Record<string, string>, status = 200) {
  const body = status === 200 ? successOf({ done: true }) : { success: false, error: { http_status: status } };
  const { gateway } = await open(({ answer }) => answer(status, body, announced));
  const application = createApplication(gateway.backend, createLog('silent'));
  const transport = await openTestTransport({ application });
  closeLater(() => transport.close());
  const post = (path: string, json: object) =>
    fetch(new URL(path, transport.url), {
      method: 'POST',
      headers: {
        ...(HEADERS as Record<string, string>),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(json),
    });
  const params = { name: 'crm_customer_get', arguments: { customer_id: 'c' } };
  return {
    gateway,
    rest: () => post('/crm/customer/get', { customer_id: 'c' }),
    tool: async () =>
      resultOf(await (await post('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params })).text()),
  };
}

describe('an announcement that an operation ends', () => {
  test.each([200, 409])('with status %i reaches REST callers as headers, and agents in _meta', async (status) => {
    const { gateway, rest, tool } = await openServer({ deprecation: DEPRECATION, sunset: SUNSET }, status);
    const { headers } = await rest();
    expect([headers.get('deprecation'), headers.get('sunset')]).toEqual([DEPRECATION, SUNSET]);
    const result = (await tool()) as { _meta?: object };
    expect(result._meta).toMatchObject({ deprecation: { deprecation: DEPRECATION, sunset: SUNSET } });
    const event = { kind: 'deprecated', operation: 'customer_get', deprecation: DEPRECATION, sunset: SUNSET };
    expect(gateway.events).toEqual([event]);
  });

  test('that does not come is not made up', async () => {
    const { gateway, rest, tool } = await openServer({});
    const { headers } = await rest();
    expect([headers.get('deprecation'), headers.get('sunset')]).toEqual([null, null]);
    expect(((await tool()) as { _meta?: object })._meta).not.toHaveProperty('deprecation');
    expect(gateway.events).toEqual([]);
  });

  test('is left out when it is no plain text, and does not carry the credential', async () => {
    const { rest } = await openServer({ deprecation: `x${'y'.repeat(300)}`, sunset: `soon ${SECRET}` });
    const { headers } = await rest();
    expect([headers.get('deprecation'), headers.get('sunset')]).toEqual([null, 'soon [redacted]']);
  });
});

describe('the tracestate of a call', () => {
  const sent = async (headers: Record<string, string>) => {
    const { upstream, gateway } = await open(undefined);
    await gateway.ok('customer_get', { customer_id: 'c' }, { ...HEADERS, ...headers });
    const [logged = ''] = gateway.logged;
    expect(JSON.parse(logged).tracestate).toBe(upstream.received.at(-1)?.headers.tracestate);
    return upstream.received.map((request) => request.headers.tracestate);
  };

  test('goes to the upstream with every request, and into the log', async () => {
    const tracestate = 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE';
    expect(await sent({ traceparent: TRACEPARENT, tracestate })).toEqual([tracestate, tracestate]);
    expect(await sent({ traceparent: TRACEPARENT, tracestate: 'a=1 , ,t@v=2' })).toEqual(['a=1,t@v=2', 'a=1,t@v=2']);
  });

  test.each([
    ['has no traceparent', { tracestate: 'a=1' }],
    ['has an invalid traceparent', { traceparent: 'x', tracestate: 'a=1' }],
    ['is not well formed', { traceparent: TRACEPARENT, tracestate: 'a=1,b' }],
    ['is too long', { traceparent: TRACEPARENT, tracestate: `a=${'x'.repeat(256)},b=${'x'.repeat(256)}` }],
    ['has too many members', { traceparent: TRACEPARENT, tracestate: Array(33).fill('a=1').join() }],
    ['repeats the credential', { traceparent: TRACEPARENT, tracestate: `a=${SECRET}` }],
  ])('is dropped when it %s', async (_why, headers) => {
    expect(await sent(headers as never)).toEqual([undefined, undefined]);
  });
});
