/** Callers are identified with GET /stat upstream and cached briefly; a cached caller never causes a rejection. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { credentialsInvalid } from '../../src/contract/errors.js';
import { unknownCaller } from '../../src/gateway/caller-cache.js';
import type { GatewayOptions } from '../../src/gateway/gateway.js';
import { gatewayError } from '../../src/gateway/upstream-error.js';
import { HEADERS, operationOf, SECRET } from '../support/gateway.js';
import { type Exchange, STAT, successOf } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';
import { envelopeOf, openWorld, timeless, type World } from '../support/world.js';

const { open } = closingUpstreams();

const statRequests = (received: readonly { path: string }[]) =>
  received.filter(({ path }) => path === '/crm/stat').length;
const viewer = { ...STAT, caller: { ...STAT.caller, owner: false, roles: ['crm_view'] } };

describe('a caller', () => {
  test('is identified once in 30 seconds for each org and credential', async () => {
    let now = 1_000;
    const { upstream, gateway } = await open(undefined, { clock: () => now });
    for (let call = 0; call < 3; call += 1) await gateway.ok('customer_get');
    expect(statRequests(upstream.received)).toBe(1);
    now += 29_999;
    await gateway.ok('customer_get');
    expect(statRequests(upstream.received)).toBe(1);
    now += 2;
    await gateway.ok('customer_get');
    expect(statRequests(upstream.received)).toBe(2);
    const { 'x-api-key': _, ...keyless } = HEADERS;
    for (const headers of [
      { ...HEADERS, 'x-orgcode': 'OTHER' },
      { ...HEADERS, 'x-api-key': 'other' },
      { ...keyless, 'x-session-guid': SECRET },
    ]) {
      await gateway.envelopeOf(operationOf('customer_get'), undefined, { headers });
    }
    expect(statRequests(upstream.received)).toBe(5);
  });

  test('with many concurrent calls is identified once', async () => {
    const { upstream, gateway } = await open(undefined);
    await Promise.all(Array.from({ length: 20 }, () => gateway.ok('customer_get')));
    expect(statRequests(upstream.received)).toBe(1);
  });

  test('is reported as the upstream describes it, with a fingerprint of the credential', async () => {
    const { gateway } = await open(undefined);
    await gateway.ok('customer_get');
    const { caller } = gateway.reports.at(-1) ?? {};
    expect(caller).toEqual({
      actor: 'service_account_guid:1',
      orgcode: 'ACME',
      org_status: 'verified',
      context_source: 'api_key',
      owner: true,
      roles: [],
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    await gateway.ok('customer_get');
    expect(gateway.reports.at(-1)?.caller).toMatchObject({ cached: true });
    expect(JSON.stringify(gateway.reports)).not.toContain(SECRET);
  });

  test('without a required role is identified again before the call is rejected', async () => {
    let owner = false;
    const { upstream, gateway } = await open(
      ({ answer, request }) =>
        answer(200, successOf(request.path === '/crm/stat' ? { ...viewer, caller: { ...viewer.caller, owner } } : {})),
      {},
      { stat: ({ answer }) => answer(200, successOf(viewer)) },
    );
    await gateway.ok('customer_get');
    expect(await gateway.errorOf('customer_create')).toMatchObject({ error_code: 'crm.forbidden', http_status: 403 });
    expect(statRequests(upstream.received)).toBe(2);
    owner = true;
    await gateway.ok('customer_create');
    expect(statRequests(upstream.received)).toBe(3);
    expect(upstream.requestsAfterStat().filter(({ path }) => path === '/crm/customer/create')).toHaveLength(1);
  });

  test.each([401, 403])('is removed from the cache when a call gets a %d response', async (status) => {
    let answered = false;
    const { upstream, gateway } = await open(({ answer, request }) => {
      if (request.path === '/crm/stat') return answer(200, successOf(STAT));
      const error = { success: false, error: { http_status: status } };
      answer(answered ? 200 : status, answered ? successOf({}) : error);
      answered = true;
    });
    await gateway.errorOf('customer_get');
    await gateway.ok('customer_get');
    expect(statRequests(upstream.received)).toBe(2);
  });

  test('whose key was revoked in the gateway is rejected there, cached or not', async () => {
    let revoked = false;
    const { upstream, gateway } = await open(undefined, {
      upstreamCredentials: (credentials) => {
        if (revoked) throw new Error('no such key');
        return credentials;
      },
    });
    await gateway.ok('customer_get');
    revoked = true;
    await gateway.errorOf('customer_get');
    expect(upstream.received).toHaveLength(2);
  });
});

describe('an upstream that does not identify callers makes all access decisions itself', () => {
  test.each<[string, (exchange: Exchange) => void]>([
    ['404', ({ answer }) => answer(404, { message: 'no such route' })],
    ['405', ({ answer }) => answer(405, 'no', { 'content-type': 'text/plain' })],
    ['an HTML page', ({ answer }) => answer(200, '<html></html>', { 'content-type': 'text/html' })],
    ['another shape', ({ answer }) => answer(200, successOf({ caller: { actor: 'x', owner: 'yes', roles: [] } }))],
    ['no caller', ({ answer }) => answer(200, successOf({ user: 'x' }))],
    [
      'too many roles',
      ({ answer }) => answer(200, successOf({ caller: { actor: 'x', owner: false, roles: Array(200).fill('r') } })),
    ],
    ['JSON without an envelope', ({ answer }) => answer(200, { user: 'x' })],
  ])('when /stat responds with %s', async (_name, stat) => {
    const { upstream, gateway } = await open(undefined, {}, { stat });
    await gateway.ok('customer_create');
    await gateway.ok('customer_create');
    expect(statRequests(upstream.received)).toBe(1);
    expect(gateway.reports[0]?.caller).toMatchObject({ actor: 'unknown', unknown: true });
  });

  test('when the contract has no /stat, none is requested', async () => {
    const { upstream, gateway } = await open(undefined, { operations: [operationOf('customer_create')] });
    await gateway.envelopeOf(operationOf('customer_create'));
    expect(upstream.received.map(({ path }) => path)).toEqual(['/crm/customer/create']);
    expect(gateway.reports[0]?.caller).toMatchObject(
      unknownCaller({ orgcode: 'ACME', kind: 'api_key', secret: SECRET }),
    );
  });
});

describe('a caller the upstream rejects', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  test('gets the same error as from the embedded backend, including one from outside the org', async () => {
    const owner = await world.headers();
    for (const headers of [
      { ...owner, 'x-api-key': 'nobody' },
      { ...owner, 'x-orgcode': 'OTHER' },
      { ...owner, 'x-orgcode': 'NOWHERE' },
    ]) {
      const embedded = await envelopeOf(world, 'crm_customer_list', {}, headers);
      const { gateway } = await open(
        undefined,
        {},
        {
          stat: ({ answer }) => answer(embedded.success ? 200 : embedded.error.http_status, embedded),
        },
      );
      const through = await gateway.envelopeOf(operationOf('customer_list'), {}, { headers });
      expect(timeless(through)).toEqual(timeless(embedded));
    }
  });

  test('without an error envelope gets an error of the gateway', async () => {
    const { gateway } = await open(undefined, {}, { stat: ({ answer }) => answer(401, { message: 'Unauthorized' }) });
    expect(await gateway.errorOf('customer_create')).toMatchObject({
      http_status: 401,
      error_code: 'crm.credentials_invalid',
      major: { tag: 'unauthorized' },
    });
  });

  test('with an error code of the upstream gets that code', async () => {
    const error = {
      error_code: 'uas.user_not_verified',
      http_status: 403,
      major: { tag: 'user-not-verified', message: { en_US: 'Verify.' } },
    };
    const { gateway } = await open(undefined, {}, { stat: ({ answer }) => answer(403, { success: false, error }) });
    expect(await gateway.errorOf('customer_create')).toMatchObject({
      http_status: 403,
      error_code: 'uas.user_not_verified',
      major: { tag: 'forbidden', message: { en_US: 'Verify.' } },
    });
  });
});

describe('while the caller cannot be identified', () => {
  test('a write is not sent, and reports that nothing was done', async () => {
    const broken = ({ socket }: Exchange) => void socket.resetAndDestroy();
    const { upstream, gateway } = await open(broken, {}, { stat: broken });
    expect(await gateway.errorOf('customer_create')).toMatchObject({
      error_code: 'crm.gateway_unavailable',
      retryable: true,
      details: { outcome: 'not_done', reason: 'connection_lost' },
    });
    expect(upstream.received.map(({ path }) => path)).toEqual(['/crm/stat', '/crm/stat', '/crm/stat']);
  });

  test('an upstream error envelope for /stat also leaves the write not done', async () => {
    const error = { error_code: 'crm.internal', http_status: 500, retryable: false, major: { tag: 'internal-error' } };
    const { gateway } = await open(undefined, {}, { stat: ({ answer }) => answer(500, { success: false, error }) });
    expect(await gateway.errorOf('customer_create')).toMatchObject({
      error_code: 'crm.internal',
      http_status: 500,
      details: { outcome: 'not_done' },
    });
  });

  test('identification and the call share one deadline', async () => {
    const slow = ({ answer }: Exchange) => void setTimeout(() => answer(200, successOf(STAT)), 700);
    const { gateway } = await open(() => {}, { deadlineMs: 1_000 }, { stat: slow });
    const started = performance.now();
    const error = await gateway.errorOf('customer_create');
    expect(performance.now() - started).toBeLessThan(1_600);
    expect(error).toMatchObject({ error_code: 'crm.gateway_timeout', details: { outcome: 'unknown' } });
  });

  test('a call that joins an identification in flight keeps its own deadline', async () => {
    const { gateway } = await open(undefined, { deadlineMs: 800 }, { stat: () => {} });
    const first = gateway.errorOf('customer_get');
    await new Promise((done) => setTimeout(done, 500));
    const second = gateway.ok('customer_get');
    expect(await first).toMatchObject({ error_code: 'crm.gateway_timeout' });
    expect(await second).toEqual({ done: true });
  });
});

test('only a gateway that holds credentials knows the keys it issued, readable credential or not', async () => {
  const upstreamCredentials: GatewayOptions['upstreamCredentials'] = (credentials) => {
    if (credentials.secret === 'issued') return credentials;
    if (credentials.secret === 'damaged')
      throw gatewayError({ code: 'crm.x', status: 500, message: 'x', retryable: false });
    throw credentialsInvalid();
  };
  const { gateway } = await open(undefined, { upstreamCredentials, holdsCredentials: true });
  const keys = ['issued', 'damaged', 'unknown'];
  const issued = keys.map((secret) => gateway.backend.issued?.({ orgcode: 'ACME', kind: 'api_key', secret }));
  expect(issued).toEqual([true, true, false]);
  expect((await open(undefined, { upstreamCredentials })).gateway.backend.issued).toBeUndefined();
});
