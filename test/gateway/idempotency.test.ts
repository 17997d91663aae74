/** A write with an idempotency_key is sent upstream once; a repeated call gets the first response. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ErrorTag, idempotencyMismatch, STATUS_BY_TAG } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { MAX_STORED_RESPONSE_BYTES } from '../../src/gateway/stored-responses.js';
import { openProgramme } from '../support/loyalty.js';
import {
  callOf,
  errorEnvelope,
  type Gateway,
  openGateway,
  openScratchDb,
  operationOf,
  rowsOf,
  success,
} from '../support/sending.js';
import { useGateways } from '../support/use-gateway.js';
import { envelopeOf, openWorld, timeless } from '../support/world.js';

const HOUR_MS = 3_600_000;
const { scratchDir, next } = useGateways();
let gateway: Gateway;
let key: string;
beforeEach(() => {
  ({ gateway, key } = next());
});
const records = () => rowsOf(scratchDir.path, 'SELECT * FROM receipt');

describe('a call with the same key and body', () => {
  test('is sent once; the second call gets the first response with its own ids and times', async () => {
    const { envelope: first } = await gateway.call(callOf({ points: 5, idempotency_key: key }));
    const again = callOf({ points: 5, idempotency_key: key }, { epoch_ms: gateway.now });
    gateway.now += 40;
    const { envelope } = await gateway.call(again);
    expect(gateway.sent).toBe(1);
    expect(envelope).toEqual({
      ...first,
      stats: {
        ...first.stats,
        request_id: again.stamp.request_id,
        trace_id: again.stamp.trace_id,
        timestamp_utc: again.stamp.now,
        latency_ms: 40,
        idempotent_replay: true,
      },
    });
  });

  test('is the same call in any field order; another body is a mismatch and keeps the first response', async () => {
    await gateway.call(callOf({ points: 5, more: { a: 1, b: 2 }, idempotency_key: key }));
    const reordered = { idempotency_key: key, more: { b: 2, a: 1 }, points: 5 };
    const mismatch = await gateway.errorOf(callOf({ points: 6, idempotency_key: key }));
    expect({ ...mismatch, message: mismatch.message }).toEqual({
      ...idempotencyMismatch(),
      message: idempotencyMismatch().message,
    });
    const { envelope } = await gateway.call(callOf(reordered));
    expect(envelope).toMatchObject({ success: true, data: { number: 1 } });
    expect(gateway.sent).toBe(1);
  });

  test('in another org, by another caller, to another endpoint or with another key is a different call', async () => {
    const input = { points: 5, idempotency_key: key };
    await gateway.call(callOf(input));
    const others = [
      callOf(input, { orgcode: 'OTHER' }),
      callOf(input, { actor: 'service_account_guid:2' }),
      callOf(input, { operation: 'loyalty_redeem' }),
      callOf(input, { operation: { ...operationOf('loyalty_earn'), method: 'PUT' } }),
      callOf({ ...input, idempotency_key: `${key}x` }),
    ];
    for (const other of others) expect((await gateway.call(other)).envelope.stats.idempotent_replay).toBeUndefined();
    expect(gateway.sent).toBe(others.length + 1);
  });

  test('is remembered for 24 hours', async () => {
    const input = { points: 5, idempotency_key: key };
    await gateway.call(callOf(input));
    gateway.now += 24 * HOUR_MS - 1;
    await gateway.call(callOf(input));
    expect(gateway.sent).toBe(1);
    gateway.now += 1;
    await gateway.call(callOf(input));
    expect(gateway.sent).toBe(2);
  });

  test('has the same caller after a session renewal; unidentified callers differ by credential', async () => {
    const input = { points: 5, idempotency_key: key };
    const session = (secret: string) => ({ credentials: { kind: 'session' as const, secret } });
    await gateway.call(callOf(input, session('old')));
    await gateway.call(callOf(input, session('new')));
    expect(gateway.sent).toBe(1);
    await gateway.call(callOf(input, { ...session('old'), unknown: true }));
    await gateway.call(callOf(input, { ...session('old'), unknown: true }));
    await gateway.call(callOf(input, { ...session('new'), unknown: true }));
    expect(gateway.sent).toBe(3);
  });

  test('has an idempotency record for every write operation and for no read', async () => {
    for (const operation of CONTRACT.operations) {
      const before = gateway.sent;
      const rows = records().length;
      await gateway.call(callOf({ idempotency_key: key }, { operation }));
      await gateway.call(callOf({ idempotency_key: key }, { operation }));
      const isRead = operation.effect === 'read';
      expect([operation.id, gateway.sent - before, records().length - rows]).toEqual([
        operation.id,
        isRead ? 2 : 1,
        isRead ? 0 : 1,
      ]);
    }
    expect(CONTRACT.operations.some(({ effect, countsFailures }) => effect === 'read' && countsFailures)).toBe(true);
  });

  test('never repeats fields that are shown only once', async () => {
    const operations = CONTRACT.operations.filter(({ effect, shownOnce }) => effect !== 'read' && shownOnce.length > 0);
    expect(operations.length).toBeGreaterThan(0);
    for (const operation of operations) {
      const data = { kept: 'stays', ...Object.fromEntries(operation.shownOnce.map((field) => [field, 'shown once'])) };
      gateway.upstream = (performance) => success(performance, data);
      const call = () => callOf({ idempotency_key: key }, { operation });
      expect((await gateway.call(call())).envelope).toMatchObject({ data });
      const { envelope } = await gateway.call(call());
      expect(envelope).toMatchObject({ data: { kept: 'stays' } });
      expect(JSON.stringify(envelope)).not.toContain('shown once');
    }
  });

  test('whose response was too long to store reports that it was done, and by which request', async () => {
    gateway.upstream = (performance) => success(performance, { long: 'x'.repeat(MAX_STORED_RESPONSE_BYTES) });
    const first = callOf({ points: 5, idempotency_key: key });
    await gateway.call(first);
    const error = await gateway.errorOf(callOf({ points: 5, idempotency_key: key }));
    expect(error).toMatchObject({
      code: 'crm.answer_not_kept',
      status: 409,
      retryable: false,
      replayed: true,
      details: { first_request_id: first.stamp.request_id, first_sent_at: new Date(gateway.now).toISOString() },
    });
    expect(error.message).toContain('done');
    expect(gateway.sent).toBe(1);
  });
});

describe('an error response', () => {
  /** Tags that only step 9 produces; earlier steps can produce the others. */
  const storedTags: ReadonlySet<string> = new Set(['conflict', 'invalid-state', 'expected-revision-required']);
  const tags = Object.keys(STATUS_BY_TAG).filter((tag) => tag !== 'internal-error') as ErrorTag[];

  test.each(tags)('with tag %s is stored only when the domain rejected the call', async (tag) => {
    const error = { http_status: STATUS_BY_TAG[tag], retryable: tag === 'throttled', major: major(tag) };
    gateway.upstream = (performance, number) => errorEnvelope(performance, error, number);
    const first = callOf({ points: 5, idempotency_key: key });
    await gateway.call(first);
    const again = callOf({ points: 5, idempotency_key: key });
    const { envelope } = await gateway.call(again);
    expect(gateway.sent).toBe(storedTags.has(tag) ? 1 : 2);
    if (!storedTags.has(tag)) return;
    expect(envelope).toMatchObject({
      error: { ...error, request_id: again.stamp.request_id, trace_id: again.stamp.trace_id },
      stats: { idempotent_replay: true, request_id: again.stamp.request_id },
    });
  });

  test.each([
    ['that invites a retry', { retryable: true }],
    ['about the key itself', { error_code: 'crm.idempotency_mismatch', major: major('conflict') }],
    ['too long to store', { details: { long: 'x'.repeat(MAX_STORED_RESPONSE_BYTES) } }],
  ])('%s is not stored: the call is sent again', async (_what, error) => {
    gateway.upstream = (performance) => errorEnvelope(performance, error);
    await gateway.call(callOf({ points: 5, idempotency_key: key }));
    await gateway.call(callOf({ points: 5, idempotency_key: key }));
    expect(gateway.sent).toBe(2);
  });
});

