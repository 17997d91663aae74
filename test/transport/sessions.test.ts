/** Sessions over HTTP: who gets one, who may use it, when it ends, and streams that break and are resumed. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import { openConfirming } from '../support/confirming.js';
import { ask, initialize, message, openSession, openStream } from '../support/sessions.js';
import { useTransports } from '../support/use-transports.js';
import { useWorld } from '../support/use-world.js';
import { newCustomer, ok } from '../support/world.js';

const world = useWorld({ atEnd: 'unverified' });
const { streams, open, listen } = useTransports(world);
let url: string;
let owner: Headers;
let viewer: Headers;

beforeAll(async () => {
  owner = await world.headers();
  viewer = await world.headers('crm_view');
  ({ url } = await open());
});

const stat = message('tools/call', { name: 'crm_stat', arguments: {} });

describe('a session', () => {
  test('is opened by initialize for a known caller, under an unguessable id', async () => {
    const ids = await Promise.all([1, 2].map(async () => (await openSession(url, owner))['mcp-session-id']));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test.each<[string, () => Promise<Headers>]>([
    ['no credential', async () => ({ 'x-orgcode': 'ACME' })],
    ['an unknown credential', async () => ({ ...owner, 'x-api-key': 'nobody' })],
    ['a credential of another org', async () => ({ ...owner, 'x-orgcode': 'OTHER' })],
  ])('is not opened for %s, who is served without one', async (_name, headersOf) => {
    const headers = await headersOf();
    const answer = await ask(url, { headers, body: initialize() });
    expect(answer.status).toBe(200);
    expect(answer.json.result.serverInfo.name).toBe('g3n-crm-mcp');
    expect(answer.headers).not.toHaveProperty('mcp-session-id');
    expect((await ask(url, { headers, body: message('tools/list') })).json.result.tools.length).toBeGreaterThan(50);
  });

  test('serves calls and lists as without a session', async () => {
    const session = await openSession(url, owner);
    const alone = await ask(url, { headers: owner, body: message('tools/list') });
    expect((await ask(url, { headers: session, body: message('tools/list') })).json).toEqual(alone.json);
    expect((await ask(url, { headers: session, body: stat })).json.result.structuredContent.data.status).toBe('ok');
  });

  test('ends when its client deletes it', async () => {
    const session = await openSession(url, owner);
    const stream = await listen(url, session);
    expect((await ask(url, { method: 'DELETE', headers: session })).status).toBe(200);
    await stream.ended;
    expect((await ask(url, { headers: session, body: stat })).status).toBe(404);
  });

  test('is not opened by anything but a valid initialize', async () => {
    const bad = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: 3 } };
    const answer = await ask(url, { headers: owner, body: bad });
    expect(answer.headers).not.toHaveProperty('mcp-session-id');
    expect(answer.status).not.toBe(500);
  });

  test('cannot be opened twice', async () => {
    const session = await openSession(url, owner);
    expect((await ask(url, { headers: session, body: initialize() })).status).toBe(400);
  });

  test('is ignored by the stateless protocol version', async () => {
    const name = 'crm_stat';
    const claims = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const headers = {
      ...owner,
      'mcp-session-id': 'of another server',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    };
    const body = message('tools/call', { name, arguments: {}, _meta: claims });
    expect((await ask(url, { headers, body })).json.result.structuredContent.data.status).toBe('ok');
  });
});

describe('a session belongs to its caller alone', () => {
  const OTHER_CALLERS: Record<string, (session: Headers) => Promise<Headers>> = {
    'another caller of the org': async (session) => ({ ...session, ...viewer }),
    'another key of the same roles': async (session) => ({
      ...session,
      ...(await world.headers('owner', 'ACME', '2')),
    }),
    'a caller of another org': async (session) => ({ ...session, ...(await world.headers('owner', 'OTHER')) }),
    'the same credential under another org': async (session) => ({ ...session, 'x-orgcode': 'OTHER' }),
    'a caller without credentials': async ({ 'mcp-session-id': id }) => ({ 'mcp-session-id': id }),
  };
  const ways = ['POST', 'GET', 'DELETE'].flatMap((method) =>
    Object.entries(OTHER_CALLERS).map(([name, headersOf]) => ({ method, name, headersOf })),
  );

  test.each(ways)(
    '$method by $name responds as if there were no session, and does not end it',
    async ({ method, headersOf }) => {
      const session = await openSession(url, owner);
      const body = method === 'POST' ? stat : undefined;
      const other = await ask(url, { method, headers: await headersOf(session), body });
      const none = await ask(url, { method, headers: { ...session, 'mcp-session-id': 'none' }, body });
      expect(other.status).toBe(404);
      expect(other.text).toBe(none.text);
      expect(other.json).toMatchObject({ error: { code: -32001, data: { error_code: 'crm.session_not_found' } } });
      expect((await ask(url, { headers: session, body: stat })).status).toBe(200);
    },
  );
});

describe('the number of sessions is limited', () => {
  test('and a caller over the limit gets an error with the time to wait', async () => {
    const { url: at } = await open({ sessions: { most: 2, idleMs: 60_000 } });
    await openSession(at, owner);
    await openSession(at, viewer);
    const answer = await ask(at, { headers: await world.headers('crm_edit'), body: initialize() });
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('30');
    expect(answer.json).toMatchObject({ id: 1, error: { data: { error_code: 'crm.too_many_sessions' } } });
  });

  test('and a caller’s longest unused session ends when the caller opens another', async () => {
    const { url: at } = await open({ sessions: { most: 8, idleMs: 60_000 } });
    const first = await openSession(at, owner);
    const second = await openSession(at, owner);
    const third = await openSession(at, owner);
    const alive = async (session: Headers) => (await ask(at, { headers: session, body: stat })).status === 200;
    expect([await alive(first), await alive(second), await alive(third)]).toEqual([false, true, true]);
    await Promise.all([listen(at, second), listen(at, third)]);
    const more = await ask(at, { headers: owner, body: initialize() });
    expect(more.status).toBe(429);
    expect((await ask(at, { headers: viewer, body: initialize() })).status).toBe(200);
  });
});

describe('without sessions (--stateless)', () => {
  test('initialize opens no session, and session ids are ignored', async () => {
    const { url: at } = await open({ sessions: undefined });
    const answer = await ask(at, { headers: owner, body: initialize() });
    expect(answer.headers).not.toHaveProperty('mcp-session-id');
    const headers = { ...owner, 'mcp-session-id': 'of another node' };
    expect((await ask(at, { headers, body: stat })).json.result.structuredContent.data.status).toBe('ok');
    expect((await ask(at, { method: 'GET', headers })).status).toBe(405);
    expect((await ask(at, { method: 'DELETE', headers })).status).toBe(405);
  });
});

describe('a stream of a session', () => {
  let asking: string;
  let customer_id: string;
  beforeAll(async () => {
    ({ url: asking } = await open({}, openConfirming(world, 'destructive').application));
  });
  const user = { elicitation: {} };
  const balance = async () => (await ok(world, 'crm_customer_get', { customer_id })).loyalty.points_balance;

  /** A call whose stream asks the user. */
  async function beginRedeem(session: Headers) {
    customer_id = await newCustomer(world);
    await ok(world, 'crm_loyalty_earn', { customer_id, points: 100 });
    const body = message('tools/call', { name: 'crm_loyalty_redeem', arguments: { customer_id, points: 30 } }, 7);
    const stream = await openStream(asking, { method: 'POST', headers: session, body });
    streams.push(stream);
    const question = await stream.event((event) => event.message?.method === 'elicitation/create');
    return { stream, question };
  }

  test('that broke is resumed at once, and nothing is done twice', async () => {
    const session = await openSession(asking, owner, user);
    const { stream, question } = await beginRedeem(session);
    stream.drop();
    const again = await listen(asking, { ...session, 'last-event-id': question.id });
    expect(again.status).toBe(200);
    const yes = { jsonrpc: '2.0', id: question.message.id, result: { action: 'accept', content: { confirm: true } } };
    expect((await ask(asking, { headers: session, body: yes })).status).toBe(202);
    const { message: answer } = await again.event((event) => event.message?.id === 7);
    expect(answer.result.structuredContent.data).toMatchObject({ points: -30, balance_after: 70 });
    await again.ended;
    expect(await balance()).toBe(70);
  });

  test('that broke before its response delivers it when resumed', async () => {
    const session = await openSession(asking, owner, user);
    const { stream, question } = await beginRedeem(session);
    stream.drop();
    const no = { jsonrpc: '2.0', id: question.message.id, result: { action: 'decline' } };
    expect((await ask(asking, { headers: session, body: no })).status).toBe(202);
    await expect
      .poll(async () => (await listen(asking, { ...session, 'last-event-id': question.id })).text(), {
        timeout: 20_000,
      })
      .toContain('crm.confirmation_declined');
    expect(await balance()).toBe(100);
  });

  test('cannot be resumed by another caller', async () => {
    const session = await openSession(asking, owner, user);
    const { stream, question } = await beginRedeem(session);
    stream.drop();
    const other = await openSession(asking, viewer, user);
    const stolen = await ask(asking, { method: 'GET', headers: { ...other, 'last-event-id': question.id } });
    expect(stolen.status).toBe(400);
    const hijacked = { ...session, ...viewer, 'last-event-id': question.id };
    expect((await ask(asking, { method: 'GET', headers: hijacked })).status).toBe(404);
  });

  test('tells clients how long to wait before reconnecting', async () => {
    const session = await openSession(asking, owner, user);
    const { stream } = await beginRedeem(session);
    expect(stream.text()).toContain('retry: 1000');
  });
});
