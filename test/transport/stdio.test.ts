/** MCP over lines: whatever a client sends, it gets a response or is executed, and the connection goes on. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type CallHeaders, parseHeaders } from '../../src/pipeline/headers.js';
import { type StdioTransport, stdioApplicationOf } from '../../src/transport/stdio.js';
import { connectLine, STATELESS_META } from '../support/lines.js';
import { message, notification } from '../support/sessions.js';
import { useWorld } from '../support/use-world.js';
import { type Data, ok } from '../support/world.js';

const world = useWorld();
let headers: CallHeaders;
const open: StdioTransport[] = [];

beforeAll(async () => {
  headers = parseHeaders(await world.headers());
});
afterEach(() => Promise.all(open.splice(0).map((transport) => transport.close())));

const stat = (id: unknown) => ({ ...message('tools/call', { name: 'crm_stat', arguments: {} }), id });
const create = (id: unknown, caption: string) => ({
  ...message('tools/call', { name: 'crm_customer_create', arguments: { customer: { caption } } }),
  id,
});

/** A connection after its handshake. `works` makes one more request and returns all that was received. */
async function connect(version = '2025-11-25') {
  const line = await connectLine(stdioApplicationOf(world.application, headers), version);
  open.push(line.transport);
  const works = async () => {
    line.say(
      version === '2026-07-28' ? { ...message('tools/list', { _meta: STATELESS_META }), id: 'works' } : stat('works'),
    );
    expect(await line.heard(({ id }) => id === 'works')).toHaveProperty('result');
    return line.received;
  };
  return { ...line, works };
}

