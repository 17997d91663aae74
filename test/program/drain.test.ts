/** Graceful shutdown: a server reports it, rejects new calls, and completes in-flight calls without losing a write. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type HttpProgram, runJson, scratch, startHttp } from '../support/program.js';
import { ask, initialize, message, openSession, openStream, type Reply, type Stream } from '../support/sessions.js';
import { setUpOrg } from '../support/set-up-org.js';
import type { Data } from '../support/world.js';

const workspace = scratch();
let acme: Record<string, string>;
let customer_id: string;
let servers: HttpProgram[] = [];

beforeAll(async () => {
  const env = await setUpOrg(workspace.db);
  acme = {
    'x-orgcode': String(env.G3N_ORGCODE),
    'x-api-key': String(env.G3N_API_KEY),
    'x-logical-guid': 'store-1',
    'x-channel-code': 'pos',
  };
  const server = await start();
  const caption = 'Drain Person';
  ({ customer_id } = dataOf(await callTool(server, 'crm_customer_create', { customer: { caption } })));
  const { revision } = dataOf(await callTool(server, 'crm_loyalty_policy_get', {}));
  const policy = { enabled: true, redeem: { point_value: 0.01, currency: 'USD' } };
  dataOf(await callTool(server, 'crm_loyalty_policy_set', { policy, reason: 'drain', expected_revision: revision }));
  dataOf(await earn(server, 'the first', 1000));
});
afterEach(async () => {
  for (const server of servers.splice(0)) if (server.child.exitCode === null) await server.stop('SIGKILL');
});
afterAll(workspace.remove);

async function start(...args: string[]): Promise<HttpProgram> {
  const server = await startHttp(workspace.db, args);
  servers = [...servers, server];
  return server;
}

const at = (server: HttpProgram, path: string) => new URL(path, server.url).href;
/** Calls run side by side in one session, so each has an id of its own. */
let lastId = 100;
const toolCall = (name: string, args: object) => {
  lastId += 1;
  return message('tools/call', { name, arguments: args }, lastId);
};
const callTool = (server: HttpProgram, name: string, args: object, headers = acme) =>
  ask(server.url, { headers, body: toolCall(name, args) });
const earn = (server: HttpProgram, idempotency_key: string, points = 1, headers = acme) =>
  callTool(server, 'crm_loyalty_earn', { customer_id, points, idempotency_key }, headers);
const statusOf = async (server: HttpProgram, path: string) => (await ask(at(server, path), { method: 'GET' })).status;

/** The successful envelope of a response over any transport; undefined for an error. */
function successOf({ json }: Reply): Data {
  return json?.success === true ? json : json?.result?.structuredContent;
}

function dataOf(reply: Reply): Data {
  const answer = successOf(reply);
  if (answer === undefined) throw new Error(reply.text);
  return answer.data;
}

/** Opens a call that waits for its user: it stays in flight as long as the test needs. */
async function openPendingCall(server: HttpProgram) {
  const session = (await openSession(server.url, acme, { elicitation: {} })) as Record<string, string>;
  const body = message('tools/call', { name: 'crm_loyalty_redeem', arguments: { customer_id, points: 1 } }, 7);
  const call = await openStream(server.url, { method: 'POST', headers: session, body });
  const question = await call.event((event) => event.message?.method === 'elicitation/create');
  const yes = { jsonrpc: '2.0', id: question.message.id, result: { action: 'accept', content: { confirm: true } } };
  return { session, call, agree: () => ask(server.url, { headers: session, body: yes }) };
}

/** Resolves when the server rejects calls. */
async function untilRejecting(server: HttpProgram): Promise<void> {
  await expect.poll(async () => (await callTool(server, 'crm_stat', {})).status, { timeout: 30_000 }).toBe(503);
}

test('writes during SIGTERM: every acknowledged write is present exactly once, and the exit code is 0', async () => {
  const server = await start('--drain-seconds', '30');
  const session = (await openSession(server.url, acme)) as Record<string, string>;
  const writers: Record<string, (key: string) => Promise<Reply>> = {
    plain: (key) => earn(server, key),
    session: (key) => earn(server, key, 1, session),
    rest: (key) => {
      const body = { customer_id, points: 1, idempotency_key: key };
      return ask(at(server, '/crm/loyalty/earn'), { headers: acme, body });
    },
  };
  const tried: string[] = [];
  const answered = new Map<string, string>();
  const errors: Reply[] = [];
  let ended = false;
  const loops = Object.entries(writers).flatMap(([name, write]) =>
    [1, 2, 3, 4].map(async (loop) => {
      for (let each = 0; !ended; each += 1) {
        const key = `${name} ${loop} ${each}`;
        tried.push(key);
        const reply = await write(key).catch(() => undefined);
        if (reply === undefined) return;
        if (successOf(reply) === undefined) errors.push(reply);
        else answered.set(key, dataOf(reply).loyalty_txn_id);
      }
    }),
  );
  void server.ended.then(() => {
    ended = true;
  });
  await expect.poll(() => answered.size, { timeout: 30_000 }).toBeGreaterThan(60);
  server.child.kill('SIGTERM');
  await Promise.all(loops);
  expect((await server.ended).code).toBe(0);
  for (const { status, headers, text } of errors) {
    expect({ status, wait: headers['retry-after'] }, text).toEqual({ status: 503, wait: '1' });
    expect(text).toContain('crm.server_stopping');
  }

  const next = await start();
  for (const [key, loyalty_txn_id] of answered) {
    const again = await earn(next, key);
    expect(successOf(again), key).toMatchObject({ data: { loyalty_txn_id } });
  }
  expect((await runJson(['verify', '--db', workspace.db])).disagreements).toEqual([]);
  expect(tried.length).toBeGreaterThanOrEqual(answered.size);
});

