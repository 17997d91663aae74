/**
 * HTTP on the wire: discarded bodies, several requests on one connection, malformed requests, clients that disconnect;
 * and a request id on every response, MCP included.
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, openRest, post, type RestServer, send, withBackend } from '../support/rest.js';
import { type Data, openWorld, type World } from '../support/world.js';

let world: World;
let server: RestServer;
let owner: Record<string, string>;
beforeAll(async () => {
  world = await openWorld();
  server = await openRest(world.application);
  owner = (await world.headers()) as Record<string, string>;
});
afterAll(async () => {
  await server.close();
  await world.close();
});

const PATH = '/crm/customer/list';

/** A request as bytes, kept alive unless its headers say otherwise. */
function raw(method: string, path: string, headers: object = {}, body = ''): string {
  const all = { host: 'localhost', 'content-type': 'application/json', ...owner, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

const sized = (body: string, headers: object = {}) =>
  raw('POST', PATH, { 'content-length': body.length, ...headers }, body);
const last = () => raw('GET', '/crm/stat', { connection: 'close' });

function chunked(...chunks: readonly string[]): string {
  const parts = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  return raw('POST', PATH, { 'transfer-encoding': 'chunked' }, `${parts.join('')}0\r\n\r\n`);
}

/** Status and error code of every response in the received text. */
function answersIn(text: string): string[] {
  return text
    .split(/(?=HTTP\/1\.1 \d)/)
    .filter((part) => part.startsWith('HTTP/1.1'))
    .map((part) => `${part.slice(9, 12)} ${/"error_code":"(crm\.\w+)"/.exec(part)?.[1] ?? ''}`.trim());
}

describe('a body that is not needed', () => {
  const huge = 'x'.repeat(300 * 1024);
  const smuggled = `${' '.repeat(300 * 1024)}\r\n\r\n${raw('GET', '/crm/openapi.json')}`;

  test.each([
    ['announced too large', () => sized(huge), '413 crm.body_too_large'],
    ['too large in chunks', () => chunked(...Array(30).fill('x'.repeat(10 * 1024))), '413 crm.body_too_large'],
    ['too large in one chunk', () => chunked(huge), '413 crm.body_too_large'],
    ['that looks like requests', () => sized(smuggled), '413 crm.body_too_large'],
    ['that looks like requests, in chunks', () => chunked(smuggled), '413 crm.body_too_large'],
    ['of another type', () => sized(smuggled, { 'content-type': 'text/plain' }), '415 crm.unsupported_media_type'],
    ['of an unknown path', () => sized(huge).replace(PATH, '/crm/nowhere'), '404 crm.unknown_path'],
    ['of an unknown method', () => sized(huge).replace('POST', 'PUT'), '405 crm.method_not_allowed'],
    ['of a document', () => sized(huge).replace(`POST ${PATH}`, 'GET /crm/openapi.yaml'), '200'],
  ])('%s: is answered, and the next request on the connection too', async (_name, make, answer) => {
    expect(answersIn(await exchange(server, make() + last()))).toEqual([answer, '200']);
  });

  test('is rejected by its declared length, before it arrives', async () => {
    const announced = raw('POST', PATH, { 'content-length': 10 ** 10 });
    const text = await exchange(server, announced, (so) => so.endsWith('}'));
    expect(answersIn(text)).toEqual(['413 crm.body_too_large']);
  });

  test('ends the connection after a megabyte was discarded', async () => {
    const body = 'x'.repeat(3 * 1024 * 1024);
    for (const bytes of [sized(body), chunked(body), sized(body, { 'content-type': 'text/plain' })]) {
      const answers = answersIn(await exchange(server, bytes + last()));
      expect(answers.length).toBeLessThanOrEqual(1); // the end may overtake the answer
    }
    expect(await exchange(server, last())).toContain('200 OK');
  });
});

test('several requests in one packet are served in order', async () => {
  const text = await exchange(server, sized('{}') + sized('[') + raw('PUT', PATH) + sized('{"limit": "x"}') + last());
  expect(answersIn(text)).toEqual([
    '200',
    '400 crm.malformed_body',
    '405 crm.method_not_allowed',
    '400 crm.validation_failed',
    '200',
  ]);
  const ids = [...text.matchAll(/^x-request-id: (\S+)/gm)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(5);
});

test('Expect: 100-continue is honoured; any other expectation is ignored', async () => {
  const head = raw('POST', PATH, { 'content-length': 2, expect: '100-continue', connection: 'close' });
  const text = await exchange(server, `${head}{}`);
  expect(answersIn(text)).toEqual(['100', '200']);
  const odd = sized('{}', { expect: 'tea', connection: 'close' });
  expect(answersIn(await exchange(server, odd))).toEqual(['200']);
});

describe('malformed requests', () => {
  const named = (text: string) =>
    /^x-request-id: [0-9a-f-]{36}\r$/im.test(text) && /^x-api-version: 2026-03-04\r$/im.test(text);

  test.each([
    ['no HTTP', 'hello\r\n\r\n', '400'],
    [
      'two lengths of one body',
      raw('POST', PATH, { 'content-length': 2, 'transfer-encoding': 'chunked' }, '0\r\n\r\n'),
      '400',
    ],
    ['a length that is no number', raw('POST', PATH, { 'content-length': '2x' }, '{}'), '400'],
    ['headers without an end', raw('GET', '/crm/stat', { big: 'x'.repeat(20 * 1024) }), '431'],
  ])('%s: %3$s, with the headers of every answer', async (_name, bytes, status) => {
    const text = await exchange(server, bytes);
    expect(answersIn(text)).toEqual([status]);
    expect(named(text)).toBe(true);
  });

  test('after a response just end the connection', async () => {
    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1').setEncoding('utf8');
    let text = '';
    socket.on('data', (part: string) => {
      if (text === '') socket.write('hello\r\n\r\n');
      text += part;
    });
    socket.write(sized('{}'));
    await new Promise((ended) => socket.once('close', ended));
    expect(answersIn(text)).toEqual(['200']);
  });

  test('without a Host get a 400 in the format of the requested surface', async () => {
    const hostless = (path: string) => `GET ${path} HTTP/1.1\r\nconnection: close\r\n\r\n`;
    const rest = await exchange(server, hostless('/crm/stat'));
    expect(answersIn(rest)).toEqual(['400 crm.host_required']);
    const mcp = await exchange(server, hostless('/mcp'));
    expect(answersIn(mcp)).toEqual(['400 crm.host_required']);
    expect(mcp).toContain('"jsonrpc":"2.0"');
    expect([rest, mcp].every(named)).toBe(true);
  });
});

describe('a client that disconnects', () => {
  test('before its body is read leaves the server unaffected', async () => {
    const known = server.errors.length;
    const head = raw('POST', PATH, { 'content-length': 100, expect: '100-continue' });
    await exchange(server, `${head}{"limit":`, (so) => so.includes('100 Continue'));
    await expect.poll(() => server.errors.length).toBe(known + 1);
    expect((await post(server, '/customer/list', {}, owner)).status).toBe(200);
  });

  test('during its call aborts the signal of the backend', async () => {
    let aborted = false;
    let started = false;
    const perform = ({ signal }: { signal?: AbortSignal }) =>
      new Promise<never>((_, reject) => {
        started = true;
        signal?.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason);
        });
      });
    const slow = await openRest(withBackend(world.application, { perform }));
    const socket = connect(Number(new URL(slow.origin).port), '127.0.0.1');
    socket.write(sized('{}'));
    await expect.poll(() => started).toBe(true);
    expect(aborted).toBe(false);
    socket.destroy();
    await expect.poll(() => aborted).toBe(true);
    await slow.close();
  });
});

