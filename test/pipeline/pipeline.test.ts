/**
 * The order of checks of contract §1, and the fields of every envelope. Loops over all tools: catalogue.test.ts.
 */
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES, MAX_BODY_DEPTH } from '../../src/pipeline/body.js';
import { createSession, revokeKey, setOrgStatus } from '../../src/store/administration.js';
import { run } from '../../src/store/engine/step.js';
import {
  addOrg,
  CONTEXT_HEADERS,
  envelopeOf,
  errorOf,
  newCustomer,
  ok,
  openWorld,
  pathsOf,
  type World,
} from '../support/world.js';

let now = Date.now();
let world: World;
beforeAll(async () => {
  world = await openWorld({ clock: () => now });
});
afterAll(() => world.close());

const EARN = 'crm_loyalty_earn';

/** A call that fails every check; each step repairs one, in the contract's order. */
async function wrong(...repairs: readonly object[]) {
  const all = { args: 'no object' as unknown, headers: {} as Record<string, string | undefined>, org: {} };
  const { args, headers } = Object.assign({}, all, ...repairs) as typeof all;
  return envelopeOf(world, EARN, args, headers);
}

describe('the first check that fails determines the error', () => {
  test('body, org, credential, membership, role, org state, facility, channel, schema, domain', async () => {
    await world.admin((cx) => addOrg(cx, 'DRAFT', 'unverified'));
    const owner = await world.headers();
    const viewer = await world.headers('crm_view', 'DRAFT');
    const unverified = await world.headers('owner', 'DRAFT');
    const { 'x-logical-guid': _f, 'x-channel-code': _c, ...withoutContext } = owner;
    const id = await newCustomer(world);
    const bad = { points: 0, oops: 1 };
    const steps: [object, number, string][] = [
      [{}, 400, 'crm.malformed_body'],
      [{ args: bad }, 400, 'crm.orgcode_required'],
      [{ headers: { 'x-orgcode': 'DRAFT' } }, 401, 'crm.credentials_required'],
      [{ headers: { 'x-orgcode': 'DRAFT', 'x-api-key': 'nobody' } }, 401, 'crm.credentials_invalid'],
      [{ headers: { ...viewer, 'x-orgcode': 'ACME' } }, 404, 'crm.not_found'],
      [{ headers: viewer }, 403, 'crm.forbidden'],
      [{ headers: unverified }, 403, 'crm.org_write_blocked'],
      [{ headers: withoutContext }, 400, 'crm.logical_guid_required'],
      [{ headers: { ...withoutContext, 'x-logical-guid': 's' } }, 400, 'crm.channel_code_required'],
      [{ headers: owner }, 400, 'crm.validation_failed'],
      [{ headers: owner, args: { customer_id: 'unknown', points: 5 } }, 404, 'crm.not_found'],
    ];
    let done: object = {};
    for (const [repair, status, code] of steps) {
      done = { ...done, ...repair };
      const next_steps = expect.arrayContaining([expect.any(String)]);
      const error = { http_status: status, error_code: code, next_steps };
      expect(await wrong(done)).toMatchObject({ success: false, error });
    }
    expect(await wrong({ headers: owner, args: { customer_id: id, points: 5 } })).toMatchObject({ success: true });
  });

  test('a schema reports every problem at once, with its path', async () => {
    const error = await errorOf(world, 'crm_customer_create', {
      customer: { email: 'no mail', birth_date: '2001-02-30', nick: 'x', addresses: [{ country: 'usa' }] },
      reason: '',
    });
    expect(pathsOf(error)).toEqual([
      'customer.addresses.0.country',
      'customer.birth_date',
      'customer.email',
      'customer.nick',
      'reason',
    ]);
  });
});

