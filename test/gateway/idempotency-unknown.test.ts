/** A write whose answer never came is not sent a second time: its repetition is told what to read, and what then. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { CrmError, STATUS_BY_TAG } from '../../src/contract/errors.js';
import { gatewayError, type WriteOutcome } from '../../src/gateway/upstream-error.js';
import {
  callOf,
  DEADLINE_MS,
  type Gateway,
  openGateway,
  openPlace,
  operationOf,
  refusal,
  rowsOf,
} from '../support/sending.js';

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

const fault = (outcome?: WriteOutcome) =>
  gatewayError({
    code: 'crm.gateway_timeout',
    message: 'No answer.',
    status: 504,
    retryable: false,
    ...(outcome === undefined ? {} : { outcome }),
  });

/** The upstream fails once with `thrown`; the same call then finds it well. Answers how often it was sent. */
async function sentAfter(thrown: unknown, input: object = { points: 5, idempotency_key: key }): Promise<number> {
  const { upstream } = gateway;
  gateway.upstream = () => {
    throw thrown;
  };
  await expect(gateway.call(callOf({ ...input }))).rejects.toBe(thrown);
  gateway.upstream = upstream;
  await gateway.call(callOf({ ...input })).catch(() => {});
  return gateway.sent;
}

describe('a repetition', () => {
  test('says that the call was sent, when, under which name, and that nobody knows more', async () => {
    gateway.upstream = () => {
      throw fault('unknown');
    };
    const input = { points: 5, idempotency_key: key };
    const first = callOf(input);
    const sentAt = new Date(gateway.now).toISOString();
    await gateway.refused(first);
    gateway.now += 60_000;
    for (const _ of [1, 2]) {
      const told = await gateway.refused(callOf(input));
      expect(told).toMatchObject({
        code: 'crm.gateway_timeout',
        tag: 'internal-error',
        status: 504,
        retryable: false,
        replayed: false,
        details: { outcome: 'unknown', first_sent_at: sentAt, first_request_id: first.stamp.request_id },
        nextSteps: [
          'Call crm_loyalty_ledger_list to see whether it happened.',
          'If it did not happen, call again with a new idempotency_key.',
        ],
      });
      expect(told.message).toBe(
        `The same call was sent at ${sentAt} and its outcome is unknown. It was not sent again.`,
      );
    }
    expect(gateway.sent).toBe(1);
    await gateway.refused(callOf({ ...input, points: 6 })).then(({ code }) => {
      expect(code).toBe('crm.idempotency_mismatch');
    });
  });

  test('with a new key is a new call', async () => {
    await sentAfter(fault('unknown'));
    await gateway.call(callOf({ points: 5, idempotency_key: `${key}-2` }));
    expect(gateway.sent).toBe(2);
  });

  test('without a key is told to come with one, and then is a new call', async () => {
    const input = { points: count, source_ref: key };
    expect(await sentAfter(fault('unknown'), input)).toBe(1);
    const told = await gateway.refused(callOf(input));
    expect(told.nextSteps?.at(-1)).toBe(
      'If it did not happen, call again with an idempotency_key: that is a new call.',
    );
    await gateway.call(callOf({ ...input, idempotency_key: key }));
    expect(gateway.sent).toBe(2);
  });

  test('where keys are not known is told when it may come again, and then is a new call', async () => {
    const operation = { ...operationOf('loyalty_earn'), acceptsIdempotencyKey: false };
    const call = () => callOf({ source_ref: key }, { operation });
    gateway.upstream = () => {
      throw fault('unknown');
    };
    await gateway.refused(call());
    const told = await gateway.refused(call());
    const again = new Date(gateway.now + 15 * 60_000).toISOString();
    expect(told.nextSteps?.at(-1)).toBe(`If it did not happen, call again after ${again}.`);
    gateway.now += 15 * 60_000;
    await gateway.refused(call());
    expect(gateway.sent).toBe(2);
  });

  test('without a tool that would tell still says to read first', async () => {
    gateway = openGateway(place.db, { outcomeProbesOf: () => [] });
    await sentAfter(fault('unknown'));
    const told = await gateway.refused(callOf({ points: 5, idempotency_key: key }));
    expect(told.nextSteps?.[0]).toBe('Read the record to see whether it happened.');
  });
});