describe('compared with the embedded store', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  test('a replayed response equals that of the store, field by field', async () => {
    const { customer_id, headers } = await openProgramme(world);
    const calls: [string, object][] = [
      ['loyalty_earn', { customer_id, points: 5 }],
      ['loyalty_redeem', { customer_id, points: 500 }],
      ['giftcard_issue', { amount: 20, currency: 'USD', generate_pin: true, reason: 'gift' }],
      ['customer_update', { customer_id, customer: { company: 'Tide' } }],
    ];
    for (const [operation, args] of calls) {
      const input = { ...args, idempotency_key: `${key}-${operation}` };
      const inStore = () => envelopeOf(world, `crm_${operation}`, input, headers);
      const first = await inStore();
      const replay = await inStore();
      gateway.upstream = () => first;
      await gateway.call(callOf(input, { operation }));
      const { envelope } = await gateway.call(callOf(input, { operation }));
      expect(timeless(envelope)).toEqual(timeless(replay));
      expect(replay.stats.idempotent_replay).toBe(true);
    }
    expect(gateway.sent).toBe(calls.length);
  });
});

function major(tag: ErrorTag) {
  return { tag, message: { en_US: 'No.' } };
}

test('expired idempotency records are deleted: a few at every write, more at startup', async () => {
  const { db, path, remove } = openScratchDb();
  const gateway = openGateway(db);
  const add = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => gateway.call(callOf({ idempotency_key: `${count} ${n}` }))));
  const left = () => rowsOf(path, 'SELECT COUNT(*) AS n FROM receipt')[0].n;
  await add(600);
  gateway.now += 25 * HOUR_MS;
  await gateway.call(callOf({ idempotency_key: 'fresh' }));
  expect(left()).toBe(600 + 1 - 20);
  const last = callOf({ idempotency_key: 'fresh' });
  gateway.now += 25 * HOUR_MS;
  await gateway.call(last); // its expired record still exists, but is ignored
  expect(gateway.sent).toBe(602);
  expect(left()).toBe(600 + 1 - 40);
  openGateway(db, { clock: () => gateway.now });
  await db.write(() => {});
  expect(left()).toBe(600 + 1 - 40 - 500);
  await remove();
});