test('responses sent just before the exit are complete', async () => {
  const server = await start();
  const calls = Array.from({ length: 40 }, (_, each) => earn(server, `last ${each}`).catch(() => undefined));
  await calls[0];
  server.child.kill('SIGTERM');
  for (const reply of await Promise.all(calls)) {
    if (reply === undefined) continue; // the connection was not accepted any more
    expect(reply.status === 503 || successOf(reply) !== undefined, reply.text).toBe(true);
  }
  expect((await server.ended).code).toBe(0);
});

describe('after SIGTERM', () => {
  test('the server is live but not ready, accepts calls for the grace period, then rejects them and completes the rest', async () => {
    const server = await start('--confirm', 'all', '--drain-grace-seconds', '5', '--drain-seconds', '60');
    expect(await statusOf(server, '/readyz')).toBe(200);
    const { session, call, agree } = await openPendingCall(server);
    server.child.kill('SIGTERM');
    await expect.poll(() => statusOf(server, '/readyz'), { timeout: 10_000, interval: 20 }).toBe(503);
    expect(successOf(await callTool(server, 'crm_stat', {}))).toBeDefined();
    await untilRejecting(server);
    expect(await statusOf(server, '/livez')).toBe(200);
    expect(await statusOf(server, '/readyz')).toBe(503);

    const errors = {
      'a new session': await ask(server.url, { headers: acme, body: initialize() }),
      'a call in a session': await callTool(server, 'crm_stat', {}, session),
      'a stream': await ask(server.url, { method: 'GET', headers: session }),
      'a call over REST': await ask(at(server, '/crm/stat'), { method: 'GET', headers: acme }),
    };
    for (const [name, { status, headers, text }] of Object.entries(errors)) {
      const { connection, 'retry-after': wait } = headers;
      expect({ name, status, connection, wait }).toEqual({ name, status: 503, connection: 'close', wait: '1' });
      expect(text, name).toContain('crm.server_stopping');
    }

    expect((await agree()).status).toBe(202);
    const { message: answer } = await call.event((event) => event.message?.id === 7);
    expect(answer.result.structuredContent.data).toMatchObject({ points: -1 });
    expect((await server.ended).code).toBe(0);
  });

  test('streams without a pending response end, and do not delay the exit', async () => {
    const server = await start('--drain-seconds', '600');
    const session = await openSession(server.url, acme);
    const stream: Stream = await openStream(server.url, { headers: session });
    server.child.kill('SIGTERM');
    await stream.ended;
    expect((await server.ended).code).toBe(0);
  });

  test('a call that does not end is aborted at the drain timeout', async () => {
    const server = await start('--confirm', 'all', '--drain-seconds', '1');
    const { call } = await openPendingCall(server);
    server.child.kill('SIGTERM');
    await call.ended;
    expect((await server.ended).code).toBe(0);
    expect((await runJson(['verify', '--db', workspace.db])).disagreements).toEqual([]);
  });

  test.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
  ] as const)('after %s, a %s ends the process at once', async (first, second) => {
    const server = await start('--confirm', 'all', '--drain-seconds', '600');
    await openPendingCall(server);
    server.child.kill(first);
    await untilRejecting(server);
    const { code } = await server.stop(second);
    expect(code).toBeNull(); // ended by the signal
    expect((await runJson(['verify', '--db', workspace.db])).disagreements).toEqual([]);
  });
});

describe('/livez and /readyz', () => {
  test('respond ok under any Host, without credentials, to GET and HEAD only', async () => {
    const server = await start();
    for (const path of ['/livez', '/readyz']) {
      const answer = await ask(at(server, path), { method: 'GET', headers: { host: '10.1.2.3:8787' } });
      expect(answer).toMatchObject({ status: 200, text: 'ok\n' });
      expect(answer.headers['cache-control']).toBe('no-store');
      expect((await ask(at(server, path), { method: 'HEAD' })).text).toBe('');
      expect((await ask(at(server, path), { method: 'POST', body: '{}' })).status).toBe(405);
    }
  });
});
