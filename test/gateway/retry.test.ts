/** Which calls are retried and after what delay, and when the circuit breaker stops calls to the upstream. */
import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../src/gateway/breaker.js';
import { withRetries } from '../../src/gateway/retry.js';
import { UpstreamError } from '../../src/gateway/upstream-error.js';
import { readRetryAfter } from '../../src/gateway/upstream-reply.js';
import { exampleOf, HEADERS, operationOf } from '../support/gateway.js';
import { type Exchange, successOf } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const { open } = closingUpstreams();

const HTML = { 'content-type': 'text/html' };
const errorEnvelope = (status: number, error: object = {}) => ({
  success: false,
  error: { http_status: status, ...error },
});

/** Handles the first requests with one behaviour each, and all later ones with success. */
function inTurn(...behaviours: readonly ((exchange: Exchange) => void)[]) {
  const left = [...behaviours];
  return (exchange: Exchange) =>
    (left.shift() ?? (({ answer }: Exchange) => answer(200, successOf({ done: true }))))(exchange);
}

const reset = ({ socket }: Exchange) => void socket.resetAndDestroy();
const page =
  (status: number, headers = {}) =>
  (exchange: Exchange) =>
    exchange.answer(status, '<html>', { ...HTML, ...headers });
const keyed = (id: string) => ({ ...exampleOf(operationOf(id)), idempotency_key: 'once' });

