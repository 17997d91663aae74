/**
 * Credentials, org and cost code in a REST body (contract §1): their step in the order of checks. No tool takes them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSession } from '../../src/store/administration.js';
import { openRest, post, type RestServer, send } from '../support/rest.js';
import {
  addOrg,
  CONTEXT_HEADERS,
  envelopeOf,
  errorOf,
  newCustomer,
  openWorld,
  pathsOf,
  timeless,
  type World,
} from '../support/world.js';

let world: World;
let server: RestServer;
let owner: Record<string, string>;
/** The owner's credentials as body fields. */
let fromBody: { readonly orgcode: string; readonly api_key: string };
beforeAll(async () => {
  world = await openWorld();
  server = await openRest(world.application);
  owner = (await world.headers()) as Record<string, string>;
  fromBody = { orgcode: 'ACME', api_key: owner['x-api-key'] ?? '' };
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
  await world.close();
});

const session = async (roles: readonly string[]) =>
  (await world.admin((cx) => createSession(cx, 'ACME', 'alex', { roles: [...roles], owner: false }, 3600)))
    .session_guid;

/** Lists customers; returns the caller of the call. */
async function callerOf(body: object, headers: object = {}) {
  const { json } = await post(server, '/customer/list', body, headers);
  return json.success ? json.stats : json.error;
}

test('the first check that fails determines the error, from the URL to the domain', async () => {
  await world.admin((cx) => addOrg(cx, 'DRAFT', 'unverified'));
  const viewer = await world.headers('crm_view', 'DRAFT');
  const unverified = await world.headers('owner', 'DRAFT');
  const { 'x-logical-guid': _f, 'x-channel-code': _c, ...withoutContext } = owner;
  const bad = { points: 0, oops: 1 };
  const clash = { ...bad, orgcode: 'OTHER', cccode: 'AAAA-BBBB-CCCC' };
  const cost = { 'x-cccode': 'DDDD-EEEE-FFFF' };
  const customer_id = await newCustomer(world);
  const steps: [object, number, string][] = [
    [
      { path: '/crm/loyalty?api_key=x', method: 'PUT', type: 'text/plain', size: 300_000 },
      400,
      'crm.credentials_in_url',
    ],
    [{ path: '/crm/loyalty' }, 404, 'crm.unknown_path'],
    [{ path: '/crm/loyalty/earn' }, 405, 'crm.method_not_allowed'],
    [{ method: 'POST' }, 415, 'crm.unsupported_media_type'],
    [{ type: 'application/json' }, 413, 'crm.body_too_large'],
    [{ size: 0, body: '[' }, 400, 'crm.malformed_body'],
    [{ body: { ...clash, orgcode: undefined } }, 400, 'crm.orgcode_required'],
    [{ body: clash, headers: { 'x-orgcode': 'DRAFT', ...cost } }, 400, 'crm.context_mismatch'],
    [{ body: { ...clash, orgcode: 'draft ' } }, 401, 'crm.credentials_required'],
    [{ headers: { 'x-orgcode': 'DRAFT', 'x-api-key': 'nobody', ...cost } }, 401, 'crm.credentials_invalid'],
    [
      { body: { ...clash, orgcode: ' acme' }, headers: { ...viewer, 'x-orgcode': 'ACME', ...cost } },
      404,
      'crm.not_found',
    ],
    [{ body: { ...clash, orgcode: 'DRAFT' }, headers: { ...viewer, ...cost } }, 403, 'crm.forbidden'],
    [{ headers: { ...unverified, ...cost } }, 403, 'crm.org_write_blocked'],
    [
      { body: { ...clash, orgcode: 'ACME' }, headers: { ...withoutContext, ...cost } },
      400,
      'crm.logical_guid_required',
    ],
    [{ headers: { ...withoutContext, 'x-logical-guid': 's', ...cost } }, 400, 'crm.channel_code_required'],
    [{ headers: { ...owner, ...cost } }, 400, 'crm.context_mismatch'],
    [{ headers: owner }, 400, 'crm.validation_failed'],
    [{ body: { ...fromBody, customer_id: 'unknown', points: 5 } }, 404, 'crm.not_found'],
  ];
  let sent = { path: '', method: '', type: '', size: 0, body: {} as object | string, headers: {} };
  for (const [repair, status, code] of steps) {
    sent = { ...sent, ...repair };
    const { path, method, headers, type, size } = sent;
    const body = size > 0 ? ' '.repeat(size) : typeof sent.body === 'string' ? sent.body : JSON.stringify(sent.body);
    const reply = await send(server, { path, method, headers: { ...headers, 'content-type': type }, body });
    expect(reply.json.error, code).toMatchObject({ http_status: status, error_code: code });
    expect(reply.status).toBe(status);
  }
  expect((await post(server, '/loyalty/earn', { ...fromBody, customer_id, points: 5 }, owner)).status).toBe(200);
});