describe('bodies', () => {
  test('larger than 256 KiB are 413, deeper than 32 levels 400, and neither reaches the store', async () => {
    const huge = { customer: { caption: 'x'.repeat(MAX_BODY_BYTES) } };
    expect(await errorOf(world, 'crm_customer_create', huge)).toMatchObject({
      http_status: 413,
      error_code: 'crm.body_too_large',
    });
    let deep: object = {};
    for (let level = 0; level < MAX_BODY_DEPTH; level += 1) deep = { deep };
    expect(await errorOf(world, 'crm_customer_create', deep)).toMatchObject({ error_code: 'crm.malformed_body' });
    for (const body of [[], 'text', 7, null]) {
      expect(await errorOf(world, 'crm_stat', body)).toMatchObject({ error_code: 'crm.malformed_body' });
    }
  });

  test.each([
    ['a value', { customer: { caption: 'x\uD800' } }, 'customer.caption'],
    ['an item', { customer: { caption: 'x', tags: ['ok', '\uDC00\uD800'] } }, 'customer.tags.1'],
    ['a name', { customer: { caption: 'x', attributes: { 'a\uDFFF': 'y' } } }, 'customer.attributes.a\uFFFD'],
  ])('with half a surrogate pair in %s are 400 with its path, and nothing is written', async (_name, body, path) => {
    const error = await errorOf(world, 'crm_customer_create', body);
    expect(error).toMatchObject({
      http_status: 400,
      error_code: 'crm.malformed_body',
      details: { issues: [{ path }] },
    });
    expect(JSON.stringify(error.major)).toContain(path);
    const whole = { customer: { caption: '\uD83D\uDE00' } };
    expect(await ok(world, 'crm_customer_create', whole)).toMatchObject({ caption: '😀' });
  });

  test('with U+0000 in a text, which not every engine can store, are 400 with its path', async () => {
    const error = await errorOf(world, 'crm_customer_create', { customer: { caption: 'x', tags: ['ok', 'a\0b'] } });
    expect(error).toMatchObject({
      http_status: 400,
      error_code: 'crm.malformed_body',
      details: { issues: [{ path: 'customer.tags.1', message: 'contains the character U+0000' }] },
    });
    expect(await errorOf(world, 'crm_customer_get', { customer_id: '\0' })).toMatchObject({ http_status: 400 });
  });

  test('are measured in bytes, not in characters', async () => {
    const body = { customer: { caption: '好'.repeat(MAX_BODY_BYTES / 2) } };
    expect(await errorOf(world, 'crm_customer_create', body)).toMatchObject({ error_code: 'crm.body_too_large' });
  });

  test('with the name __proto__ are data like any other', async () => {
    const body = JSON.parse('{"customer": {"caption": "P", "__proto__": {"email": "x@example.com"}}}');
    expect(await errorOf(world, 'crm_customer_create', body)).toMatchObject({ error_code: 'crm.validation_failed' });
  });
});

describe('org states', () => {
  test('an unverified or suspended org can be read but not written', async () => {
    for (const status of ['unverified', 'suspended'] as const) {
      await world.admin((cx) => addOrg(cx, `S-${status}`, 'verified'));
      const headers = await world.headers('owner', `S-${status}`.toUpperCase());
      const id = await newCustomer(world, {}, headers);
      await world.admin((cx) => setOrgStatus(cx, `S-${status}`, status));
      expect(await ok(world, 'crm_customer_get', { customer_id: id }, headers)).toMatchObject({ customer_id: id });
      expect(await errorOf(world, 'crm_customer_create', { customer: { caption: 'x' } }, headers)).toMatchObject({
        http_status: 403,
        major: { tag: 'org-write-blocked' },
      });
    }
  });

  test('a suspended member looks like an unknown caller', async () => {
    const headers = await world.headers('crm_manage');
    await ok(world, 'crm_stat', {}, headers);
    const db = new Database(world.path);
    db.prepare(`UPDATE membership SET status = 'suspended' WHERE roles LIKE '%crm_manage%'`).run();
    const answer = await errorOf(world, 'crm_stat', {}, headers);
    db.prepare(`UPDATE membership SET status = 'active'`).run();
    db.close();
    expect(answer).toMatchObject({ http_status: 404, error_code: 'crm.not_found' });
  });
});

describe('credentials', () => {
  const session = (ttl: number) =>
    world.admin((cx) => createSession(cx, 'ACME', 'alex', { roles: ['crm_view'], owner: false }, ttl));

  test('a session takes precedence over a key, even one with more roles', async () => {
    const { session_guid } = await session(3600);
    const owner = await world.headers();
    const headers = { ...owner, 'x-session-guid': session_guid };
    expect(await ok(world, 'crm_stat', {}, headers)).toMatchObject({
      caller: { context_source: 'session', owner: false, roles: ['crm_view'] },
    });
    expect(await errorOf(world, 'crm_stat', {}, { ...owner, 'x-session-guid': 'wrong' })).toMatchObject({
      error_code: 'crm.credentials_invalid',
    });
  });

  test('use extends a session; an unused session ends', async () => {
    now = Date.now();
    const { session_guid } = await session(3600);
    const headers = { 'x-orgcode': 'ACME', 'x-session-guid': session_guid };
    for (let hour = 0; hour < 3; hour += 1) {
      now += 50 * 60_000;
      await ok(world, 'crm_stat', {}, headers);
      await new Promise((done) => setTimeout(done, 5)); // the window is moved after the answer
    }
    now += 61 * 60_000;
    expect(await errorOf(world, 'crm_stat', {}, headers)).toMatchObject({ error_code: 'crm.credentials_invalid' });
  });

  test('a revoked key stops working at once', async () => {
    const headers = await world.headers('crm_edit');
    const envelope = await envelopeOf(world, 'crm_stat', {}, headers);
    const fingerprint = String(envelope.stats.api_key_fingerprint);
    expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
    await world.admin((cx) => revokeKey(cx, fingerprint));
    expect(await errorOf(world, 'crm_stat', {}, headers)).toMatchObject({ http_status: 401 });
  });

  test('the org code is trimmed and upper-cased; a key gives no access to another org', async () => {
    const headers = await world.headers();
    await ok(world, 'crm_stat', {}, { ...headers, 'x-orgcode': ' acme ' });
    const otherOrg = await errorOf(world, 'crm_stat', {}, { ...headers, 'x-orgcode': 'OTHER' });
    expect(otherOrg.http_status).toBe(404);
  });
});