describe('a read', () => {
  test.each<[string, (exchange: Exchange) => void]>([
    ['a reset', reset],
    ['an HTML page with 500', page(500)],
    ['an HTML page with 502', page(502)],
    ['an HTML page with 503', page(503)],
    ['an HTML page with 504', page(504)],
    ['429', page(429)],
    ['an incomplete response', ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{')],
    ['a retryable error', ({ answer }) => answer(500, errorEnvelope(500, { retryable: true }))],
    ['a throttling error', ({ answer }) => answer(429, errorEnvelope(429))],
  ])('is sent up to three times in all after %s', async (_name, behaviour) => {
    const twice = await open(inTurn(behaviour, behaviour));
    expect(await twice.gateway.ok('customer_get')).toEqual({ done: true });
    expect(twice.upstream.requestsAfterStat()).toHaveLength(3);
    const thrice = await open(inTurn(behaviour, behaviour, behaviour));
    await thrice.gateway.errorOf('customer_get');
    expect(thrice.upstream.requestsAfterStat()).toHaveLength(3);
  });

  test.each<[string, (exchange: Exchange) => void]>([
    ['a validation error', ({ answer }) => answer(400, errorEnvelope(400))],
    ['a conflict', ({ answer }) => answer(409, errorEnvelope(409))],
    ['an error that is not retryable', ({ answer }) => answer(500, errorEnvelope(500, { retryable: false }))],
    ['an HTML page with 501', page(501)],
    ['an HTML page with 403', page(403)],
    ['an HTML page with 404', page(404)],
    ['a redirect', page(302, { location: 'http://127.0.0.1:1/' })],
    ['an HTML page with 200', page(200)],
  ])('is sent only once after %s', async (_name, behaviour) => {
    const { upstream, gateway } = await open(inTurn(behaviour));
    await gateway.errorOf('customer_get');
    expect(upstream.requestsAfterStat()).toHaveLength(1);
  });

  test('is retried after the Retry-After delay when that ends within the deadline', async () => {
    const { upstream, gateway } = await open(inTurn(page(503, { 'retry-after': '1' })));
    const started = performance.now();
    expect(await gateway.ok('customer_get')).toEqual({ done: true });
    expect(performance.now() - started).toBeGreaterThanOrEqual(995);
    expect(upstream.requestsAfterStat()).toHaveLength(2);
  });

  test('fails at once when the Retry-After delay exceeds the deadline, and reports the delay', async () => {
    const { upstream, gateway } = await open(inTurn(page(429, { 'retry-after': '3' })), { deadlineMs: 2_900 });
    const started = performance.now();
    expect(await gateway.errorOf('customer_get')).toMatchObject({
      error_code: 'crm.throttled',
      http_status: 429,
      retryable: true,
      details: { retry_after_ms: 3_000 },
      next_steps: ['Try again after details.retry_after_ms.'],
    });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(upstream.requestsAfterStat()).toHaveLength(1);
  });

  test('that counts failed attempts is retried only when the upstream certainly did not process it', async () => {
    expect(operationOf('giftcard_get').countsFailures).toBe(true);
    const lost = await open(inTurn(reset));
    await lost.gateway.errorOf('giftcard_get');
    expect(lost.upstream.requestsAfterStat()).toHaveLength(1);
    const throttled = await open(inTurn(page(429)));
    await throttled.gateway.ok('giftcard_get');
    expect(throttled.upstream.requestsAfterStat()).toHaveLength(2);
  });
});

describe('a write', () => {
  test.each([
    ['without a key, to an upstream that honours keys,', true, exampleOf(operationOf('loyalty_earn'))],
    ['with a key, to an upstream not configured to honour keys,', false, keyed('loyalty_earn')],
  ])('%s is sent once, whatever the failure', async (_name, honoursKeys, args) => {
    for (const behaviour of [
      reset,
      page(429),
      page(503),
      page(502),
      ({ answer }: Exchange) => answer(500, errorEnvelope(500, { retryable: true })),
    ]) {
      const { upstream, gateway } = await open(inTurn(behaviour), { honoursKeys });
      await gateway.errorOf('loyalty_earn', args);
      expect(upstream.requestsAfterStat()).toHaveLength(1);
    }
  });

  test('with a key the upstream honours is retried with identical bytes', async () => {
    const { upstream, gateway } = await open(inTurn(reset, page(503)), { honoursKeys: true });
    expect(await gateway.ok('loyalty_earn', keyed('loyalty_earn'))).toEqual({ done: true });
    const bodies = upstream.requestsAfterStat().map(({ body, headers }) => [body, headers['idempotency-key']]);
    expect(bodies).toHaveLength(3);
    for (const one of bodies) expect(one).toEqual([JSON.stringify(keyed('loyalty_earn')), 'once']);
  });

  test.each<[string, (exchange: Exchange) => void]>([
    ['a 429 page in response to its retry', page(429, { 'retry-after': '60' })],
    [
      'a throttling error in response to its retry',
      ({ answer }) => answer(429, errorEnvelope(429), { 'retry-after': '60' }),
    ],
  ])('that may have happened is not reported as not done after %s', async (_name, behaviour) => {
    const { gateway } = await open(inTurn(reset, behaviour), { honoursKeys: true });
    expect(await gateway.errorOf('loyalty_earn', keyed('loyalty_earn'))).toMatchObject({
      error_code: 'crm.gateway_timeout',
      retryable: false,
      details: { outcome: 'unknown' },
      next_steps: [expect.stringMatching(/^Read with crm_/), expect.stringMatching(/same idempotency_key/)],
    });
  });

  test('that may have happened and is then rejected returns the error of the upstream', async () => {
    const { gateway } = await open(
      inTurn(reset, ({ answer }) => answer(409, errorEnvelope(409))),
      { honoursKeys: true },
    );
    expect(await gateway.errorOf('loyalty_earn', keyed('loyalty_earn'))).toMatchObject({ http_status: 409 });
  });

  test('is passed to sendOnce, and a read is not', async () => {
    const seen: string[] = [];
    const sendOnce = async ({ operation }: { operation: { id: string } }, send: () => Promise<never>) => {
      seen.push(operation.id);
      return send();
    };
    const plain = await open(undefined, { sendOnce: sendOnce as never });
    await plain.gateway.ok('customer_create');
    await plain.gateway.ok('customer_get');
    expect(seen).toEqual(['customer_create']);
    const honouring = await open(undefined, { sendOnce: sendOnce as never, honoursKeys: true });
    await honouring.gateway.ok('customer_create');
    await honouring.gateway.ok('loyalty_earn', keyed('loyalty_earn'));
    await honouring.gateway.ok('customer_get');
    expect(seen).toEqual(['customer_create', 'customer_create', 'loyalty_earn']);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 21, 7, 28, 0);

  test.each([
    ['0', 0],
    [' 120 ', 120_000],
    ['Wed, 21 Jan 2026 07:28:30 GMT', 30_000],
    ['Wed, 21 Jan 2026 07:27:30 GMT', 0],
    ['999999999', 86_400_000],
    ['-1', undefined],
    ['1e9', undefined],
    ['soon', undefined],
    ['2026-01-21', undefined],
    [undefined, undefined],
  ])('%s is read as %s ms', (value, ms) => {
    expect(readRetryAfter(value, now)).toBe(ms);
  });
});

describe('backoff', () => {
  const error = new UpstreamError({
    kind: 'unreached',
    reason: 'connection_refused',
    outcome: 'not_done',
    transient: true,
  });

  test('is random up to a bound that doubles, and no retry starts just before the deadline', async () => {
    for (const [random, leftMs, attempts] of [
      [0, 10_000, 3],
      [2 ** 32 - 1, 10_000, 3],
      [2 ** 32 - 1, 149, 1],
      [2 ** 32 - 1, 249, 2],
    ] as const) {
      let left: number = leftMs;
      let count = 0;
      const deadline = { ms: leftMs, left: () => left };
      const attempt = async () => {
        if (count > 0) left -= 100 * count; // the longest possible jitter
        count += 1;
        throw error;
      };
      const options = { deadline, signal: undefined, write: false, counted: false, random32: () => random };
      await expect(withRetries(attempt, options)).rejects.toBe(error);
      expect(count).toBe(attempts);
    }
  });

  test('ends when the client aborts', async () => {
    const client = new AbortController();
    let count = 0;
    const attempt = async () => {
      count += 1;
      setTimeout(() => client.abort(), 10);
      throw new UpstreamError({
        kind: 'throttled',
        reason: 'status',
        outcome: 'not_done',
        transient: true,
        retryAfterMs: 30_000,
      });
    };
    const deadline = { ms: 60_000, left: () => 60_000 };
    const options = { deadline, signal: client.signal, write: false, counted: false, random32: () => 0 };
    await expect(withRetries(attempt, options)).rejects.toMatchObject({ kind: 'throttled' });
    expect(count).toBe(1);
  });
});

describe('the circuit breaker', () => {
  function breakerAt() {
    const state = { now: 0, changes: [] as string[] };
    return {
      state,
      breaker: createBreaker(
        () => state.now,
        (change) => void state.changes.push(change),
      ),
    };
  }

  test('opens after ten consecutive failures, lets one probe through after its pause, and closes on a response', () => {
    const { state, breaker } = breakerAt();
    for (let count = 0; count < 9; count += 1) breaker.enter()('failed');
    breaker.enter()('answered');
    for (let count = 0; count < 9; count += 1) breaker.enter()('failed');
    breaker.enter()('neither');
    expect(state.changes).toEqual([]);
    breaker.enter()('failed');
    expect(state.changes).toEqual(['open']);
    state.now = 4_000;
    expect(() => breaker.enter()).toThrow(expect.objectContaining({ reason: 'breaker_open', retryAfterMs: 1_000 }));
    state.now = 5_000;
    const probe = breaker.enter();
    expect(() => breaker.enter()).toThrow(UpstreamError);
    probe('failed');
    state.now = 9_999;
    expect(() => breaker.enter()).toThrow(UpstreamError);
    state.now = 10_000;
    breaker.enter()('neither');
    breaker.enter()('answered');
    breaker.enter();
    breaker.enter();
    expect(state.changes).toEqual(['open', 'closed']);
  });

  test('rejects calls at once while open, and reports the delay before a retry', async () => {
    let now = 0;
    const { upstream, gateway } = await open(reset, { clock: () => now });
    for (let count = 0; count < 10; count += 1) await gateway.errorOf('customer_create');
    expect(upstream.requestsAfterStat()).toHaveLength(10);
    expect(gateway.events).toEqual([{ kind: 'breaker_open' }]);
    for (const id of ['customer_create', 'customer_get']) {
      expect(await gateway.errorOf(id)).toMatchObject({
        error_code: 'crm.gateway_unavailable',
        http_status: 503,
        retryable: true,
        details: { reason: 'breaker_open', retry_after_ms: 5_000 },
      });
    }
    expect(upstream.requestsAfterStat()).toHaveLength(10);
    now = 5_000;
    await gateway.errorOf('customer_create');
    expect(upstream.requestsAfterStat()).toHaveLength(11);
  });

  test('is not opened by error responses, HTML pages or unreadable responses', async () => {
    const behaviours = [
      page(403),
      page(404),
      page(429),
      page(200),
      ({ answer }: Exchange) => answer(500, errorEnvelope(500)),
    ];
    for (const behaviour of behaviours) {
      const { upstream, gateway } = await open(behaviour);
      for (let count = 0; count < 12; count += 1) await gateway.errorOf('customer_create');
      expect(upstream.requestsAfterStat()).toHaveLength(12);
      expect(gateway.events).toEqual([]);
    }
  });

  test('closes for all callers when the upstream recovers', async () => {
    let now = 0;
    const { gateway } = await open(inTurn(...Array.from({ length: 10 }, () => page(502))), { clock: () => now });
    for (let count = 0; count < 10; count += 1) await gateway.errorOf('customer_create');
    now = 5_001;
    await gateway.ok('customer_create', undefined, HEADERS);
    await Promise.all(Array.from({ length: 5 }, () => gateway.ok('customer_create')));
    expect(gateway.events).toEqual([{ kind: 'breaker_open' }, { kind: 'breaker_closed' }]);
  });
});