describe('a credential in the body', () => {
  test('is used when no header has one, a session before a key', async () => {
    const session_guid = await session(['crm_view']);
    expect(await callerOf(fromBody)).toMatchObject({ context_source: 'api_key', orgcode: 'ACME' });
    expect(await callerOf({ session_guid }, { 'x-orgcode': 'ACME' })).toMatchObject({ context_source: 'session' });
    expect(await callerOf({ ...fromBody, session_guid })).toMatchObject({ context_source: 'session' });
    expect(await callerOf({ ...fromBody, session_guid: 'wrong' })).toMatchObject({
      error_code: 'crm.credentials_invalid',
    });
    expect(await callerOf({ orgcode: ' acme ', api_key: ` ${fromBody.api_key} ` })).toMatchObject({ orgcode: 'ACME' });
  });

  test('is ignored when a header has one of either kind, valid or not', async () => {
    const session_guid = await session(['crm_view']);
    expect(await callerOf({ api_key: 'wrong', session_guid: 'wrong' }, owner)).toMatchObject({
      context_source: 'api_key',
    });
    expect(await callerOf({ session_guid }, owner)).toMatchObject({ context_source: 'api_key' });
    const bySession = { 'x-orgcode': 'ACME', 'x-session-guid': session_guid };
    expect(await callerOf({ api_key: fromBody.api_key }, bySession)).toMatchObject({ context_source: 'session' });
    const wrong = { 'x-orgcode': 'ACME', 'x-api-key': 'wrong' };
    expect(await callerOf(fromBody, wrong)).toMatchObject({ error_code: 'crm.credentials_invalid' });
  });

  test.each([
    ['a number', 7],
    ['a record', { toString: 'x' }],
    ['nothing', null],
    ['an empty text', ' '],
    ['what no header could carry', 'g3nk_x\r\nx-orgcode: OTHER'],
    ['longer than any', 'x'.repeat(4097)],
  ])('that is %s is none', async (_name, api_key) => {
    expect(await callerOf({ orgcode: 'ACME', api_key })).toMatchObject({ error_code: 'crm.credentials_required' });
    expect(await callerOf({ session_guid: api_key }, owner)).toMatchObject({ context_source: 'api_key' });
  });

  test('gives no access to another org, with the same error as a header', async () => {
    const outsider = await post(server, '/customer/get', { ...fromBody, orgcode: 'OTHER', customer_id: 'x' });
    const unknown = await post(server, '/customer/get', { ...fromBody, orgcode: 'NOWHERE', customer_id: 'x' });
    const absent = await post(server, '/customer/get', { ...fromBody, customer_id: 'x' });
    expect(outsider.status).toBe(404);
    expect(timeless(unknown.json)).toEqual(timeless(outsider.json));
    expect(timeless(absent.json)).toEqual(timeless(outsider.json));
  });

  test('is in no response and in no log', async () => {
    const before = world.logged.length;
    const session_guid = await session(['crm_view']);
    const replies = [
      await post(server, '/customer/list', { ...fromBody, session_guid }),
      await post(server, '/customer/list', { ...fromBody, nonsense: 1 }),
      await post(server, '/customer/create', { ...fromBody, customer: fromBody }),
    ];
    expect(replies.map(({ status }) => status)).toEqual([200, 400, 400]);
    const written = replies.map(({ text }) => text).join('') + world.logged.slice(before).join('');
    expect(written).not.toContain(fromBody.api_key);
    expect(written).not.toContain(session_guid);
  });
});