describe('every response has the contract version and a request id', () => {
  const accept = 'application/json, text/event-stream';
  const rpc = (method: string, params: object = {}, id = 1) => ({ jsonrpc: '2.0', id, method, params });
  const stat = { name: 'crm_stat', arguments: {} };
  const mcp = (body: unknown, headers: object = {}) =>
    send(server, {
      path: '/mcp',
      headers: { ...owner, accept, 'x-request-id': 'forged', ...headers },
      body: JSON.stringify(body),
    });
  /** The request ids in the results of a response, JSON or events. */
  const namesIn = (text: string): string[] => [...text.matchAll(/"request_id":"([^"]+)"/g)].map(([, id]) => id ?? '');

  test.each<[string, () => Promise<Data>, number]>([
    ['a list of tools', () => mcp(rpc('tools/list')), 200],
    ['a tool that does not exist', () => mcp(rpc('tools/call', { name: 'crm_nobody' })), 200],
    ['invalid JSON', () => send(server, { path: '/mcp', headers: { accept }, body: '{' }), 400],
    ['another method', () => send(server, { method: 'GET', path: '/mcp' }), 405],
    ['text', () => send(server, { path: '/mcp', headers: { 'content-type': 'text/plain' }, body: 'x' }), 415],
    ['a forbidden host', () => mcp(rpc('tools/list'), { host: 'evil.example.com' }), 403],
    ['another path', () => send(server, { method: 'GET', path: '/' }), 404],
    ['the document', () => send(server, { method: 'GET', path: '/crm/openapi.yaml' }), 200],
  ])('%s', async (_name, answer, status) => {
    const reply = await answer();
    expect(reply.status).toBe(status);
    expect(reply.headers['x-api-version']).toBe('2026-03-04');
    expect(reply.headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test('which is the id of its call, never the client’s, on the fast path and through the SDK', async () => {
    for (const type of ['application/json', 'application/json; charset=utf-8']) {
      for (const args of [{}, { no_such_field: 1 }]) {
        const reply = await mcp(rpc('tools/call', { ...stat, arguments: args }), { 'content-type': type });
        expect(new Set(namesIn(reply.text.replaceAll('\\"', '"')))).toEqual(new Set([reply.headers['x-request-id']]));
      }
    }
  });

  test('which only one call of a batch takes over', async () => {
    const reply = await mcp([rpc('tools/call', stat, 1), rpc('tools/call', stat, 2), rpc('tools/call', stat, 3)]);
    const names = namesIn(reply.text);
    expect(new Set(names).size).toBe(3);
    expect(names).toContain(reply.headers['x-request-id']);
  });
});