describe('facility, channel and cost code', () => {
  test('come from headers or arguments, and must agree', async () => {
    const { 'x-logical-guid': _f, 'x-channel-code': _c, ...headers } = await world.headers();
    const customer_id = await newCustomer(world);
    const context = { logical_guid: 'store-9', channel_code: 'web', cccode: 'ab12-CD34-ef56' };
    const txn = await ok(world, EARN, { customer_id, points: 5, ...context }, headers);
    expect(txn).toMatchObject({ logical_guid: 'store-9', channel_code: 'web' });
    const clash = { ...headers, ...CONTEXT_HEADERS };
    expect(await errorOf(world, EARN, { customer_id, points: 5, ...context }, clash)).toMatchObject({
      http_status: 400,
      error_code: 'crm.context_mismatch',
    });
  });

  test('a malformed cost code is rejected, a valid one appears in stats', async () => {
    const headers = await world.headers();
    const good = await envelopeOf(world, 'crm_stat', {}, { ...headers, 'x-cccode': 'ab12-cd34-ef56' });
    expect(good.stats.cccode).toBe('AB12-CD34-EF56');
    const bad = await errorOf(world, 'crm_stat', {}, { ...headers, 'x-cccode': 'AB12' });
    expect(bad.error_code).toBe('crm.cccode_invalid');
  });
});

describe('envelopes', () => {
  test('carry build and stats as the contract lists them', async () => {
    const { 'x-logical-guid': _f, ...headers } = await world.headers();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const envelope = await envelopeOf(world, 'crm_customer_list', {}, { ...headers, traceparent });
    expect(envelope.build).toEqual({
      build_major: expect.any(String),
      build_minor: expect.any(String),
      build_id: expect.any(String),
    });
    expect(envelope.stats).toEqual({
      call: 'POST /customer/list',
      service: 'crm',
      timestamp_utc: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      request_id: expect.any(String),
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      latency_ms: expect.any(Number),
      orgcode: 'ACME',
      actor: expect.stringMatching(/^service_account_guid:/),
      context_source: 'api_key',
      api_key_fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  test('of unexpected errors do not reveal the cause, which is logged with the request id', async () => {
    const broken = { ...world.application.pipeline, backend: { ...world.store, identify: explode } };
    const before = world.logged.length;
    const application = { ...world.application, pipeline: broken as typeof world.application.pipeline };
    const envelope = await envelopeOf({ ...world, application }, 'crm_stat', {});
    expect(envelope).toMatchObject({ success: false, error: { error_code: 'crm.internal', http_status: 500 } });
    expect(JSON.stringify(envelope)).not.toContain('secret');
    const logged = world.logged.slice(before).join('');
    expect(logged).toContain(envelope.stats.request_id);
    expect(logged).not.toContain('secret');
    expect(logged).toContain('explode');
  });
});

function explode(): never {
  throw new TypeError('a secret of the database');
}

test('a key works only for its own org, even when its account is a member of another', async () => {
  const mine = await world.headers('owner', 'OTHER');
  const stat = await ok(world, 'crm_stat', {}, mine);
  const principal = String(stat.caller.actor).split(':')[1] ?? '';
  const join = `INSERT INTO membership (orgcode, principal_id, roles, owner, status, created_at, updated_at)
    VALUES ('ACME', ?, '[]', 1, 'active', ?, ?)`;
  const now = new Date().toISOString();
  await world.admin(() => run(join, principal, now, now));
  const error = await errorOf(world, 'crm_stat', {}, { ...mine, 'x-orgcode': 'ACME' });
  expect(error.error_code).toBe('crm.not_found');
});
