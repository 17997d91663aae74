/** The requests a gateway sends upstream and the responses it relays. */
import { describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { VERSION } from '../../src/contract/version.js';
import { GatewayOptionsError } from '../../src/gateway/origin.js';
import { exampleOf, HEADERS, openGateway, operationOf, SECRET } from '../support/gateway.js';
import { BUILD, head, successOf } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const { open } = closingUpstreams();

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('a request', () => {
  test('carries the unchanged body, credentials and operating context, and no other headers', async () => {
    const { upstream, gateway } = await open(undefined, { random32: () => 0xabcdef01 });
    const args = { customer_id: 'c-1', points: 5, idempotency_key: 'once', reason: 'Gruß ✓' };
    const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
    await gateway.ok('loyalty_earn', args, { ...HEADERS, 'x-cccode': 'ab12-cd34-ef56', traceparent });
    const [stat, earn] = upstream.received;
    expect(stat).toMatchObject({ method: 'GET', path: '/crm/stat', body: '' });
    expect(stat?.headers).not.toHaveProperty('content-type');
    expect(earn).toMatchObject({ method: 'POST', path: '/crm/loyalty/earn' });
    expect(JSON.parse(earn?.body ?? '')).toEqual(args);
    expect(earn?.headers).toEqual({
      host: upstream.base.host,
      connection: 'keep-alive',
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(JSON.stringify(args))),
      'user-agent': `g3n-crm-mcp/${VERSION}`,
      traceparent: `00-${TRACE}-abcdef01abcdef01-01`,
      'x-orgcode': 'ACME',
      'x-api-key': SECRET,
      'x-logical-guid': 'store-1',
      'x-channel-code': 'pos',
      'x-cccode': 'AB12-CD34-EF56',
      'idempotency-key': 'once',
    });
  });

  test('has a valid span id of its own in the trace, even when the random numbers are zero', async () => {
    const { upstream, gateway } = await open(undefined, { random32: () => 0 });
    await gateway.ok('customer_list', {});
    expect(upstream.received.map(({ headers }) => headers.traceparent)).toEqual([
      expect.stringMatching(/^00-[0-9a-f]{32}-0000000000000001-01$/),
      expect.stringMatching(/^00-[0-9a-f]{32}-0000000000000001-01$/),
    ]);
  });

  test('of every operation uses its path and method', async () => {
    const { upstream, gateway } = await open(undefined);
    for (const operation of CONTRACT.operations) await gateway.envelopeOf(operation);
    const requests = upstream.requestsAfterStat().map(({ method, path }) => `${method} ${path}`);
    expect(requests).toEqual(CONTRACT.operations.map(({ method, path }) => `${method} /crm${path}`));
    expect(upstream.connections()).toBeLessThan(10); // one, plus one for every time the machine paused
  });

  test('carries the upstream credentials, never those of the caller', async () => {
    const { upstream, gateway } = await open(undefined, {
      upstreamCredentials: ({ orgcode }) => ({ orgcode, kind: 'session', secret: 'sealed' }),
    });
    await gateway.ok('customer_list', {});
    for (const { headers } of upstream.received) expect(headers).toMatchObject({ 'x-session-guid': 'sealed' });
    expect(upstream.received.map(({ raw }) => raw).join('')).not.toContain(SECRET);
  });

  test.each([
    ['x-api-key', 'schl\u00fcssel-\u2713', 'crm.credentials_invalid'],
    ['x-api-key', 'key\r\nx-orgcode: OTHER', 'crm.credentials_invalid'],
    ['x-orgcode', 'ACME\u2713', 'crm.not_found'],
  ])('is not sent with %s %j, which is not a valid header value', async (name, value, code) => {
    const { upstream, gateway } = await open(undefined);
    expect((await gateway.errorOf('customer_list', {}, { ...HEADERS, [name]: value })).error_code).toBe(code);
    expect(upstream.connections()).toBe(0);
  });
});

