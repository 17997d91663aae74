/** Tool calls over stdio that are answered without the SDK: exactly as the SDK would, and nothing else is. */
import { Server } from '@modelcontextprotocol/server';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createCallTool } from '../../src/mcp/server.js';
import { type CallHeaders, parseHeaders } from '../../src/pipeline/headers.js';
import { toolName } from '../../src/tools/catalogue.js';
import { type StdioApplication, type StdioTransport, stdioApplicationOf } from '../../src/transport/stdio.js';
import { openConfirming } from '../support/confirming.js';
import { connectLine, type Line, openLine, STATELESS_META } from '../support/lines.js';
import { createTenant, exampleFor } from '../support/makers.js';
import { unmark } from '../support/marks.js';
import { initialize, message, notification } from '../support/sessions.js';
import { useWorld } from '../support/use-world.js';
import { type Data, newCustomer, ok } from '../support/world.js';

const world = useWorld();
let headers: CallHeaders;
let customer_id: string;
const open: StdioTransport[] = [];
/** The names of the tools that were called without the SDK. */
let fast: string[] = [];

beforeAll(async () => {
  headers = parseHeaders(await world.headers());
  customer_id = await newCustomer(world, { email: 'lane@example.com' });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
  fast = [];
});

const VERSIONS = ['2025-11-25', '2026-07-28'];
const NEVER: StdioApplication['callTool'] = () => undefined;

/** The application with `callTool` counted, or replaced. */
function served(application = world.application, replaced?: StdioApplication['callTool']): StdioApplication {
  const whole = stdioApplicationOf(application, headers);
  const callTool: StdioApplication['callTool'] = (name, ...rest) => {
    const running = (replaced ?? whole.callTool)(name, ...rest);
    if (running !== undefined) fast.push(name);
    return running;
  };
  return { ...whole, callTool };
}

async function connect(application: StdioApplication, version?: string, capabilities?: object): Promise<Line> {
  const line = await connectLine(application, version, capabilities);
  open.push(line.transport);
  return line;
}

function call(name: string, args: object = {}, version = '2025-11-25', id: string | number = 7) {
  const meta = version === '2026-07-28' ? { _meta: STATELESS_META } : {};
  return { ...message('tools/call', { name, arguments: args, ...meta }), id };
}

async function answerTo(line: Line, sent: unknown): Promise<Data> {
  line.say(sent);
  return line.heard(() => true);
}

/** A message without what differs between two equal calls. */
function timeless(received: unknown): unknown {
  const blank = ['request_id', 'trace_id', 'timestamp_utc', 'latency_ms'];
  return JSON.parse(JSON.stringify(received), (key, value) => {
    if (key === 'text') {
      return JSON.parse(JSON.stringify(unmark(value).answer), (inner, old) => (blank.includes(inner) ? '' : old));
    }
    return blank.includes(key) ? '' : value;
  });
}

describe('of every operation', () => {
  test('the answer is the JSON that the SDK would send, in both eras', async () => {
    const results = new Map<string, Data>();
    const callTool = createCallTool(world.application);
    for (const operation of CONTRACT.operations) {
      const tenant = createTenant((tool, args) => ok(world, tool, args));
      const name = toolName(operation);
      results.set(name, await callTool(name, await exampleFor(tenant, operation), headers));
    }
    for (const version of VERSIONS) {
      const factory = () => {
        const server = new Server(world.application.info, { capabilities: { tools: {} } });
        server.setRequestHandler('tools/list', () => ({ tools: [] }));
        server.setRequestHandler('tools/call', ({ params }) => results.get(params.name));
        return server;
      };
      const bySdk = await connect({ ...served(), factory, callTool: NEVER }, version);
      const byUs = await connect({ ...served(world.application, async (name) => results.get(name)), factory }, version);
      for (const name of results.keys()) {
        bySdk.say(call(name, {}, version, name));
        byUs.say(call(name, {}, version, name));
      }
      for (const line of [bySdk, byUs]) await line.heard(() => line.received.length === results.size);
      expect(byUs.received).toEqual(bySdk.received);
      expect(fast.splice(0)).toEqual([...results.keys()]);
    }
    expect(results.size).toBe(CONTRACT.operations.length);
  });
});

