/** The same write many times at once: with a key one sending, without one after the other. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { gatewayError } from '../../src/gateway/upstream-error.js';
import { callOf, DEADLINE_MS, type Gateway, openGateway, openPlace, pending, success } from '../support/sending.js';

const place = openPlace();
afterAll(place.remove);
let gateway: Gateway;
let key: string;
let count = 0;
beforeEach(() => {
  gateway = openGateway(place.db);
  count += 1;
  key = `key-${count}`;
});

const together = <T>(times: number, act: () => Promise<T>) => Promise.all(Array.from({ length: times }, act));
const unknown = () =>
  gatewayError({ code: 'crm.gateway_timeout', message: 'x', status: 504, retryable: false, outcome: 'unknown' });
const aMoment = () => new Promise((done) => setTimeout(done, 20));

test('32 calls with one key are sent once, and all get that answer', async () => {
  gateway.upstream = async (performance, number) => {
    await aMoment();
    return success(performance, { number }, number);
  };
  const answers = await together(32, () => gateway.call(callOf({ points: 5, idempotency_key: key })));
  expect(gateway.sent).toBe(1);
  expect(answers.every(({ envelope }) => envelope.success && 'number' in envelope.data)).toBe(true);
  expect(answers.filter(({ envelope }) => envelope.stats.idempotent_replay === true)).toHaveLength(31);
});

test('32 calls with one key whose answer never comes are sent once, and all are told', async () => {
  gateway.upstream = async () => {
    await aMoment();
    throw unknown();
  };
  const refusals = await together(32, () => gateway.refused(callOf({ points: 5, idempotency_key: key })));
  expect(gateway.sent).toBe(1);
  expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['crm.gateway_timeout']));
});

test('one key with two bodies at once: one is sent, the other is a mismatch', async () => {
  const answers = await Promise.allSettled(
    [5, 6].map((points) => gateway.call(callOf({ points, idempotency_key: key }))),
  );
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(answers[1]).toMatchObject({ reason: { code: 'crm.idempotency_mismatch' } });
  expect(gateway.sent).toBe(1);
});

test('different keys do not wait for each other', async () => {
  const doors = [pending<void>(), pending<void>()];
  gateway.upstream = async (performance, number) => {
    doors[number - 1]?.resolve();
    await Promise.all(doors.map(({ promise }) => promise)); // none goes on before both are there
    return success(performance, {});
  };
  let n = 0;
  await together(2, () => gateway.call(callOf({ points: 5, idempotency_key: `${key}-${n++}` })));
  expect(gateway.sent).toBe(2);
});

test('the same call without a key is made as often as asked, never two at a time', async () => {
  let running = 0;
  let most = 0;
  gateway.upstream = async (performance, number) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    return success(performance, { number }, number);
  };
  const answers = await together(8, () => gateway.call(callOf({ source_ref: key })));
  expect(gateway.sent).toBe(8);
  expect(most).toBe(1);
  expect(answers.some(({ envelope }) => envelope.stats.idempotent_replay)).toBe(false);
});

test('after one without a key whose outcome is unknown, those behind it are not sent', async () => {
  gateway.upstream = async () => {
    await aMoment();
    throw unknown();
  };
  const refusals = await together(8, () => gateway.refused(callOf({ source_ref: key })));
  expect(gateway.sent).toBe(1);
  expect(refusals.every(({ details }) => details?.outcome === 'unknown')).toBe(true);
});

test('a second try without a key shares the answer of the first, when its client has given up on that', async () => {
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

test('nobody waits longer than the deadline for others to be done', async () => {
  const answers = [pending<void>(), pending<void>()];
  gateway.upstream = async (performance, number) => {
    await answers[number - 1]?.promise;
    return success(performance, { number }, number);
  };
  const input = { source_ref: key };
  const first = gateway.call(callOf(input));
  const second = gateway.call(callOf(input));
  const third = gateway.refused(callOf(input));
  gateway.now += DEADLINE_MS + 1;
  answers[0]?.resolve();
  expect(await third).toMatchObject({ code: 'crm.gateway_timeout', retryable: false, details: { outcome: 'unknown' } });
  answers[1]?.resolve();
  await Promise.all([first, second]);
  expect(gateway.sent).toBe(2);
});