describe('something that is no message gets an error, and the connection goes on', () => {
  test('the error for another jsonrpc names the field', async () => {
    const line = await connect();
    line.say({ ...stat(5), jsonrpc: '1.0' });
    expect((await line.heard(() => true)).error.message).toContain('jsonrpc must be "2.0"');
  });

  test.each<[string, string | Buffer | object, number, unknown]>([
    ['a word', 'hello', -32700, null],
    ['half a message', '{"jsonrpc":"2.0","id":9,"method":"tools/', -32700, null],
    ['NUL', '\0', -32700, null],
    ['bytes that are no UTF-8', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xff"}', 'latin1'), -32700, null],
    ['half a surrogate in UTF-8', Buffer.from('22eda08022', 'hex'), -32700, null],
    ['text in UTF-16', Buffer.from(JSON.stringify(stat(1)), 'utf16le'), -32700, null],
    ['a name given twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700, null],
    ['deep nesting', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, -32600, null],
    ['a number', '7', -32600, null],
    ['another object', { a: 1 }, -32600, null],
    ['jsonrpc 1.0', { ...stat(5), jsonrpc: '1.0' }, -32600, 5],
    ['no jsonrpc', { id: 5, method: 'ping' }, -32600, 5],
    ['id null', stat(null), -32600, null],
    ['a fraction as id', stat(1.5), -32600, null],
    ['an id beyond 2^53', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', -32600, null],
    ['a list as id', stat([1]), -32600, null],
    ['a method that is no text', { ...stat(5), method: 5 }, -32600, 5],
    ['params in a list', { ...stat('x'), params: [1] }, -32602, 'x'],
    ['neither method nor result', { jsonrpc: '2.0', id: 5 }, -32600, 5],
    ['a response without id', { jsonrpc: '2.0', result: {} }, -32600, null],
    ['an unknown method', { jsonrpc: '2.0', id: 5, method: '__proto__' }, -32601, 5],
  ])('%s', async (_name, sent, code, id) => {
    const line = await connect();
    line.say(sent);
    expect(await line.heard(() => true)).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
    expect(await line.works()).toHaveLength(2);
  });

  test('an empty line and an error without id get nothing', async () => {
    const line = await connect();
    line.say('\n \t\r');
    line.say({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'what?' } });
    expect(await line.works()).toHaveLength(1);
  });
});

describe('a message is read', () => {
  test.each(['\n', '\r\n', '\r'])('with the line end %j', async (end) => {
    const line = await connect();
    line.say(stat(1), end);
    line.say(stat(2), end);
    await line.heard(({ id }) => id === 2);
    expect(line.received.map(({ id }) => id).sort()).toEqual([1, 2]);
  });

  test('after a byte order mark', async () => {
    const line = await connect();
    line.say(`\uFEFF${JSON.stringify(stat(1))}`);
    expect(await line.heard(() => true)).toMatchObject({ id: 1, result: {} });
  });

  test('without a line end, at the end of input; the connection closes after its response', async () => {
    const line = await connect();
    line.say(create('last', 'Last line'), '');
    line.input.end();
    await line.transport.closed;
    expect(line.received).toMatchObject([{ id: 'last', result: { structuredContent: { success: true } } }]);
  });

  test('at the end of input, with a subscription that nobody will end', async () => {
    const line = await connect('2026-07-28');
    line.say({ ...message('subscriptions/listen', { _meta: STATELESS_META, notifications: {} }), id: 'listen' });
    await line.heard(({ method }) => method === 'notifications/subscriptions/acknowledged');
    line.input.end();
    await line.transport.closed;
  });
});

describe('a line longer than 1 MiB gets an error under its id, if that can be read', () => {
  const long = 'x'.repeat(1024 * 1024);
  test.each([
    ['at the front', `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"${long}"}}`, 7],
    ['at the front, a text', `{ "id" : "a\\"b", "params":{"a":"${long}"}}`, 'a"b'],
    ['at the back', `{"method":"tools/call","params":{"id":1,"a":"${long}"},"jsonrpc":"2.0","id":"z"}`, 'z'],
    ['inside of params alone', `{"method":"x","params":{"id":1,"a":"${long}","b":{"id":2}}}`, null],
    ['of a response', `{"result":{"a":"${long}"},"jsonrpc":"2.0","id":3}`, null],
    ['nowhere', `x${long}`, null],
  ])('%s', async (_name, text, id) => {
    const line = await connect();
    line.say(text);
    const answer = await line.heard(() => true);
    expect(answer).toMatchObject({ jsonrpc: '2.0', id, error: { code: -32600 } });
    expect(answer.error.message).toContain('1048576 bytes');
    expect(await line.works()).toHaveLength(2);
  });

  test('a hundred such lines are not kept', async () => {
    const line = await connect();
    const before = process.memoryUsage().arrayBuffers;
    const chunk = Buffer.alloc(1024 * 1024, 'y');
    for (let sent = 0; sent < 100; sent += 1) line.say(chunk, '');
    line.say('');
    await line.heard(({ error }) => error !== undefined);
    await line.works();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});

describe('an id in use', () => {
  test('by a request without response is rejected at once, and nothing of the second request happens', async () => {
    const line = await connect();
    line.say(`${JSON.stringify(create(1, 'First of two'))}\n${JSON.stringify(create(1, 'Second of two'))}`);
    await line.heard(({ result }) => result !== undefined);
    expect(line.received.filter(({ error }) => error)).toMatchObject([{ id: 1, error: { code: -32600 } }]);
    const { items } = await ok(world, 'crm_customer_list', { limit: 50 });
    const captions = items.map(({ caption }: Data) => caption);
    expect(captions.filter((caption: string) => caption.endsWith('of two'))).toEqual(['First of two']);
  });

  test('can be used again after the response, and after a cancellation', async () => {
    const line = await connect();
    for (let times = 1; times <= 3; times += 1) {
      line.say(stat(1));
      await line.heard(() => line.received.length === times);
    }
    line.say(stat(2));
    line.say(notification('notifications/cancelled', { requestId: 2 }));
    line.say(stat(2));
    await line.heard(({ id }) => id === 2);
    expect(line.received.filter(({ error }) => error)).toEqual([]);
  });

  test('a text and a number are different ids', async () => {
    const line = await connect();
    line.say(`${JSON.stringify(stat(1))}\n${JSON.stringify(stat('1'))}`);
    await line.heard(() => line.received.length === 2);
    expect(line.received.map(({ id }) => id).sort()).toEqual([1, '1']);
  });
});

describe('a batch', () => {
  test('of protocol 2025-03-26 gets one response with all results', async () => {
    const line = await connect('2025-03-26');
    const progress = notification('notifications/progress', { progressToken: 1, progress: 1 });
    line.say([stat(1), progress, stat('two'), { ...stat(3), method: 'nothing' }]);
    const batch = await line.heard(() => true);
    expect(batch.map(({ id }: Data) => id).sort()).toEqual([1, 3, 'two']);
    expect(batch.find(({ id }: Data) => id === 3)).toMatchObject({ error: { code: -32601 } });
    expect(await line.works()).toHaveLength(2);
  });

  test.each<[string, string, unknown[]]>([
    ['a repeated id', '2025-03-26', [create(1, 'In a batch'), create(1, 'In a batch')]],
    ['a part that is no message', '2025-03-26', [create(1, 'In a batch'), 1]],
    ['no messages', '2025-03-26', []],
    ['a hundred and one messages', '2025-03-26', Array.from({ length: 101 }, (_, id) => create(id, 'In a batch'))],
    ['initialize', '2025-03-26', [create(1, 'In a batch'), message('initialize')]],
    ['protocol 2024-11-05', '2024-11-05', [create(1, 'In a batch')]],
    ['protocol 2025-06-18', '2025-06-18', [create(1, 'In a batch')]],
    ['protocol 2025-11-25', '2025-11-25', [create(1, 'In a batch')]],
    ['protocol 2026-07-28', '2026-07-28', [create(1, 'In a batch')]],
  ])('with %s is rejected as a whole: nothing of it happens', async (_name, version, batch) => {
    const line = await connect(version);
    line.say(batch);
    expect(await line.heard(() => true)).toMatchObject({ id: null, error: { code: -32600 } });
    expect(await line.works()).toHaveLength(2);
    const { items } = await ok(world, 'crm_customer_list', { limit: 50 });
    expect(items.filter(({ caption }: Data) => caption === 'In a batch')).toEqual([]);
  });

  test('with an id in use by another request is rejected as a whole', async () => {
    const line = await connect('2025-03-26');
    line.say(`${JSON.stringify(stat(1))}\n${JSON.stringify([stat(0), stat(1), stat(2)])}`);
    await line.heard(({ id }) => id === 1);
    expect(line.received.filter(({ error }) => error)).toMatchObject([{ id: null, error: { code: -32600 } }]);
  });
});
