/** Numbers of a request that JSON.parse would change are rejected by name, on every transport and in lean mode. */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Application } from '../../src/mcp/server.js';
import { parseHeaders } from '../../src/pipeline/headers.js';
import { openStdio, stdioApplicationOf } from '../../src/transport/stdio.js';
import { openRest, type RestServer, send } from '../support/rest.js';
import { useWorld } from '../support/use-world.js';
import type { Data } from '../support/world.js';

const world = useWorld({ atEnd: 'unverified' });
const LIST = 'crm_customer_list';
const JSON_RPC =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_customer_list","arguments":ARGS}}';
const LEAN = JSON_RPC.replace(LIST, 'crm_call').replace('ARGS', `{"operation":"${LIST}","arguments":ARGS}`);

let servers: readonly [RestServer, RestServer];
let caller: Record<string, string>;
beforeAll(async () => {
  servers = [await openRest(world.application), await openRest({ ...world.application, lean: true })];
  caller = (await world.headers()) as Record<string, string>;
});
afterAll(async () => {
  for (const server of servers) await server.close();
});

/** Sends a JSON-RPC message to /mcp; a content type with a charset is not for the fast path. */
async function overHttp(server: number, body: string, type = 'application/json'): Promise<Data> {
  const headers = { ...caller, accept: 'application/json, text/event-stream', 'content-type': type };
  const { text } = await send(servers[server] as RestServer, { path: '/mcp', headers, body });
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

/** Sends a line after a handshake and returns the answer to it. */
async function overStdio(application: Application, line: string): Promise<Data> {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const transport = openStdio(stdioApplicationOf(application, parseHeaders(caller)), () => {}, toServer, toClient);
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  toServer.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })}\n`);
  toServer.write(`{"jsonrpc":"2.0","method":"notifications/initialized"}\n${line}\n`);
  let text = '';
  for await (const part of toClient) {
    text += part;
    const answer = text.split('\n').find((one) => one.includes('"id":1'));
    if (answer === undefined) continue;
    await transport.close();
    return JSON.parse(answer);
  }
}

/** The error in a tool result, undefined for a success. */
function errorIn({ result }: Data): Data {
  return result.isError ? JSON.parse(result.content[0].text) : undefined;
}

/** Sends arguments, as JSON text, on one path through the server; returns the error of the call. */
const PATHS: Record<string, (args: string) => Promise<Data>> = {
  'HTTP, fast path': async (args) => errorIn(await overHttp(0, JSON_RPC.replace('ARGS', args))),
  'HTTP, the SDK': async (args) =>
    errorIn(await overHttp(0, JSON_RPC.replace('ARGS', args), 'application/json; charset=utf-8')),
  'HTTP, lean': async (args) => errorIn(await overHttp(1, LEAN.replace('ARGS', args))),
  stdio: async (args) => errorIn(await overStdio(world.application, JSON_RPC.replace('ARGS', args))),
  'stdio, lean': async (args) =>
    errorIn(await overStdio({ ...world.application, lean: true }, LEAN.replace('ARGS', args))),
  REST: async (args) => {
    const reply = await send(servers[0], { path: '/crm/customer/list', headers: caller, body: args });
    return reply.json.success ? undefined : reply.json.error;
  },
};

describe.each(Object.entries(PATHS))('%s', (_name, errorOf) => {
  test('rejects numbers that lost digits, and says how to send them', async () => {
    const error = await errorOf('{"limit":9007199254740993,"filter":{"list":[1,-12345678901234567890]}}');
    expect(error.error_code).toBe('crm.validation_failed');
    expect(error.http_status).toBe(400);
    expect(error.details.issues.map(({ path }: Data) => path)).toEqual(['limit', 'filter.list.1']);
    expect(error.details.issues[0].message).toContain('send it as a string of digits');
  });

  test('takes numbers that JSON carries exactly', async () => {
    expect(await errorOf('{"limit":9007199254740991}')).toBeUndefined();
  });
});

test('no integer reaches the backend as another one', async () => {
  const integers = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n });
  await fc.assert(
    fc.asyncProperty(integers, async (limit) => {
      const error = await PATHS.REST?.(`{"limit":${limit}}`);
      const exact = limit <= BigInt(Number.MAX_SAFE_INTEGER) && limit >= BigInt(Number.MIN_SAFE_INTEGER);
      expect(error?.details.issues[0].path).toBe(exact ? undefined : 'limit');
    }),
    { numRuns: 60 },
  );
});

test('a number too large for a double is rejected too', async () => {
  const error = await PATHS.REST?.('{"limit":1e999}');
  expect(error?.details.issues[0].path).toBe('limit');
});

test.each(['9007199254740993', '12345678901234567890'])('the message id %s is not answered as another', async (id) => {
  const body = JSON_RPC.replace('"id":1', `"id":${id}`).replace('ARGS', '{}');
  const { id: answered, error } = await overHttp(0, body);
  expect(answered ?? null).toBeNull();
  expect(error.code).toBe(-32600);
});
