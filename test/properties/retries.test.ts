/** Invariants of retries and races on the real store: one effect per key, one winner per revision. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { openProgramme } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { envelopeOf, errorOf, newCustomer, ok } from '../support/world.js';

const SEED = 20_261_124;
let now = Date.now();
const world = useWorld({ clock: () => now });

const together = <T>(count: number, act: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)));

async function journalRows(orgcode: string): Promise<number> {
  const [row] = await world.sql('SELECT COUNT(*) AS n FROM journal WHERE orgcode = ?', orgcode);
  return row.n;
}

describe('an idempotency_key', () => {
  test('sent 32 times concurrently has one effect and one response', { timeout: 60_000 }, async () => {
    const { headers, customer_id, credit } = await openProgramme(world);
    await credit(1000);
    const calls = fc.oneof(
      fc.record({ tool: fc.constant('crm_loyalty_earn'), points: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ tool: fc.constant('crm_loyalty_redeem'), points: fc.integer({ min: 1, max: 50 }) }),
    );
    await fc.assert(
      fc.asyncProperty(calls, fc.uuid(), async ({ tool, points }, idempotency_key) => {
        const before = await journalRows(String(headers['x-orgcode']));
        const args = { customer_id, points, idempotency_key };
        const answers = await together(32, () => envelopeOf(world, tool, args, headers));
        const bodies = new Set(answers.map((answer) => JSON.stringify('data' in answer ? answer.data : answer.error)));
        expect(bodies.size).toBe(1);
        expect(answers.every(({ success }) => success)).toBe(true);
        expect(answers.filter(({ stats }) => stats.idempotent_replay === true)).toHaveLength(31);
        expect(await journalRows(String(headers['x-orgcode']))).toBe(before + 1);
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  test('replays a domain error, even if the call would succeed now', async () => {
    const { deny, customer_id, earn, headers } = await openProgramme(world);
    const args = { customer_id, points: 5, idempotency_key: 'poor' };
    const first = await deny('redeem', args);
    await earn(100);
    const envelope = await envelopeOf(world, 'crm_loyalty_redeem', args, headers);
    expect(envelope).toMatchObject({
      success: false,
      error: { error_code: first.error_code, details: first.details },
      stats: { idempotent_replay: true },
    });
    const fresh = await ok(world, 'crm_loyalty_redeem', { ...args, idempotency_key: 'rich' }, headers);
    expect(fresh.points).toBe(-5);
  });

  test('is not consumed by errors of credentials, roles, state, context or schema', async () => {
    const { act, deny, customer_id, headers } = await openProgramme(world);
    const args = { customer_id, points: 5, idempotency_key: 'once' };
    await deny('earn', { ...args, points: 0 });
    const { 'x-logical-guid': _facility, ...withoutContext } = headers;
    await errorOf(world, 'crm_loyalty_earn', args, withoutContext);
    await errorOf(world, 'crm_loyalty_earn', args, { ...headers, 'x-api-key': 'wrong' });
    expect(await act('earn', args)).toMatchObject({ balance_after: 5 });
  });

  test('with another body is a mismatch, and the first response is kept', async () => {
    const { act, deny, customer_id } = await openProgramme(world);
    const args = { customer_id, points: 5, idempotency_key: 'k' };
    const first = await act('earn', args);
    for (const other of [{ points: 6 }, { reason: 'more' }]) {
      expect(await deny('earn', { ...args, ...other })).toMatchObject({
        http_status: 409,
        error_code: 'crm.idempotency_mismatch',
      });
    }
    const reordered = { idempotency_key: 'k', points: 5, customer_id };
    expect(await act('earn', reordered)).toEqual(first);
  });

  test('is scoped to one caller and one endpoint, and expires after a day', async () => {
    const { act, customer_id, headers } = await openProgramme(world);
    const args = { customer_id, points: 5, idempotency_key: 'shared' };
    await act('earn', args);
    await act('redeem', args);
    const admin = await world.headers('loyalty_admin', String(headers['x-orgcode']));
    expect(await ok(world, 'crm_loyalty_earn', args, admin)).toMatchObject({ balance_after: 5 });
    now += 23 * 3_600_000;
    expect(await act('earn', args)).toMatchObject({ balance_after: 5 });
    now += 2 * 3_600_000;
    expect(await act('earn', args)).toMatchObject({ balance_after: 10 });
  });

  test('can be sent in the header; the body wins', async () => {
    const { customer_id, headers } = await openProgramme(world);
    const keyed = { ...headers, 'idempotency-key': 'by-header' };
    const first = await ok(world, 'crm_loyalty_earn', { customer_id, points: 5 }, keyed);
    const body = { customer_id, points: 5, idempotency_key: 'by-header' };
    expect(await ok(world, 'crm_loyalty_earn', body, headers)).toEqual(first);
    const other = await ok(world, 'crm_loyalty_earn', { ...body, idempotency_key: 'other' }, keyed);
    expect(other.loyalty_txn_id).not.toBe(first.loyalty_txn_id);
  });

  test('is accepted by every create, ledger and stored-value action', () => {
    const without = CONTRACT.operations.filter(
      ({ effect, acceptsIdempotencyKey }) => (effect === 'read') === acceptsIdempotencyKey,
    );
    expect(without.map(({ id }) => id)).toEqual([]);
  });
});

describe('a revision', () => {
  test('has one winner among 32 concurrent updates; the others get the winner as snapshot', async () => {
    const customer_id = await newCustomer(world);
    const answers = await together(32, (index) =>
      envelopeOf(world, 'crm_customer_update', {
        customer_id,
        customer: { company: `Company ${index}` },
        expected_revision: 1,
      }),
    );
    const [won, ...more] = answers.filter(({ success }) => success);
    expect(more).toEqual([]);
    const company = won?.success ? (won.data as { company: string }).company : '';
    for (const answer of answers.filter(({ success }) => !success)) {
      expect(answer).toMatchObject({
        error: {
          http_status: 409,
          error_code: 'crm.conflict_revision',
          details: { expected_revision: '1', current_revision: '2' },
          conflict_snapshot: { customer_id, revision: 2, company },
        },
      });
    }
  });

  test('of the first consent has one winner too', async () => {
    const customer_id = await newCustomer(world);
    const answers = await together(16, () =>
      envelopeOf(world, 'crm_customer_consent_set', {
        customer_id,
        consents: { profiling: 'granted' },
        reason: 'asked',
      }),
    );
    expect(answers.filter(({ success }) => success)).toHaveLength(1);
    const codes = answers.flatMap((answer) => (answer.success ? [] : [answer.error.http_status]));
    expect(new Set(codes)).toEqual(new Set([428]));
  });
});

test('64 concurrent redeems of any amounts never overspend', { timeout: 60_000 }, async () => {
  const { headers, customer_id, credit, account } = await openProgramme(world);
  let balance = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 600 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 64, maxLength: 64 }),
      async (fund, wishes) => {
        await credit(fund);
        balance += fund;
        const answers = await together(64, (index) =>
          envelopeOf(world, 'crm_loyalty_redeem', { customer_id, points: wishes[index] }, headers),
        );
        wishes.forEach((wish, index) => {
          if (answers[index]?.success) balance -= wish;
        });
        expect(balance).toBeGreaterThanOrEqual(0);
        expect(await account()).toMatchObject({ points_balance: balance });
        const refusals = wishes.filter((_, index) => !answers[index]?.success);
        for (const wish of refusals) expect(wish).toBeGreaterThan(balance);
      },
    ),
    { seed: SEED, numRuns: 20 },
  );
});
