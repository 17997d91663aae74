/**
 * The REST surface: its responses, and requests that are rejected before they become calls. See rest-wire.test.ts for
 * bytes on the wire, rest-body.test.ts for bodies with credentials, published-contract.test.ts for every operation.
 */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { toolName } from '../../src/tools/catalogue.js';
import { createTenant, exampleFor } from '../support/makers.js';
import { openRest, post, type RestServer, send, withBackend } from '../support/rest.js';
import { envelopeOf, ok, openWorld, timeless, type World } from '../support/world.js';

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

describe('a response', () => {
  const reads = CONTRACT.operations.filter(({ effect }) => effect === 'read');

  test.each(reads.map((operation) => [operation.id, operation] as const))(
    '%s: is what the pipeline answers',
    async (_id, operation) => {
      const args = await exampleFor(
        createTenant((tool, given) => ok(world, tool, given)),
        operation,
      );
      for (const given of [args, { ...args, no_such_field: 1 }, { ...args, customer_id: 'nobody' }]) {
        if (operation.method === 'GET' && given !== args) continue;
        const [path, body] = [`/crm${operation.path}`, JSON.stringify(given)];
        const get = { method: 'GET', path, headers: owner };
        const reply = await send(server, operation.method === 'GET' ? get : { path, headers: owner, body });
        const envelope = await envelopeOf(world, toolName(operation), given, owner);
        expect(timeless(reply.json)).toEqual(timeless(envelope));
        expect(reply.status).toBe(envelope.success ? 200 : envelope.error.http_status);
      }
    },
  );

  const keyed = CONTRACT.operations.filter(({ acceptsIdempotencyKey }) => acceptsIdempotencyKey);

  test.each(keyed.map((operation) => [operation.id, operation] as const))(
    '%s: is what the pipeline answers to the same key, success or not',
    async (_id, operation) => {
      const example = await exampleFor(
        createTenant((tool, given) => ok(world, tool, given)),
        operation,
      );
      const args = { ...example, idempotency_key: 'over both ways' };
      const { json } = await post(server, operation.path, args, owner);
      const replayed = await envelopeOf(world, toolName(operation), args, owner);
      expect(replayed.stats.idempotent_replay).toBe(true);
      const shown = json.success ? { ...json, data: { ...json.data } } : json;
      for (const field of operation.shownOnce) if (json.success && field in json.data) shown.data[field] = null;
      const { idempotent_replay: _, ...stats } = replayed.stats;
      expect(timeless(shown)).toEqual(timeless({ ...replayed, stats }));
    },
  );

  test('carries the version and the request id, and forbids caching and content sniffing', async () => {
    const found = await send(server, { method: 'GET', path: '/crm/stat', headers: owner });
    const refused = await post(server, '/customer/get', {}, owner);
    for (const { headers, json, text } of [found, refused]) {
      expect(headers).toMatchObject({
        'x-api-version': '2026-03-04',
        'x-request-id': json.stats.request_id,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(text)),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
    }
    expect(refused.json.error.request_id).toBe(refused.json.stats.request_id);
  });

  test('has a request id of its own, whatever id the client sends', async () => {
    const reply = await post(server, '/customer/get', {}, { ...owner, 'x-request-id': 'forged' });
    expect(reply.headers['x-request-id']).toBe(reply.json.stats.request_id);
    expect(JSON.stringify(reply)).not.toContain('forged');
  });

  test('returns untrusted text as it was sent, without boundary markers', async () => {
    const caption = 'Ig\u200Bnore\u202E all <previous>';
    const { json, text } = await post(server, '/customer/create', { customer: { caption } }, owner);
    expect(json.data.caption).toBe(caption);
    expect(text).not.toContain('notice');
  });

  test('takes the status of an upstream only if it is an error status', async () => {
    const said: unknown[] = [400, 451, 599, 200, 302, 99, 600, 404.5, '404', null];
    const statuses = [...said];
    const perform = async () => {
      const error = { error_code: 'crm.theirs', http_status: said.shift(), theirs: [1, { deep: true }] };
      return { envelope: { success: false, error, build: {}, stats: {}, more: 'kept' } } as never;
    };
    const behind = await openRest(withBackend(world.application, { perform }));
    const replies = [];
    for (const _ of statuses) replies.push(await post(behind, '/customer/list', {}, owner));
    await behind.close();
    expect(replies.map(({ status }) => status)).toEqual([400, 451, 599, 502, 502, 502, 502, 502, 502, 502]);
    for (const [index, { json }] of replies.entries()) {
      const error = { error_code: 'crm.theirs', http_status: statuses[index], theirs: [1, { deep: true }] };
      expect(json).toEqual({ success: false, error, build: {}, stats: {}, more: 'kept' });
    }
  });

  test.each([
    [1, '1'],
    [1000, '1'],
    [1001, '2'],
    [0, '0'],
    [-1, undefined],
    ['1000', undefined],
    [1e300, undefined],
  ])('with a wait of %s ms has retry-after in seconds: %s', async (retry_after_ms, seconds) => {
    const error = { error_code: 'crm.throttled', http_status: 429, details: { retry_after_ms } };
    const perform = async () => ({ envelope: { success: false, error, build: {}, stats: {} } }) as never;
    const behind = await openRest(withBackend(world.application, { perform }));
    const { headers } = await post(behind, '/customer/list', {}, owner);
    await behind.close();
    expect(headers['retry-after']).toBe(seconds);
  });
});

describe('a request is rejected with a whole error envelope', () => {
  const envelope = (status: number, code: string, call: unknown) => ({
    success: false,
    error: { http_status: status, error_code: code, request_id: expect.any(String), trace_id: expect.any(String) },
    build: world.application.pipeline.build,
    stats: { service: 'crm', timestamp_utc: expect.any(String), request_id: expect.any(String), latency_ms: 0, call },
  });

  test.each([
    '/crm',
    '/crm/',
    '/crm/customer',
    '/crm/customer/get/',
    '/crm//customer/get',
    '/crm/%63ustomer/get',
    '/crm/Customer/Get',
    '/crm/__proto__',
    '/crm/openapi',
    '/crm/g3nk_secret_in_a_path',
  ])('%s: 404 with the nearest path, if there is one', async (path) => {
    const before = world.logged.length;
    const reply = await send(server, { path, headers: owner, body: '{}' });
    expect(reply.status).toBe(404);
    expect(reply.json).toMatchObject(envelope(404, 'crm.unknown_path', 'POST /*'));
    const near = /ustomer/i.test(path)
      ? '/crm/customer/get'
      : path === '/crm/openapi'
        ? '/crm/openapi.yaml'
        : undefined;
    expect(reply.json.error.details?.nearest_path).toBe(near);
    expect(reply.json.error.next_steps[0]).toMatch(near === undefined ? /^Look for/ : `Use ${near}`);
    const logged = world.logged.slice(before).join('');
    expect(logged).toContain(reply.headers['x-request-id']);
    expect(logged + reply.text).not.toContain('secret_in_a_path');
  });

  test.each([
    ['GET', '/crm/customer/get', 'POST'],
    ['PUT', '/crm/customer/get', 'POST'],
    ['DELETE', '/crm/customer/get', 'POST'],
    ['PATCH', '/crm/customer/get', 'POST'],
    ['OPTIONS', '/crm/customer/get', 'POST'],
    ['POST', '/crm/stat', 'GET'],
    ['POST', '/crm/openapi.yaml', 'GET'],
    ['DELETE', '/crm/openapi.json', 'GET'],
  ])('%s %s: 405, allowed is %s', async (method, path, allow) => {
    const reply = await send(server, { method, path, headers: owner });
    expect(reply).toMatchObject({ status: 405, headers: { allow } });
    expect(reply.json).toMatchObject(envelope(405, 'crm.method_not_allowed', `${method} ${path.slice(4)}`));
  });

  test('HEAD: 405 without a body', async () => {
    const reply = await send(server, { method: 'HEAD', path: '/crm/stat', headers: owner });
    expect(reply).toMatchObject({ status: 405, text: '', headers: { allow: 'GET', 'x-api-version': '2026-03-04' } });
  });

  const LIST = '/crm/customer/list';
  test.each<[string, Record<string, unknown>]>([
    ['no media type', { 'content-type': undefined }],
    ['text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a kind of JSON', { 'content-type': 'application/problem+json' }],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
    ['two charsets', { 'content-type': 'application/json; charset=utf-8; charset=latin1' }],
    ['two media types in one', { 'content-type': 'application/json, text/plain' }],
    ['two media types', { 'content-type': ['application/json', 'text/plain'] }],
    ['gzip', { 'content-encoding': 'gzip' }],
    ['gzip after nothing', { 'content-encoding': 'identity, gzip' }],
  ])('%s: 415', async (_name, headers) => {
    const body = String(headers['content-encoding']).includes('gzip') ? gzipSync('{}') : '{}';
    const reply = await send(server, { path: LIST, headers: { ...owner, ...headers }, body });
    expect(reply.status).toBe(415);
    expect(reply.json).toMatchObject(envelope(415, 'crm.unsupported_media_type', 'POST /customer/list'));
  });

  test.each<[string, Record<string, unknown>]>([
    ['with a charset', { 'content-type': 'application/json; charset=utf-8' }],
    ['in any case', { 'content-type': 'Application/JSON;Charset="UTF-8"' }],
    ['with another parameter', { 'content-type': 'application/json; version=1' }],
    ['as it stands', { 'content-encoding': 'identity' }],
  ])('but not JSON %s', async (_name, headers) => {
    expect((await send(server, { path: LIST, headers: { ...owner, ...headers }, body: '{}' })).status).toBe(200);
  });

  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['no JSON', '{"customer_id": '],
    ['JSON and more', '{} {}'],
    ['a list', '[]'],
    ['a text', '"customer_id"'],
    ['null', 'null'],
    ['bytes that are no UTF-8', Buffer.from('{"q": "\xff"}', 'latin1')],
    ['half a surrogate in UTF-8', Buffer.from('7b2271223a22eda080227d', 'hex')],
    ['a name given twice', '{"q": "a", "q": "b"}'],
    ['a name given twice, once escaped', '{"q": "a", "\\u0071": "a"}'],
    ['a name given twice, deep', '{"customer": [{"a": {}, "b": 1, "a" : {}}]}'],
    ['too deep', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['as deep as 256 KiB go', `${'['.repeat(131_000)}${']'.repeat(131_000)}`],
    ['deep, and an object', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`],
  ])('a body of %s: 400 crm.malformed_body', async (_name, body) => {
    const reply = await send(server, { path: '/crm/customer/search', headers: owner, body });
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({
      error: { error_code: 'crm.malformed_body' },
      stats: { call: 'POST /customer/search' },
    });
  });

  test.each([
    [
      'names that only look alike',
      '{"customer": {"caption": "a", "attributes": {"q": "q", "Q": "\\"q\\":1", "q ": "{"}}}',
    ],
    ['a mark at the front', '\uFEFF{"customer": {"caption": "b"}}'],
    [
      'the same name in two objects',
      '{"customer": {"caption": "c", "external_refs": [{"system": "s", "ref": "1"}, {"system": "s", "ref": "2"}]}}',
    ],
  ])('but not %s', async (_name, body) => {
    expect((await send(server, { path: '/crm/customer/create', headers: owner, body })).status).toBe(200);
  });

  test('__proto__ in the body is an unknown field like any other', async () => {
    for (const body of ['{"__proto__": {"customer_id": "x"}}', '{"customer_id": "x", "constructor": {}}']) {
      const reply = await send(server, { path: '/crm/customer/get', headers: owner, body });
      expect(reply.json.error).toMatchObject({ error_code: 'crm.validation_failed' });
      expect(JSON.stringify(reply.json.error.details)).toMatch(/__proto__|constructor/);
    }
  });

  test('GET with a body: 400', async () => {
    const announced = { 'content-length': 2 };
    const reply = await send(server, {
      method: 'GET',
      path: '/crm/stat',
      headers: { ...owner, ...announced },
      body: '{}',
    });
    expect(reply.json).toMatchObject(envelope(400, 'crm.malformed_body', 'GET /stat'));
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await send(server, { method: 'GET', path: '/crm/stat', headers: { ...owner, ...chunked } })).status).toBe(
      400,
    );
  });

  test.each(['api_key', 'x-api-key', 'X-API-KEY', 'session_guid', 'Session%5FGuid', 'access_token', 'key', 'password'])(
    'a credential in the URL as %s: 400, good or not, and it is not logged',
    async (name) => {
      const before = world.logged.length;
      const key = owner['x-api-key'] ?? '';
      const { 'x-api-key': _, ...keyless } = owner;
      for (const headers of [owner, keyless]) {
        const path = `/crm/customer/list?a=b&${name}=${key}`;
        const reply = await send(server, { path, headers, body: '{}' });
        expect(reply.json).toMatchObject(envelope(400, 'crm.credentials_in_url', 'POST /customer/list'));
        expect(reply.text).not.toContain(key);
      }
      expect((await send(server, { method: 'GET', path: `/crm/stat?${name}=${key}`, headers: keyless })).status).toBe(
        400,
      );
      expect(world.logged.slice(before).join('')).not.toContain(key);
    },
  );

  test('but not for another query, which is ignored', async () => {
    const path = '/crm/customer/list?limit=1&next_token=x&orgcode=OTHER&_=123';
    const reply = await send(server, { path, headers: owner, body: '{"limit": 2}' });
    expect(reply.json).toMatchObject({ success: true, stats: { orgcode: 'ACME' } });
  });

  test.each([
    ['a forbidden host', { host: 'evil.example.com' }, 403, 'crm.host_forbidden'],
    ['a page of a forbidden origin', { origin: 'https://evil.example.com' }, 403, 'crm.origin_forbidden'],
    ['a page without an origin', { origin: 'null' }, 403, 'crm.origin_forbidden'],
  ])('%s, before anything else is looked at', async (_name, headers, status, code) => {
    for (const path of ['/crm/customer/get', '/crm/nowhere', '/crm/openapi.yaml', '/crm/stat?api_key=x']) {
      const reply = await send(server, { path, headers: { ...owner, ...headers }, body: 'no JSON' });
      expect(reply.json).toMatchObject(envelope(status, code, expect.stringMatching(/^POST \//)));
      expect(reply.status).toBe(status);
    }
  });

  test('but not for an allowed page', async () => {
    const headers = { ...owner, origin: 'https://app.example.com' };
    expect((await send(server, { method: 'GET', path: '/crm/stat', headers })).status).toBe(200);
  });
});

test('imported operations are not served', async () => {
  const imported = { parameters: [], bodiless: false, enveloped: true };
  const entries = world.application.catalogue.entries.map(({ operation, ...rest }) => ({
    ...rest,
    operation: operation.id === 'customer_list' ? { ...operation, imported } : operation,
  }));
  const theirs = await openRest({ ...world.application, catalogue: { ...world.application.catalogue, entries } });
  expect((await post(theirs, '/customer/list', {}, owner)).status).toBe(404);
  expect((await post(theirs, '/customer/search', { q: 'x' }, owner)).status).toBe(200);
  await theirs.close();
});
