/** A write with an unknown outcome is not sent again: a repeated call gets an error that explains how to proceed. */
import { beforeEach, describe, expect, test } from 'vitest';
import { CrmError, STATUS_BY_TAG } from '../../src/contract/errors.js';
import { gatewayError, type WriteOutcome } from '../../src/gateway/upstream-error.js';
import {
  callOf,
  DEADLINE_MS,
  errorEnvelope,
  type Gateway,
  openGateway,
  operationOf,
  rowsOf,
} from '../support/sending.js';
import { useGateways } from '../support/use-gateway.js';

const { scratchDir, next } = useGateways();
let gateway: Gateway;
let key: string;
beforeEach(() => {
  ({ gateway, key } = next());
});

const timeout = (outcome?: WriteOutcome) =>
  gatewayError({
    code: 'crm.gateway_timeout',
    message: 'No answer.',
    status: 504,
    retryable: false,
    ...(outcome === undefined ? {} : { outcome }),
  });

/** Makes a call that fails with `thrown`, repeats it when the upstream works, and returns how often it was sent. */
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

describe('a repeated call', () => {
  test('reports when and with which request id the call was sent, and that its outcome is unknown', async () => {
    gateway.upstream = () => {
      throw timeout('unknown');
    };
    const input = { points: 5, idempotency_key: key };
    const first = callOf(input);
    const sentAt = new Date(gateway.now).toISOString();
    await gateway.errorOf(first);
    gateway.now += 60_000;
    for (const _ of [1, 2]) {
      const error = await gateway.errorOf(callOf(input));
      expect(error).toMatchObject({
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
      expect(error.message).toBe(
        `The same call was sent at ${sentAt} and its outcome is unknown. It was not sent again.`,
      );
    }
    expect(gateway.sent).toBe(1);
    await gateway.errorOf(callOf({ ...input, points: 6 })).then(({ code }) => {
      expect(code).toBe('crm.idempotency_mismatch');
    });
  });

  test('with a new key is a new call', async () => {
    await sentAfter(timeout('unknown'));
    await gateway.call(callOf({ points: 5, idempotency_key: `${key}-2` }));
    expect(gateway.sent).toBe(2);
  });

  test('without a key is asked to use one, and is a new call with it', async () => {
    const input = { points: 5, source_ref: key };
    expect(await sentAfter(timeout('unknown'), input)).toBe(1);
    const error = await gateway.errorOf(callOf(input));
    expect(error.nextSteps?.at(-1)).toBe(
      'If it did not happen, call again with an idempotency_key: that is a new call.',
    );
    await gateway.call(callOf({ ...input, idempotency_key: key }));
    expect(gateway.sent).toBe(2);
  });

  test('of an operation without idempotency keys reports when it can be repeated, and is a new call then', async () => {
    const operation = { ...operationOf('loyalty_earn'), acceptsIdempotencyKey: false };
    const call = () => callOf({ source_ref: key }, { operation });
    gateway.upstream = () => {
      throw timeout('unknown');
    };
    await gateway.errorOf(call());
    const error = await gateway.errorOf(call());
    const again = new Date(gateway.now + 15 * 60_000).toISOString();
    expect(error.nextSteps?.at(-1)).toBe(`If it did not happen, call again after ${again}.`);
    gateway.now += 15 * 60_000;
    await gateway.errorOf(call());
    expect(gateway.sent).toBe(2);
  });

  test('without an outcome probe still advises reading the record first', async () => {
    gateway = openGateway(scratchDir.db, { outcomeProbesOf: () => [] });
    await sentAfter(timeout('unknown'));
    const error = await gateway.errorOf(callOf({ points: 5, idempotency_key: key }));
    expect(error.nextSteps?.[0]).toBe('Read the record to see whether it happened.');
  });
});

describe('a failed call', () => {
  const withStatus = (status: number) =>
    new CrmError({ code: 'crm.local', tag: 'internal-error', message: 'x', status });
  test.each([
    ['an error that states it was not done', timeout('not_done'), 2],
    ['an error that states an unknown outcome', timeout('unknown'), 1],
    ['an error without an outcome', timeout(), 1],
    ['a gateway error with status 401', withStatus(401), 2],
    ['a gateway error with status 500', withStatus(500), 1],
    ['an unexpected error', new TypeError('x'), 1],
    ['a thrown undefined', undefined, 1],
  ])('with %s is sent again only when it was certainly not done', async (_what, thrown, sent) => {
    expect(await sentAfter(thrown)).toBe(sent);
  });

  test.each([
    ['500', { http_status: 500 }, 1],
    ['504', { http_status: 504 }, 1],
    ['503 that invites a retry', { http_status: 503, retryable: true }, 2],
    ['502 that invites a retry', { http_status: 502, retryable: true }, 1],
    ['503 that does not invite a retry', { http_status: 503 }, 1],
    ['504 that states it was not done', { http_status: 504, details: { outcome: 'not_done' } }, 2],
    ['503 that states an unknown outcome', { http_status: 503, retryable: true, details: { outcome: 'unknown' } }, 1],
    ['internal-error with another status', { http_status: 200 }, 1],
  ])(
    'with an upstream response of %s is sent again only when it was certainly not done',
    async (_what, error, sent) => {
      const { upstream } = gateway;
      const major = { tag: 'internal-error' as const, message: { en_US: 'x' } };
      gateway.upstream = (performance) => errorEnvelope(performance, { ...error, major });
      const input = { points: 5, idempotency_key: key };
      expect((await gateway.call(callOf(input))).envelope).toMatchObject({ error });
      gateway.upstream = upstream;
      const again = await gateway.call(callOf(input)).catch((thrown: CrmError) => thrown);
      expect(gateway.sent).toBe(sent);
      if (sent === 1) expect(again).toMatchObject({ code: 'crm.gateway_timeout', details: { outcome: 'unknown' } });
    },
  );

  test('with a 5xx status has an unknown outcome, whatever its tag', async () => {
    for (const tag of Object.keys(STATUS_BY_TAG) as (keyof typeof STATUS_BY_TAG)[]) {
      gateway.upstream = (performance) =>
        errorEnvelope(performance, { http_status: 502, major: { tag, message: { en_US: 'x' } } });
      const input = { points: 5, idempotency_key: `${key}-${tag}` };
      await gateway.call(callOf(input));
      expect(await gateway.errorOf(callOf(input))).toMatchObject({ details: { outcome: 'unknown' } });
    }
  });
});

describe('a write without a key', () => {
  test('that was answered leaves no idempotency record, and an identical one is a new call', async () => {
    const input = { source_ref: key };
    const rows = () => rowsOf(scratchDir.path, 'SELECT COUNT(*) AS n FROM receipt')[0].n;
    const before = rows();
    for (const _ of [1, 2]) {
      const { envelope } = await gateway.call(callOf(input));
      expect(envelope.stats.idempotent_replay).toBeUndefined();
    }
    gateway.upstream = (performance) => errorEnvelope(performance, {});
    await gateway.call(callOf(input));
    expect(gateway.sent).toBe(3);
    expect(rows()).toBe(before);
  });

  test('is a different call in another operating context or by another caller', async () => {
    const input = { source_ref: key };
    gateway.upstream = () => {
      throw timeout('unknown');
    };
    await gateway.errorOf(callOf(input, { context: { logical_guid: 'store-1' } }));
    await gateway.errorOf(callOf(input, { context: { logical_guid: 'store-2' } }));
    await gateway.errorOf(callOf(input, { context: { logical_guid: 'store-1' }, actor: 'user_guid:2' }));
    expect(gateway.sent).toBe(3);
    await gateway.errorOf(callOf(input, { context: { logical_guid: 'store-1' } }));
    expect(gateway.sent).toBe(3);
  });
});

describe('an unfinished idempotency record of another process', () => {
  /** Starts a call that never ends, through another gateway on the same database. */
  async function startUnfinished(input: object): Promise<void> {
    const other = openGateway(scratchDir.db);
    other.now = gateway.now;
    other.upstream = () => new Promise(() => {});
    void other.call(callOf({ ...input }));
    await scratchDir.db.write(() => {});
  }

  test('allows a retry with the same key until its deadline has passed', async () => {
    const input = { points: 5, idempotency_key: key };
    await startUnfinished(input);
    gateway.now += 1000;
    const error = await gateway.errorOf(callOf(input));
    expect(error).toMatchObject({
      code: 'crm.gateway_timeout',
      status: 504,
      retryable: true,
      details: { outcome: 'unknown', retry_after_ms: DEADLINE_MS + 5000 - 1000 },
    });
    expect(error.nextSteps).toHaveLength(1);
    gateway.now += DEADLINE_MS + 5000 - 1000;
    expect(await gateway.errorOf(callOf(input))).toMatchObject({ retryable: false, details: { outcome: 'unknown' } });
    expect(gateway.sent).toBe(0);
  });

  test('of a call without a key requires reading first: a retry after its response would be a new call', async () => {
    const input = { source_ref: key };
    await startUnfinished(input);
    const error = await gateway.errorOf(callOf(input));
    expect(error).toMatchObject({ code: 'crm.gateway_timeout', retryable: false });
    expect(error.nextSteps).toEqual([
      'Wait for details.retry_after_ms.',
      'Call crm_loyalty_ledger_list to see whether it happened.',
      'If it did not happen, call again with an idempotency_key: that is a new call.',
    ]);
    expect(gateway.sent).toBe(0);
  });
});
