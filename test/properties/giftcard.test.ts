/** Invariants of stored value as a seeded property: for any concurrent calls, Σ transactions = balance ≥ 0. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useWorld } from '../support/use-world.js';
import { envelopeOf, ok } from '../support/world.js';

const SEED = 20_261_124;
const world = useWorld();

const currencies = fc.constantFrom({ currency: 'USD', unit: 0.01 }, { currency: 'JPY', unit: 1 });
const redeems = fc.array(
  fc.record({
    units: fc.integer({ min: 1, max: 4000 }),
    allow_partial: fc.boolean(),
    key: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 64 },
);

test('any concurrent redeems keep every invariant', { timeout: 60_000 }, async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(currencies, fc.integer({ min: 1, max: 20_000 }), redeems, async (money, units, calls) => {
      run += 1;
      const major = (count: number) => Number((count * money.unit).toFixed(2));
      const { currency } = money;
      const issue = { amount: major(units), currency, reason: 'test' };
      const { giftcard_id } = await ok(world, 'crm_giftcard_issue', issue);
      const answers = await Promise.all(
        calls.map(({ units: wanted, allow_partial, key }) => {
          const args = { giftcard_id, amount: major(wanted), currency, allow_partial };
          const once = key === undefined ? {} : { idempotency_key: `run ${run} key ${key}` };
          return envelopeOf(world, 'crm_giftcard_redeem', { ...args, ...once });
        }),
      );
      for (const answer of answers) if (!answer.success) expect(answer.error.http_status).toBe(409);
      await checkInvariants(giftcard_id, units);
    }),
    { seed: SEED, numRuns: 60 },
  );
});

interface Entry {
  readonly kind: 'issue' | 'redeem';
  readonly amount_minor: number;
  readonly balance_after_minor: number;
}

async function checkInvariants(giftcardId: string, initial: number): Promise<void> {
  const [card] = await world.sql('SELECT balance_minor, status FROM giftcard WHERE giftcard_id = ?', giftcardId);
  const entries: readonly Entry[] = await world.sql(
    'SELECT kind, amount_minor, balance_after_minor FROM giftcard_txn WHERE giftcard_id = ? ORDER BY seq',
    giftcardId,
  );
  expect(entries.filter(({ kind }) => kind === 'issue')).toHaveLength(1);
  let running = 0;
  for (const { kind, amount_minor, balance_after_minor } of entries) {
    expect(amount_minor, 'every transaction has an amount').toBeGreaterThan(0);
    running += kind === 'issue' ? amount_minor : -amount_minor;
    expect(balance_after_minor, 'balance_after').toBe(running);
    expect(running, 'never below zero').toBeGreaterThanOrEqual(0);
  }
  expect(running, 'Σ transactions').toBe(card.balance_minor);
  expect(card.balance_minor).toBeLessThanOrEqual(initial);
  expect(card.status).toBe(card.balance_minor === 0 ? 'exhausted' : 'active');
}