describe('a response', () => {
  test('is relayed completely: unknown fields, the revision unchanged, build in its place', async () => {
    const more = {
      revision: '4',
      warnings: ['soon gone'],
      stats: { bandwidth_in_bytes: 7, build: BUILD, request_id: 'up-7' },
    };
    const { gateway } = await open(({ answer }) =>
      answer(200, { success: true, data: { customer_id: 'c', loyalty: { novel: [1.5, null] }, revision: 4 }, ...more }),
    );
    const envelope = await gateway.envelopeOf(operationOf('customer_get'), { customer_id: 'c' });
    expect(envelope).toMatchObject({
      success: true,
      data: { customer_id: 'c', loyalty: { novel: [1.5, null] }, revision: 4 },
      ...more,
      build: BUILD,
    });
    expect(gateway.reports.at(-1)).toMatchObject({ upstream_request_id: 'up-7', error_code: undefined });
  });

  test('with an error is relayed completely, with tags and codes of other services', async () => {
    const error = {
      error_code: 'scm.reason_unknown',
      http_status: 422,
      retryable: false,
      request_id: 'up-8',
      trace_id: 't-8',
      major: { tag: 'invalid-input', message: { en_US: 'No.', de_DE: 'Nein.' }, hint: 'x' },
      details: { current_revision: '4' },
      conflict_snapshot: { revision: 4 },
      minor: [1],
    };
    const { gateway } = await open(({ answer }) =>
      answer(422, { success: false, error, build: BUILD, stats: { call: 'c' } }),
    );
    const envelope = await gateway.envelopeOf(operationOf('customer_update'));
    expect(envelope).toMatchObject({ success: false, error, build: BUILD, stats: { call: 'c', request_id: 'up-8' } });
    expect(gateway.reports.at(-1)).toMatchObject({ error_code: 'scm.reason_unknown' });
  });

  test('gets the fields the contract requires when they are missing, and keeps those it has', async () => {
    const { gateway } = await open(({ answer }) =>
      answer(409, { success: false, error: { major: { message: 'Taken.' } } }),
    );
    const { error_code, reports, ...rest } = {
      ...(await gateway.errorOf('customer_create')),
      reports: gateway.reports,
    };
    expect(error_code).toBe('crm.upstream_error');
    expect(rest).toEqual({
      http_status: 409,
      retryable: false,
      request_id: reports.at(-1)?.stamp.request_id,
      trace_id: reports.at(-1)?.stamp.trace_id,
      major: { tag: 'conflict', message: { en_US: 'Taken.' } },
      next_steps: ['Read the record and compare it with what you want.'],
    });
    const { gateway: bare } = await open(({ answer }) => answer(200, { success: true, data: {} }));
    const envelope = await bare.envelopeOf(operationOf('customer_create'));
    expect(envelope).toEqual({
      success: true,
      data: {},
      build: { build_major: 'UNKNOWN', build_minor: 'UNKNOWN', build_id: 'UNKNOWN' },
      stats: {
        call: 'POST /customer/create',
        service: 'crm',
        timestamp_utc: expect.stringMatching(/Z$/),
        request_id: bare.reports.at(-1)?.stamp.request_id,
        trace_id: bare.reports.at(-1)?.stamp.trace_id,
        latency_ms: expect.any(Number),
      },
    });
  });

  test.each([
    [{ http_status: 99_999 }, 400, { http_status: 400 }],
    [{ http_status: '409', major: { tag: 'conflict' } }, 200, { http_status: 409 }],
    [{}, 200, { http_status: 500, major: { tag: 'internal-error' } }],
    [{ request_id: 'a\r\nset-cookie: x' }, 400, { request_id: expect.stringMatching(/^[\w-]+$/) }],
    [{ major: { tag: 'throttled' } }, 429, { retryable: true, details: { retry_after_ms: 7_200_000 } }],
    [{ details: { retry_after_ms: 5e6 } }, 429, { details: { retry_after_ms: 5e6 } }],
    [{ details: 'none' }, 429, { details: 'none' }],
  ])('with the error %j and status %d gets a valid HTTP status and retry details', async (error, status, expected) => {
    const { gateway } = await open(({ answer }) =>
      answer(status, { success: false, error }, { 'retry-after': '7200' }),
    );
    expect(await gateway.errorOf('customer_create')).toMatchObject(expected);
  });

  test('has a request id that is a valid header value', async () => {
    const { gateway } = await open(({ answer }) =>
      answer(200, successOf({}, { stats: { request_id: 'a\r\nb: c', trace_id: 7, call: '' } })),
    );
    const { stats } = await gateway.envelopeOf(operationOf('customer_create'));
    expect(stats).toMatchObject({ call: 'POST /customer/create', request_id: expect.stringMatching(/^[\w-]{36}$/) });
  });

  test('followed at once by an unrequested second response is not mixed up with it', async () => {
    let count = 0;
    const { gateway } = await open(({ sendBytes }) => {
      count += 1;
      const texts = [count, -1].map((number) => JSON.stringify(successOf({ number })));
      const type = { 'content-type': 'application/json' };
      sendBytes(
        texts.map((text) => `${head(200, { ...type, 'content-length': String(text.length) })}${text}`).join(''),
      );
    });
    for (let call = 1; call <= 5; call += 1) expect(await gateway.ok('customer_get')).toEqual({ number: call });
  });
});

