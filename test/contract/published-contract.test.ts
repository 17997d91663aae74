/**
 * The published document is correct: a client built from it calls every operation over REST, and every response,
 * success or error, is validated against its schema for that status. Does not use our compiled contract.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { RelayedEnvelope } from '../../src/contract/backend.js';
import type { Stats } from '../../src/contract/envelope.js';
import { type Act, createTenant, exampleFor } from '../support/makers.js';
import { clientOf, createJudge, type Extras, operationsOf, type PublishedResponse } from '../support/published.js';
import { openRest, type RestServer, send, withBackend } from '../support/rest.js';
import { addOrg, type Data, ok, openWorld, type World } from '../support/world.js';

const DOCUMENT = parse(readFileSync('openapi.yaml', 'utf8'));
const OPERATIONS = operationsOf(DOCUMENT);
const responseProblems = createJudge(DOCUMENT);

let world: World;
let server: RestServer;
let request: ReturnType<typeof clientOf>;
beforeAll(async () => {
  world = await openWorld();
  server = await openRest(world.application);
  request = clientOf(`${server.origin}/crm`);
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
  await world.close();
});

describe('GET /crm/openapi', () => {
  const get = (path: string, headers = {}) => send(server, { method: 'GET', path, headers });

  test('serves the published file as .yaml and the same document as .json, without credentials', async () => {
    const yaml = await get('/crm/openapi.yaml');
    expect(yaml).toMatchObject({ status: 200, headers: { 'content-type': 'application/yaml' } });
    expect(yaml.text).toBe(readFileSync('openapi.yaml', 'utf8'));
    const json = await get('/crm/openapi.json');
    expect(json).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(json.json).toEqual(DOCUMENT);
  });

  test('responds 304 when the caller sends the current ETag', async () => {
    const first = await get('/crm/openapi.yaml');
    const again = await get('/crm/openapi.yaml', { 'if-none-match': `"other", ${first.headers.etag}` });
    expect(again).toMatchObject({ status: 304, text: '', headers: { etag: first.headers.etag } });
    expect((await get('/crm/openapi.json', { 'if-none-match': first.headers.etag })).status).toBe(200);
  });
});

describe.each(OPERATIONS.map((operation) => [operation.id, operation] as const))('%s', (id, operation) => {
  const orgcode = `T-${OPERATIONS.indexOf(operation)}`;
  let headers: Data;
  let example: Data;
  /** Sends a request, as the owner by default, and expects a documented response with this status. */
  const expectDocumented = async (extras: Extras = {}, status = 200): Promise<PublishedResponse> => {
    const response = await request(operation, { headers, body: example, ...extras });
    expect(responseProblems(operation, response), `${status}`).toEqual([]);
    expect({ status: response.status, body: response.body }).toMatchObject({ status });
    return response;
  };
  const expectError = async (status: number, code: string, extras: Extras) => {
    const { body } = await expectDocumented(extras, status);
    expect(body.error).toMatchObject({ http_status: status, error_code: code });
  };
  const revisioned = operation.fields.includes('expected_revision');

  beforeAll(async () => {
    await world.admin((cx) => addOrg(cx, orgcode, 'verified'));
    headers = await world.headers('owner', orgcode);
    const act = (tool: string, args: object) => ok(world, tool, args, headers);
    example = await exampleFor(createTenant(act), operation);
    await PRECEDING_CALLS[id]?.(act, example);
  });

  test('succeeds', async () => {
    const first = await request(operation, { headers, body: example });
    expect(responseProblems(operation, first)).toEqual([]);
    const current = first.body.error?.details?.current_revision; // an example knows no record's revision
    if (current !== undefined) example.expected_revision = Number(current);
    if (current !== undefined) await expectDocumented();
    else expect({ status: first.status, body: first.body }).toMatchObject({ status: 200 });
  });

  test('rejects invalid calls with 400, 401, 403 and 404', async () => {
    const wrong = operation.method === 'get' ? { 'x-cccode': 'no code' } : {};
    const code = operation.method === 'get' ? 'crm.cccode_invalid' : 'crm.validation_failed';
    await expectError(400, code, { headers: { ...headers, ...wrong }, body: { ...example, no_such_field: 1 } });
    await expectError(400, 'crm.orgcode_required', { headers: { 'x-api-key': headers['x-api-key'] } });
    await expectError(401, 'crm.credentials_required', { headers: { 'x-orgcode': orgcode } });
    await expectError(401, 'crm.credentials_invalid', { headers: { ...headers, 'x-api-key': 'nobody' } });
    const withoutRoles = await world.headers('', orgcode);
    if (operation.access !== 'session') await expectError(403, 'crm.forbidden', { headers: withoutRoles });
    const callerOfOtherOrg = await world.headers('owner', 'OTHER');
    await expectError(404, 'crm.not_found', { headers: { ...callerOfOtherOrg, 'x-orgcode': orgcode } });
  });

  const expectConflict = async () => {
    if (revisioned) {
      await expectError(409, 'crm.conflict_revision', { body: { ...example, expected_revision: 999 } });
      return;
    }
    const keyed = { ...example, idempotency_key: 'once' };
    await request(operation, { headers, body: keyed });
    await expectError(409, 'crm.idempotency_mismatch', { body: { ...keyed, reason: 'another' } });
  };
  if (operation.effect !== 'read') test('rejects conflicts with 409', expectConflict);

  const expectBodyErrors = async () => {
    const huge = { ...example, reason: 'x'.repeat(300 * 1024) };
    await expectError(413, 'crm.body_too_large', { body: huge });
    const heavy = { ...example, reason: Array.from({ length: 60_000 }, () => 1) }; // small in bytes, large in memory
    await expectError(413, 'crm.body_too_large', { body: heavy });
    await expectError(415, 'crm.unsupported_media_type', { headers: { ...headers, 'content-type': 'text/plain' } });
  };
  if (operation.method === 'post')
    test('rejects large bodies with 413 and other media types with 415', expectBodyErrors);

  const expectRevisionRequired = async () => {
    const { expected_revision: _, ...withoutRevision } = example;
    await expectError(428, 'crm.expected_revision_required', { body: withoutRevision });
  };
  if (revisioned) test('rejects a call without expected_revision with 428', expectRevisionRequired);

  test('relays every documented error of a backend, and reports an unexpected failure as 500', async () => {
    const statuses = operation.statuses.filter((status) => status !== '200').map(Number);
    expect(statuses).toEqual(expect.arrayContaining([429, 500, 502, 503, 504]));
    const outcomes = [...statuses.map((status) => () => relayed(status)), explode];
    const next = () => (outcomes.shift() ?? explode)();
    const relayingServer = await openRest(withBackend(world.application, { perform: async () => next() }));
    const requestRelayed = clientOf(`${relayingServer.origin}/crm`);
    for (const status of [...statuses, 500]) {
      const response = await requestRelayed(operation, { headers, body: example });
      expect(responseProblems(operation, response)).toEqual([]);
      expect(response).toMatchObject({ status, body: { success: false, error: { http_status: status } } });
      expect(response.headers.get('retry-after')).toBe(status === 429 || status === 503 ? '2' : null);
    }
    await relayingServer.close();
  });
});