describe('what failed on the way', () => {
  const withStatus = (status: number) =>
    new CrmError({ code: 'crm.local', tag: 'internal-error', message: 'x', status });
  test.each([
    ['a fault that says it was not done', fault('not_done'), 2],
    ['a fault that says nobody knows', fault('unknown'), 1],
    ['a fault that says neither', fault(), 1],
    ['a refusal of our own', withStatus(401), 2],
    ['a failure of our own', withStatus(500), 1],
    ['anything unforeseen', new TypeError('x'), 1],
    ['not even an error', undefined, 1],
  ])('%s: sent %#', async (_what, thrown, sent) => {
    expect(await sentAfter(thrown)).toBe(sent);
  });

  test.each([
    ['500', { http_status: 500 }, 1],
    ['504', { http_status: 504 }, 1],
    ['503 that asks for the call again', { http_status: 503, retryable: true }, 2],
    ['502 that asks for the call again', { http_status: 502, retryable: true }, 1],
    ['503 that does not', { http_status: 503 }, 1],
    ['504 that says it was not done', { http_status: 504, details: { outcome: 'not_done' } }, 2],
    ['503 that says nobody knows', { http_status: 503, retryable: true, details: { outcome: 'unknown' } }, 1],
    ['internal-error under another status', { http_status: 200 }, 1],
  ])('an upstream that answers %s', async (_what, error, sent) => {
    const { upstream } = gateway;
    const major = { tag: 'internal-error' as const, message: { en_US: 'x' } };
    gateway.upstream = (performance) => refusal(performance, { ...error, major });
    const input = { points: 5, idempotency_key: key };
    expect((await gateway.call(callOf(input))).envelope).toMatchObject({ error });
    gateway.upstream = upstream;
    const again = await gateway.call(callOf(input)).catch((thrown: CrmError) => thrown);
    expect(gateway.sent).toBe(sent);
    if (sent === 1) expect(again).toMatchObject({ code: 'crm.gateway_timeout', details: { outcome: 'unknown' } });
  });

  test('a status of 5xx under any tag leaves the outcome open', async () => {
    for (const tag of Object.keys(STATUS_BY_TAG) as (keyof typeof STATUS_BY_TAG)[]) {
      gateway.upstream = (performance) =>
        refusal(performance, { http_status: 502, major: { tag, message: { en_US: 'x' } } });
      const input = { points: 5, idempotency_key: `${key}-${tag}` };
      await gateway.call(callOf(input));
      expect(await gateway.refused(callOf(input))).toMatchObject({ details: { outcome: 'unknown' } });
    }
  });
});

describe('a write without a key', () => {
  test('that was answered leaves nothing behind, and the same again is a new call', async () => {
    const input = { source_ref: key };
    const rows = () => rowsOf(place.path, 'SELECT COUNT(*) AS n FROM receipt')[0].n;
    const before = rows();
    for (const _ of [1, 2]) {
      const { envelope } = await gateway.call(callOf(input));
      expect(envelope.stats.idempotent_replay).toBeUndefined();
    }
    gateway.upstream = (performance) => refusal(performance, {});
    await gateway.call(callOf(input));
    expect(gateway.sent).toBe(3);
    expect(rows()).toBe(before);
  });

  test('is another call in another place or by another caller', async () => {
    const input = { source_ref: key };
    gateway.upstream = () => {
      throw fault('unknown');
    };
    await gateway.refused(callOf(input, { context: { logical_guid: 'store-1' } }));
    await gateway.refused(callOf(input, { context: { logical_guid: 'store-2' } }));
    await gateway.refused(callOf(input, { context: { logical_guid: 'store-1' }, actor: 'user_guid:2' }));
    expect(gateway.sent).toBe(3);
    await gateway.refused(callOf(input, { context: { logical_guid: 'store-1' } }));
    expect(gateway.sent).toBe(3);
  });
});

describe('a receipt of another process that has not settled', () => {
  /** Calls that never end, of a process that is no longer ours. */
  async function abandoned(input: object): Promise<void> {
    const other = openGateway(place.db);
    other.now = gateway.now;
    other.upstream = () => new Promise(() => {});
    void other.call(callOf({ ...input }));
    await place.db.write(() => {});
  }

  test('may still be answered while its deadline runs: with a key the call may be tried again', async () => {
    const input = { points: 5, idempotency_key: key };
    await abandoned(input);
    gateway.now += 1000;
    const told = await gateway.refused(callOf(input));
    expect(told).toMatchObject({
      code: 'crm.gateway_timeout',
      status: 504,
      retryable: true,
      details: { outcome: 'unknown', retry_after_ms: DEADLINE_MS + 5000 - 1000 },
    });
    expect(told.nextSteps).toHaveLength(1);
    gateway.now += DEADLINE_MS + 5000 - 1000;
    expect(await gateway.refused(callOf(input))).toMatchObject({ retryable: false, details: { outcome: 'unknown' } });
    expect(gateway.sent).toBe(0);
  });

  test('without a key must be looked for first: a try after its answer would be a new call', async () => {
    const input = { source_ref: key };
    await abandoned(input);
    const told = await gateway.refused(callOf(input));
    expect(told).toMatchObject({ code: 'crm.gateway_timeout', retryable: false });
    expect(told.nextSteps).toEqual([
      'Wait for details.retry_after_ms.',
      'Call crm_loyalty_ledger_list to see whether it happened.',
      'If it did not happen, call again with an idempotency_key: that is a new call.',
    ]);
    expect(gateway.sent).toBe(0);
  });
});