describe.each(VERSIONS)('protocol %s', (version) => {
  const get = (more: object = {}) => call('crm_customer_get', { customer_id, ...more }, version);
  const withMeta = (meta: object) => {
    const { params, ...rest } = get() as Data;
    return { ...rest, params: { ...params, _meta: { ...params._meta, ...meta } } };
  };
  const USUAL: [string, () => Data][] = [
    ['a call', get],
    ['a text as id', () => ({ ...get(), id: 'seven' })],
    ['no arguments', () => call('crm_stat', undefined, version)],
    ['a progress token', () => withMeta({ progressToken: 3 })],
    ['a trace', () => withMeta({ traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` })],
    ['a wrong argument', () => get({ nonsense: 1 })],
    ['names from many scripts', () => call('crm_customer_search', { q: 'Zoë 張 привет' }, version)],
  ];
  const UNUSUAL: [string, () => unknown][] = [
    [
      'another method',
      () => ({ ...get(), method: 'tools/list', params: (get() as Data).params._meta && { _meta: STATELESS_META } }),
    ],
    ['a tool that does not exist', () => call('crm_nobody', {}, version)],
    ['another field of the message', () => ({ ...get(), more: 1 })],
    ['another parameter', () => ({ ...get(), params: { ...get().params, task: {} } })],
    ['a name that is no text', () => ({ ...get(), params: { ...get().params, name: 1 } })],
    ['arguments in a list', () => ({ ...get(), params: { ...get().params, arguments: [] } })],
    ['a progress token that is an object', () => withMeta({ progressToken: {} })],
    ['a related task', () => withMeta({ 'io.modelcontextprotocol/related-task': { taskId: 1 } })],
    [
      'another protocol version in the call',
      () => withMeta({ ...STATELESS_META, 'io.modelcontextprotocol/protocolVersion': '2030-01-01' }),
    ],
    ['a log level', () => withMeta({ 'io.modelcontextprotocol/logLevel': 'loud' })],
    [
      'capabilities that are none',
      () => withMeta({ ...STATELESS_META, 'io.modelcontextprotocol/clientCapabilities': { sampling: 1 } }),
    ],
    [
      'a client without a version',
      () => withMeta({ ...STATELESS_META, 'io.modelcontextprotocol/clientInfo': { name: 'x' } }),
    ],
    ['_meta of the other era', () => call('crm_stat', {}, version === '2026-07-28' ? '2025-11-25' : '2026-07-28')],
  ];

  test.each(USUAL)('without the SDK, as it would: %s', async (_name, make) => {
    const mine = await answerTo(await connect(served(), version), make());
    expect(fast).toHaveLength(1);
    expect(timeless(mine)).toEqual(timeless(await answerTo(await connect(served(undefined, NEVER), version), make())));
  });

  test.each(UNUSUAL)('left to the SDK: %s', async (_name, make) => {
    const mine = await answerTo(await connect(served(), version), make());
    expect(fast).toEqual([]);
    expect(timeless(mine)).toEqual(timeless(await answerTo(await connect(served(undefined, NEVER), version), make())));
  });

  test('after a call that the SDK answered, the connection goes on without it', async () => {
    const line = await connect(served(), version);
    await answerTo(line, call('crm_nobody', {}, version, 'unknown'));
    line.say(get());
    await line.heard(({ id }) => id === 7);
    expect(fast).toEqual(['crm_customer_get']);
  });
});

describe('until the SDK knows the client, it answers', () => {
  test('a call before the handshake', async () => {
    const line = openLine(served());
    open.push(line.transport);
    line.say(call('crm_stat'));
    line.say({ ...initialize(), id: 'first' });
    expect(await line.heard(({ id }) => id === 'first')).toHaveProperty('result');
    expect(fast).toEqual([]);
  });

  test('a call in the same write as the handshake', async () => {
    const line = openLine(served());
    open.push(line.transport);
    line.say(`${JSON.stringify({ ...initialize(), id: 'first' })}\n${JSON.stringify(call('crm_stat'))}`);
    await line.heard(({ id }) => id === 7);
    expect(line.received.map(({ id }) => id)).toEqual(['first', 7]);
    expect(fast).toEqual([]);
  });

  test('the first call of a client that asked what the server can do; so it may still choose another version', async () => {
    const line = openLine(served());
    open.push(line.transport);
    line.say({ ...message('server/discover', { _meta: STATELESS_META }), id: 'discover' });
    await line.heard(({ id }) => id === 'discover');
    line.say(call('crm_stat', {}, '2026-07-28', 1));
    await line.heard(({ id }) => id === 1);
    expect(fast).toEqual([]);
    line.say(call('crm_stat', {}, '2026-07-28', 2));
    await line.heard(({ id }) => id === 2);
    expect(fast).toEqual(['crm_stat']);
  });
});

describe('a call that the user may have to confirm', () => {
  const erase = (version?: string) =>
    call('crm_customer_anonymize', { customer_id, expected_revision: 1, reason: 'asked to' }, version);
  const confirming = () => served(openConfirming(world, 'destructive').application);

  test('is left to the SDK when the client has a user', async () => {
    const line = await connect(confirming(), '2025-11-25', { elicitation: {} });
    line.say(erase());
    expect(await line.heard(() => true)).toMatchObject({ method: 'elicitation/create' });
    const stateless = await connect(confirming(), '2026-07-28');
    const { params, ...rest } = erase('2026-07-28') as Data;
    const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
    stateless.say({ ...rest, params: { ...params, _meta: { ...params._meta, ...capabilities } } });
    expect(await stateless.heard(() => true)).toMatchObject({ result: { resultType: 'input_required' } });
    expect(fast).toEqual([]);
  });

  test('is answered without the SDK when it has none', async () => {
    const { result } = await answerTo(await connect(confirming()), erase());
    expect(unmark(result.content[0].text).answer.error_code).toBe('crm.confirmation_required');
    expect(fast).toEqual(['crm_customer_anonymize']);
  });
});

describe('order and time', () => {
  test('answers of one turn leave in one write', async () => {
    const line = await connect(served());
    const ids = Array.from({ length: 16 }, (_, id) => id);
    line.say(ids.map((id) => JSON.stringify(call('crm_stat', {}, undefined, id))).join('\n'));
    await line.heard(({ id }) => id === 15);
    expect(line.received.map(({ id }) => id)).toEqual(ids);
    expect(line.writes).toEqual([16]);
    expect(fast).toHaveLength(16);
  });

  test('a call behind a request for the SDK starts after it', async () => {
    const started: string[] = [];
    const slow = served();
    const factory: StdioApplication['factory'] = () => {
      const server = new Server(world.application.info, { capabilities: { tools: {} } });
      server.setRequestHandler('tools/list', () => ({ tools: [] }));
      server.setRequestHandler('tools/call', ({ params }) => {
        started.push(params.name);
        return { content: [] };
      });
      return server;
    };
    const callTool: StdioApplication['callTool'] = async (name) => {
      started.push(`${name} in front`);
      return { content: [] };
    };
    const line = await connect({ ...slow, factory, callTool });
    const first = { ...call('first'), id: 1, params: { name: 'first', task: {} } };
    line.say(
      [first, call('second', {}, undefined, 2), call('third', {}, undefined, 3)]
        .map((sent) => JSON.stringify(sent))
        .join('\n'),
    );
    await line.heard(({ id }) => id === 3);
    line.say(call('fourth', {}, undefined, 4));
    await line.heard(({ id }) => id === 4);
    expect(started).toEqual(['first', 'second', 'third', 'fourth in front']);
  });

  test('a cancelled call gets no answer, and its id can be used again', async () => {
    const held: (() => void)[] = [];
    const result = (text: string) => ({ content: [{ type: 'text' as const, text }] });
    const callTool: StdioApplication['callTool'] = (name) =>
      new Promise((resolve) => void held.push(() => resolve(result(`${name} ${held.length}`))));
    const line = await connect({ ...served(), callTool });
    line.say(call('crm_stat'));
    line.say(notification('notifications/cancelled', { requestId: 7 }));
    await new Promise(setImmediate);
    line.say(call('crm_customer_get'));
    await expect.poll(() => held.length).toBe(2);
    held.forEach((finish) => void finish());
    await line.heard(({ id }) => id === 7);
    await new Promise(setImmediate);
    expect(line.received).toMatchObject([{ id: 7, result: result('crm_customer_get 2') }]);
  });

  test('a call that fails inside of the server gets an error, and the connection goes on', async () => {
    const errors: Error[] = [];
    let fails = true;
    const whole = served();
    const callTool: StdioApplication['callTool'] = (...args) =>
      fails ? Promise.reject(new Error('secret detail')) : whole.callTool(...args);
    const line = openLine({ ...whole, callTool }, (error) => void errors.push(error));
    open.push(line.transport);
    line.say({ ...initialize(), id: 'first' });
    await line.heard(({ id }) => id === 'first');
    line.say(call('crm_stat'));
    expect(await line.heard(({ id }) => id === 7)).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error: { code: -32603, message: 'Internal error' },
    });
    expect(errors.map(({ message: text }) => text)).toEqual(['secret detail']);
    fails = false;
    line.say(call('crm_stat', {}, undefined, 8));
    expect(await line.heard(({ id }) => id === 8)).toHaveProperty('result');
  });

  test('while the client reads nothing, nothing more is read from it', async () => {
    const text = 'x'.repeat(64 * 1024);
    let calls = 0;
    const callTool: StdioApplication['callTool'] = async () => {
      calls += 1;
      return { content: [{ type: 'text', text }] };
    };
    const line = await connect({ ...served(), callTool });
    line.output.pause();
    for (let id = 0; id < 1000; id += 1) {
      line.say(call('crm_stat', {}, undefined, id));
      await new Promise(setImmediate);
    }
    const unread = calls;
    expect(unread * text.length).toBeLessThan(6 * 1024 * 1024);
    line.output.resume();
    await line.heard(({ id }) => id === 999);
    expect(calls).toBe(1000);
  });
});
