/** Concurrent identical writes: with an idempotency key they are sent once, without one they are sent one at a time. */
import { beforeEach, expect, test } from 'vitest';
import { gatewayError } from '../../src/gateway/upstream-error.js';
import { callOf, DEADLINE_MS, type Gateway, pending, success } from '../support/sending.js';
import { useGateways } from '../support/use-gateway.js';

const { next } = useGateways();
let gateway: Gateway;
let key: string;
beforeEach(() => {
  ({ gateway, key } = next());
});

const concurrently = <T>(times: number, act: () => Promise<T>) => Promise.all(Array.from({ length: times }, act));
const unknown = () =>
  gatewayError({ code: 'crm.gateway_timeout', message: 'x', status: 504, retryable: false, outcome: 'unknown' });
const shortDelay = () => new Promise((done) => setTimeout(done, 20));

test('32 calls with one key are sent once, and all get that response', async () => {
  gateway.upstream = async (performance, number) => {
    await shortDelay();
    return success(performance, { number }, number);
  };
  const results = await concurrently(32, () => gateway.call(callOf({ points: 5, idempotency_key: key })));
  expect(gateway.sent).toBe(1);
  expect(results.every(({ envelope }) => envelope.success && 'number' in envelope.data)).toBe(true);
  expect(results.filter(({ envelope }) => envelope.stats.idempotent_replay === true)).toHaveLength(31);
});

test('32 calls with one key and no response are sent once, and all report a timeout', async () => {
  gateway.upstream = async () => {
    await shortDelay();
    throw unknown();
  };
  const errors = await concurrently(32, () => gateway.errorOf(callOf({ points: 5, idempotency_key: key })));
  expect(gateway.sent).toBe(1);
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['crm.gateway_timeout']));
});

test('of two concurrent calls with one key and different bodies, one is sent and the other is a mismatch', async () => {
  const results = await Promise.allSettled(
    [5, 6].map((points) => gateway.call(callOf({ points, idempotency_key: key }))),
  );
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(results[1]).toMatchObject({ reason: { code: 'crm.idempotency_mismatch' } });
  expect(gateway.sent).toBe(1);
});

test('different keys do not wait for each other', async () => {
  const started = [pending<void>(), pending<void>()];
  gateway.upstream = async (performance, number) => {
    started[number - 1]?.resolve();
    await Promise.all(started.map(({ promise }) => promise)); // neither continues before both have started
    return success(performance, {});
  };
  let n = 0;
  await concurrently(2, () => gateway.call(callOf({ points: 5, idempotency_key: `${key}-${n++}` })));
  expect(gateway.sent).toBe(2);
});

test('identical calls without a key are all sent, one at a time', async () => {
  let running = 0;
  let most = 0;
  gateway.upstream = async (performance, number) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    return success(performance, { number }, number);
  };
  const results = await concurrently(8, () => gateway.call(callOf({ source_ref: key })));
  expect(gateway.sent).toBe(8);
  expect(most).toBe(1);
  expect(results.some(({ envelope }) => envelope.stats.idempotent_replay)).toBe(false);
});

test('calls queued behind an identical call without a key are not sent when its outcome is unknown', async () => {
  gateway.upstream = async () => {
    await shortDelay();
    throw unknown();
  };
  const errors = await concurrently(8, () => gateway.errorOf(callOf({ source_ref: key })));
  expect(gateway.sent).toBe(1);
  expect(errors.every(({ details }) => details?.outcome === 'unknown')).toBe(true);
});

test('a retry without a key shares the response of the first call when the client aborted that call', async () => {
  const answer = pending<void>();
  gateway.upstream = async (performance, number) => {
    await answer.promise;
    return success(performance, { code: 'shown once', number }, number);
  };
  const client = new AbortController();
  const input = { source_ref: key };
  const issue = { operation: 'giftcard_issue' };
  const first = gateway.call(callOf(input, { ...issue, signal: client.signal }));
  const second = callOf(input, issue);
  const retried = gateway.call(second);
  client.abort();
  answer.resolve();
  await first;
  const { envelope } = await retried;
  expect(gateway.sent).toBe(1);
  expect(envelope).toMatchObject({
    data: { number: 1, code: null },
    stats: { idempotent_replay: true, request_id: second.stamp.request_id },
  });
  await gateway.call(callOf(input, issue));
  expect(gateway.sent).toBe(2);
});

test('a call waits for earlier identical calls no longer than its deadline', async () => {
  const responses = [pending<void>(), pending<void>()];
  gateway.upstream = async (performance, number) => {
    await responses[number - 1]?.promise;
    return success(performance, { number }, number);
  };
  const input = { source_ref: key };
  const first = gateway.call(callOf(input));
  const second = gateway.call(callOf(input));
  const third = gateway.errorOf(callOf(input));
  gateway.now += DEADLINE_MS + 1;
  responses[0]?.resolve();
  expect(await third).toMatchObject({ code: 'crm.gateway_timeout', retryable: false, details: { outcome: 'unknown' } });
  responses[1]?.resolve();
  await Promise.all([first, second]);
  expect(gateway.sent).toBe(2);
});
