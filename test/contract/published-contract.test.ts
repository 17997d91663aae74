/**
 * The published document is true: a client made of it drives every operation over the REST surface, and every answer,
 * success or refusal, is held against what the document says of that status. Nothing here reads our compiled contract.
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
const judge = createJudge(DOCUMENT);

let world: World;
let door: RestServer;
let ask: ReturnType<typeof clientOf>;
beforeAll(async () => {
  world = await openWorld();
  door = await openRest(world.application);
  ask = clientOf(`${door.origin}/crm`);
});
afterAll(async () => {
  expect(door.errors).toEqual([]);
  await door.close();
  await world.close();
});

describe('GET /crm/openapi', () => {
  const get = (path: string, headers = {}) => send(door, { method: 'GET', path, headers });

  test('.yaml is the published file, .json the same as JSON, for anybody', async () => {
    const yaml = await get('/crm/openapi.yaml');
    expect(yaml).toMatchObject({ status: 200, headers: { 'content-type': 'application/yaml' } });
    expect(yaml.text).toBe(readFileSync('openapi.yaml', 'utf8'));
    const json = await get('/crm/openapi.json');
    expect(json).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(json.json).toEqual(DOCUMENT);
  });

  test('comes once: whoever has it is told that it holds', async () => {
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
  /** Asks as the owner unless told otherwise; every answer must be as documented. */
  const answered = async (extras: Extras = {}, status = 200): Promise<PublishedResponse> => {
    const answer = await ask(operation, { headers, body: example, ...extras });
    expect(judge(operation, answer), `${status}`).toEqual([]);
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
    return answer;
  };
  const refused = async (status: number, code: string, extras: Extras) => {
    const { body } = await answered(extras, status);
    expect(body.error).toMatchObject({ http_status: status, error_code: code });
  };
  const revisioned = operation.fields.includes('expected_revision');

  beforeAll(async () => {
    await world.admin((cx) => addOrg(cx, orgcode, 'verified'));
    headers = await world.headers('owner', orgcode);
    const act = (tool: string, args: object) => ok(world, tool, args, headers);
    example = await exampleFor(createTenant(act), operation);
    await BEFORE[id]?.(act, example);
  });

  test('succeeds', async () => {
    const first = await ask(operation, { headers, body: example });
    expect(judge(operation, first)).toEqual([]);
    const current = first.body.error?.details?.current_revision; // an example knows no record's revision
    if (current !== undefined) example.expected_revision = Number(current);
    if (current !== undefined) await answered();
    else expect({ status: first.status, body: first.body }).toMatchObject({ status: 200 });
  });

  test('400, 401, 403, 404', async () => {
    const wrong = operation.method === 'get' ? { 'x-cccode': 'no code' } : {};
    const code = operation.method === 'get' ? 'crm.cccode_invalid' : 'crm.validation_failed';
    await refused(400, code, { headers: { ...headers, ...wrong }, body: { ...example, no_such_field: 1 } });
    await refused(400, 'crm.orgcode_required', { headers: { 'x-api-key': headers['x-api-key'] } });
    await refused(401, 'crm.credentials_required', { headers: { 'x-orgcode': orgcode } });
    await refused(401, 'crm.credentials_invalid', { headers: { ...headers, 'x-api-key': 'nobody' } });
    const nobody = await world.headers('', orgcode);
    if (operation.access !== 'session') await refused(403, 'crm.forbidden', { headers: nobody });
    const stranger = await world.headers('owner', 'OTHER');
    await refused(404, 'crm.not_found', { headers: { ...stranger, 'x-orgcode': orgcode } });
  });

  const conflicts = async () => {
    if (revisioned) {
      await refused(409, 'crm.conflict_revision', { body: { ...example, expected_revision: 999 } });
      return;
    }
    const keyed = { ...example, idempotency_key: 'once' };
    await ask(operation, { headers, body: keyed });
    await refused(409, 'crm.idempotency_mismatch', { body: { ...keyed, reason: 'another' } });
  };
  if (operation.effect !== 'read') test('409', conflicts);

  const bodies = async () => {
    const huge = { ...example, reason: 'x'.repeat(300 * 1024) };
    await refused(413, 'crm.body_too_large', { body: huge });
    const heavy = { ...example, reason: Array.from({ length: 60_000 }, () => 1) }; // small in bytes, large in memory
    await refused(413, 'crm.body_too_large', { body: heavy });
    await refused(415, 'crm.unsupported_media_type', { headers: { ...headers, 'content-type': 'text/plain' } });
  };
  if (operation.method === 'post') test('413, 415', bodies);

  const blindly = async () => {
    const { expected_revision: _, ...blind } = example;
    await refused(428, 'crm.expected_revision_required', { body: blind });
  };
  if (revisioned) test('428', blindly);

  test('whatever a server behind this one refuses, and what fails here', async () => {
    const statuses = operation.statuses.filter((status) => status !== '200').map(Number);
    expect(statuses).toEqual(expect.arrayContaining([429, 500, 502, 503, 504]));
    const outcomes = [...statuses.map((status) => () => relayed(status)), explode];
    const next = () => (outcomes.shift() ?? explode)();
    const behind = await openRest(withBackend(world.application, { perform: async () => next() }));
    const askBehind = clientOf(`${behind.origin}/crm`);
    for (const status of [...statuses, 500]) {
      const answer = await askBehind(operation, { headers, body: example });
      expect(judge(operation, answer)).toEqual([]);
      expect(answer).toMatchObject({ status, body: { success: false, error: { http_status: status } } });
      expect(answer.headers.get('retry-after')).toBe(status === 429 || status === 503 ? '2' : null);
    }
    await behind.close();
  });
});

test.each(['giftcard_get', 'giftcard_redeem'])('%s: 429, with the seconds to wait', async (id) => {
  const operation = OPERATIONS.find((candidate) => candidate.id === id);
  if (operation === undefined) throw new Error(`no ${id}`);
  const headers = await world.headers(id === 'giftcard_get' ? 'owner' : 'giftcard_admin', 'OTHER');
  const body = { code: 'ZZZZZZZZZZZZZZZZ', ...(id === 'giftcard_get' ? {} : { amount: 1, currency: 'USD' }) };
  const statuses: number[] = [];
  let last: PublishedResponse | undefined;
  for (let attempt = 0; attempt < 11; attempt += 1) {
    last = await ask(operation, { headers, body });
    expect(judge(operation, last)).toEqual([]);
    statuses.push(last.status);
  }
  expect(statuses).toEqual([...Array(10).fill(404), 429]);
  const retry_after_ms: number = last?.body.error.details.retry_after_ms;
  expect(retry_after_ms).toBeGreaterThan(0);
  expect(last?.headers.get('retry-after')).toBe(String(Math.ceil(retry_after_ms / 1000)));
});

/** What must have been done before an example can succeed, where a fresh record is not enough. */
const BEFORE: { readonly [operation: string]: (act: Act, example: Data) => Promise<unknown> } = {
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