describe('a write whose outcome is unknown', () => {
  const writes = CONTRACT.operations.filter(({ effect }) => effect !== 'read');

  test.each(writes.map((operation) => [operation.id, operation] as const))(
    '%s names read tools that show the outcome',
    async (_id, operation) => {
      const { gateway } = await open(({ socket }) => void socket.resetAndDestroy());
      const envelope = await gateway.envelopeOf(operation);
      const steps = envelope.success ? [] : (envelope.error.next_steps ?? []);
      const named = steps.flatMap((step) => step.match(/crm_\w+/g) ?? []);
      const reads = CONTRACT.operations.filter(({ effect }) => effect === 'read').map(({ id }) => `crm_${id}`);
      expect(named.length).toBeGreaterThan(0);
      expect(reads).toEqual(expect.arrayContaining(named));
      expect(steps[0]).toMatch(/^Do not repeat/);
    },
  );

  test('names the tool that reads the record before the list tools', async () => {
    const { gateway } = await open(({ socket }) => void socket.resetAndDestroy());
    const { next_steps } = await gateway.errorOf('customer_create');
    expect(next_steps?.[1]).toBe(
      'Read with crm_customer_get or crm_customer_list or crm_customer_search whether the change happened.',
    );
  });
});

describe('a client that disconnects', () => {
  test('cancels its read, but not its write', async () => {
    const client = new AbortController();
    const { upstream, gateway } = await open(({ answer, request }) => {
      client.abort();
      setTimeout(() => answer(200, successOf({ path: request.path })), 100);
    });
    const { signal } = client;
    expect(await gateway.envelopeOf(operationOf('customer_create'), undefined, { signal })).toMatchObject({
      success: true,
    });
    expect(await gateway.envelopeOf(operationOf('customer_get'), undefined, { signal })).toMatchObject({
      success: false,
      error: { error_code: 'crm.cancelled', details: { reason: 'client_gone' } },
    });
    expect(upstream.requestsAfterStat()).toHaveLength(1);
  });

  test('cancels a read in flight at once', async () => {
    const client = new AbortController();
    const { upstream, gateway } = await open(() => client.abort(), { deadlineMs: 60_000 });
    const envelope = await gateway.envelopeOf(operationOf('customer_get'), undefined, { signal: client.signal });
    expect(envelope).toMatchObject({ success: false, error: { error_code: 'crm.cancelled' } });
    expect(upstream.requestsAfterStat()).toHaveLength(1);
  });
});

test.each([0, -1, Number.NaN, 600_001])('createGateway rejects a deadline of %d ms', (deadlineMs) => {
  expect(() => openGateway(new URL('https://api.example.com/crm'), { deadlineMs })).toThrow(GatewayOptionsError);
});

test('an upstream error is logged with its reason, without address, body or credential', async () => {
  const { upstream, gateway } = await open(({ answer, request }) =>
    request.path === '/crm/customer/get' ? answer(404, {}) : answer(200, '<html>', { 'content-type': 'text/html' }),
  );
  await gateway.errorOf('customer_create');
  expect(JSON.parse(gateway.logged.at(-1) ?? '')).toMatchObject({
    operation: 'customer_create',
    error_code: 'crm.gateway_bad_reply',
    cause: { type: 'UpstreamError', code: 'not_json' },
  });
  await gateway.errorOf('customer_get');
  expect(JSON.parse(gateway.logged.at(-1) ?? '')).not.toHaveProperty('cause');
  expect(gateway.logged.join('')).not.toMatch(new RegExp(`${SECRET}|${upstream.base.port}|html`));
});

test('a closed gateway rejects calls and reports that nothing was done', async () => {
  const { upstream } = await open(undefined);
  const gateway = openGateway(upstream.base);
  await gateway.ok('customer_list', {});
  await gateway.backend.close();
  expect(await gateway.errorOf('customer_create', exampleOf(operationOf('customer_create')))).toMatchObject({
    error_code: 'crm.gateway_unavailable',
    details: { outcome: 'not_done' },
  });
  expect(upstream.requestsAfterStat()).toHaveLength(1);
});