describe('org and cost code in the body', () => {
  test('must agree with their headers after normalisation', async () => {
    expect(await callerOf({ orgcode: ' acme' }, owner)).toMatchObject({ orgcode: 'ACME' });
    for (const orgcode of ['OTHER', '', 5, {}]) {
      expect(await callerOf({ orgcode }, owner)).toMatchObject({
        error_code: 'crm.context_mismatch',
        http_status: 400,
      });
    }
    const cost = { ...owner, 'x-cccode': 'ab12-cd34-ef56' };
    expect(await callerOf({ cccode: 'AB12-CD34-EF56' }, cost)).toMatchObject({ cccode: 'AB12-CD34-EF56' });
    expect(await callerOf({ cccode: 'AB12-CD34-EF57' }, cost)).toMatchObject({ error_code: 'crm.context_mismatch' });
    expect(await callerOf({ cccode: 'AB12' }, owner)).toMatchObject({ error_code: 'crm.cccode_invalid' });
  });

  test('replace absent headers; null counts as absent', async () => {
    expect(await callerOf({ cccode: 'ab12-cd34-ef56' }, owner)).toMatchObject({ cccode: 'AB12-CD34-EF56' });
    const nothing = { orgcode: null, cccode: null, api_key: null, session_guid: null };
    expect(await callerOf(nothing, owner)).toMatchObject({ orgcode: 'ACME' });
    const { 'x-orgcode': _, ...orgless } = owner;
    expect(await callerOf({ orgcode: 'a\u00e9' }, orgless)).toMatchObject({ error_code: 'crm.orgcode_required' });
  });

  test('appear in the stats of operational actions too', async () => {
    const customer_id = await newCustomer(world);
    const body = { ...fromBody, cccode: 'ab12-cd34-ef56', customer_id, points: 5 };
    const { json } = await post(server, '/loyalty/earn', body, CONTEXT_HEADERS);
    expect(json).toMatchObject({ success: true, data: CONTEXT_FIELDS, stats: { cccode: 'AB12-CD34-EF56' } });
  });
  const CONTEXT_FIELDS = {
    logical_guid: CONTEXT_HEADERS['x-logical-guid'],
    channel_code: CONTEXT_HEADERS['x-channel-code'],
  };
});

test('they are not part of the request: one idempotency key has one effect, whichever way they are sent', async () => {
  const customer_id = await newCustomer(world);
  const request = { customer_id, points: 5, idempotency_key: 'both ways' };
  const first = await post(server, '/loyalty/earn', request, owner);
  const again = await post(server, '/loyalty/earn', { ...request, ...fromBody }, CONTEXT_HEADERS);
  expect(again.json).toMatchObject({ data: first.json.data, stats: { idempotent_replay: true } });
});

test('no tool accepts them', async () => {
  const all = { session_guid: 'x', api_key: 'x', orgcode: 'ACME', cccode: 'AB12-CD34-EF56' };
  for (const { operation, tool } of world.application.catalogue.entries) {
    const error = await errorOf(world, tool.name, all);
    const expected = operation.operational ? ['api_key', 'orgcode', 'session_guid'] : Object.keys(all).sort();
    expect(pathsOf(error).filter((path) => path in all)).toEqual(expected);
  }
  const alone = await envelopeOf(world, 'crm_customer_list', fromBody, { 'x-orgcode': 'ACME' });
  expect(alone).toMatchObject({ error: { error_code: 'crm.credentials_required' } });
});