test.each(['giftcard_get', 'giftcard_redeem'])(
  '%s: responds 429 with the seconds to wait after ten failures',
  async (id) => {
    const operation = OPERATIONS.find((candidate) => candidate.id === id);
    if (operation === undefined) throw new Error(`no ${id}`);
    const headers = await world.headers(id === 'giftcard_get' ? 'owner' : 'giftcard_admin', 'OTHER');
    const body = { code: 'ZZZZZZZZZZZZZZZZ', ...(id === 'giftcard_get' ? {} : { amount: 1, currency: 'USD' }) };
    const statuses: number[] = [];
    let last: PublishedResponse | undefined;
    for (let attempt = 0; attempt < 11; attempt += 1) {
      last = await request(operation, { headers, body });
      expect(responseProblems(operation, last)).toEqual([]);
      statuses.push(last.status);
    }
    expect(statuses).toEqual([...Array(10).fill(404), 429]);
    const retry_after_ms: number = last?.body.error.details.retry_after_ms;
    expect(retry_after_ms).toBeGreaterThan(0);
    expect(last?.headers.get('retry-after')).toBe(String(Math.ceil(retry_after_ms / 1000)));
  },
);

/** Calls that must precede an example, for operations where a newly created record is not enough. */
const PRECEDING_CALLS: { readonly [operation: string]: (act: Act, example: Data) => Promise<unknown> } = {
  account_credit_release: (act, example) => act('crm_account_credit_consume', example),
  loyalty_redeem: (act, { customer_id }) => act('crm_loyalty_earn', { customer_id, points: 500 }),
};

function relayed(http_status: number): RelayedEnvelope {
  const error = {
    error_code: 'crm.of_another',
    http_status,
    retryable: false,
    request_id: 'theirs',
    trace_id: 'theirs',
    major: { tag: 'internal-error', message: { en_US: 'Said elsewhere.' } },
    details: { retry_after_ms: 1001 },
  } as const;
  const stats = { call: 'POST /theirs', service: 'crm', timestamp_utc: '2026-01-01T00:00:00.000Z' } as const;
  const build = { build_major: 'THEIRS', build_minor: '1', build_id: 'THEIRS-1' };
  return { envelope: { success: false, error, build, stats: { ...stats, request_id: 'theirs' } as Stats } };
}

function explode(): never {
  throw new TypeError('not foreseen');
}
