/** Conformance of earning and redeeming points: policies, pricing, tiers, caps, steps and errors. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, freshOrg, holder, openProgramme } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'unverified' });

const withPolicy = (policy: object) => openProgramme(world, policy);

describe('policies', () => {
  test('an org without a policy has version 0: enabled, explicit, no expiry, no tiers', async () => {
    const headers = await freshOrg(world);
    const policy = await ok(world, 'crm_loyalty_policy_get', {}, headers);
    expect(policy).toMatchObject({ policy_version: 0, revision: 0, policy: { enabled: true, tiers: [] } });
    const customer_id = await newCustomer(world, {}, headers);
    const txn = await ok(world, 'crm_loyalty_earn', { customer_id, points: 7 }, headers);
    expect(txn).toMatchObject({ policy_version: 0, points: 7, balance_after: 7, kind: 'earn' });
    expect(txn.lots).toEqual([{ lot_id: expect.any(String), points: 7, expires_at: null }]);
    const purchase = { amount: 10, currency: 'USD' };
    expect(await errorOf(world, 'crm_loyalty_earn', { customer_id, purchase }, headers)).toMatchObject({
      error_code: 'crm.loyalty_purchase_not_priced',
    });
  });

  test('keep every version; entries name the one they used', async () => {
    const { act, deny, earn } = await withPolicy({ earn: { mode: 'explicit' } });
    expect(await earn(1)).toMatchObject({ policy_version: 1 });
    const next = { policy: { enabled: true, expiry: { mode: 'days', days: 10 } }, reason: 'second' };
    expect(await deny('policy_set', next)).toMatchObject({ http_status: 428 });
    const stale = await deny('policy_set', { ...next, expected_revision: 7 });
    expect(stale).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '7', current_revision: '1' },
      conflict_snapshot: { revision: 1, policy_version: 1 },
    });
    expect(await act('policy_set', { ...next, expected_revision: '1' })).toMatchObject({ revision: 2 });
    expect(await earn(1)).toMatchObject({ policy_version: 2 });
    expect(await act('policy_get', { version: 1 })).toMatchObject({ policy: { earn: { mode: 'explicit' } } });
    expect(await act('policy_get', {})).toMatchObject({ policy_version: 2, reason: 'second' });
    expect(await deny('policy_get', { version: 9 })).toMatchObject({ http_status: 404 });
  });

  test('that are inconsistent are rejected with every inconsistency', async () => {
    const headers = await freshOrg(world);
    const policy = {
      enabled: true,
      earn: { mode: 'per_amount' },
      redeem: { min_points: 100, max_points_per_txn: 50, point_value: 0.01 },
      expiry: { mode: 'days' },
      tiers: [
        { tier: 'gold', min_lifetime_points: 10 },
        { tier: 'gold', min_lifetime_points: 5 },
      ],
    };
    const error = await errorOf(world, 'crm_loyalty_policy_set', { policy, reason: 'x' }, headers);
    const paths = pathsOf(error);
    expect(paths).toEqual([
      'policy.earn.currency',
      'policy.earn.points_per_unit',
      'policy.expiry.days',
      'policy.redeem.currency',
      'policy.redeem.min_points',
      'policy.tiers',
      'policy.tiers',
    ]);
  });

  test('that are disabled stop earn and redeem, not corrections', async () => {
    const { act, deny, customer_id, earn } = await withPolicy({});
    const spent = await earn(10);
    await act('policy_set', { policy: { enabled: false }, reason: 'stop', expected_revision: 1 });
    expect(await deny('earn', { customer_id, points: 1 })).toMatchObject({ error_code: 'crm.loyalty_disabled' });
    expect(await deny('redeem', { customer_id, points: 1 })).toMatchObject({ error_code: 'crm.loyalty_disabled' });
    await act('adjust', { customer_id, points: 5, reason: 'goodwill' });
    await act('reverse', { loyalty_txn_id: spent.loyalty_txn_id, reason: 'returned' });
  });
});

describe('earning', () => {
  test('prices a purchase by lines, multipliers and tier, rounds once and caps', async () => {
    const { act, customer_id, account } = await withPolicy({
      earn: {
        mode: 'per_amount',
        points_per_unit: 1.5,
        currency: 'USD',
        rounding: 'floor',
        category_multipliers: { coffee: 2, gift: 0 },
        sku_multipliers: { 'TEA-1': 3 },
        max_points_per_txn: 500,
      },
      tiers: [
        { tier: 'basic', min_lifetime_points: 0 },
        { tier: 'silver', min_lifetime_points: 100, multiplier: 1.25 },
      ],
    });
    const lines = [
      { sku: 'COF-1', category: 'coffee', quantity: 1, amount: 10.1 },
      { sku: 'TEA-1', category: 'coffee', quantity: 1, amount: 5 },
      { sku: 'CARD', category: 'gift', quantity: 1, amount: 20 },
    ];
    // (10.10×2 + 5×3 + 20×0 + 30.55×1) × 1.5 = 98.625
    const first = await act('earn', { customer_id, purchase: { amount: 65.65, currency: 'USD', lines } });
    expect(first.points).toBe(98);
    expect(await account()).toMatchObject({ points_balance: 98, tier: 'basic', lifetime_points: 98 });
    await act('earn', { customer_id, points: 2 });
    expect(await account()).toMatchObject({ tier: 'silver' });
    const priced = await act('earn', { customer_id, purchase: { amount: 10.01, currency: 'USD' } });
    expect(priced.points).toBe(18); // 10.01 × 1.5 × 1.25 = 18.76…
    const capped = await act('earn', { customer_id, purchase: { amount: 9999, currency: 'USD' } });
    expect(capped.points).toBe(500);
  });

  test('rejects a purchase that the policy cannot price, and states why', async () => {
    const { deny, customer_id } = await withPolicy({
      earn: { mode: 'per_amount', points_per_unit: 1, currency: 'USD', max_points_per_txn: 50 },
    });
    const cases: [object, string][] = [
      [{ purchase: { amount: 5, currency: 'EUR' } }, 'crm.loyalty_currency_mismatch'],
      [{ purchase: { amount: 0.4, currency: 'USD' } }, 'crm.loyalty_no_points'],
      [{ purchase: { amount: 5.001, currency: 'USD' } }, 'crm.validation_failed'],
      [{ purchase: { amount: 5, currency: 'USD', lines: [{ amount: 6 }] } }, 'crm.validation_failed'],
      [{ points: 51 }, 'crm.loyalty_cap_exceeded'],
      [{ points: 1.5 }, 'crm.validation_failed'],
      [{ points: -1 }, 'crm.validation_failed'],
      [{ points: 1e12 + 1 }, 'crm.validation_failed'],
      [{}, 'crm.validation_failed'],
      [{ points: 5, purchase: { amount: 5, currency: 'USD' } }, 'crm.validation_failed'],
      [{ points: 5, occurred_at: new Date(now + 60_000).toISOString() }, 'crm.validation_failed'],
    ];
    for (const [args, code] of cases) {
      expect(await deny('earn', { customer_id, ...args }), JSON.stringify(args)).toMatchObject({ error_code: code });
    }
  });

  test('takes the expiry from the policy, counted from when it happened', async () => {
    const { act, customer_id } = await withPolicy({ expiry: { mode: 'days', days: 30 } });
    const occurred_at = new Date(now - 10 * 86_400_000).toISOString();
    const txn = await act('earn', { customer_id, points: 5, occurred_at });
    expect(txn.lots[0].expires_at).toBe(new Date(now + 20 * 86_400_000).toISOString());
    const year = await withPolicy({ expiry: { mode: 'end_of_year' } });
    const { lots } = await year.earn(5);
    expect(lots[0].expires_at).toBe(`${new Date(now).getUTCFullYear() + 1}-01-01T00:00:00.000Z`);
  });
});

describe('redeeming', () => {
  test('takes what expires first, then what is oldest, and names the lots', async () => {
    const { credit, redeem } = await withPolicy({});
    const lot = async (points: number, days?: number) =>
      (await credit(points, days === undefined ? undefined : now + days * DAY_MS)).lots[0].lot_id;
    const forever = await lot(10);
    const late = await lot(10, 90);
    const soon = await lot(10, 5);
    const txn = await redeem(25);
    expect(txn.points).toBe(-25);
    expect(txn.lots.map((lot: Data) => [lot.lot_id, lot.points])).toEqual([
      [soon, -10],
      [late, -10],
      [forever, -5],
    ]);
    expect(await redeem(5)).toMatchObject({ balance_after: 0 });
  });

  test('rejects more than the available points, and states how many there are', async () => {
    const { deny, customer_id, earn } = await withPolicy({});
    await earn(10);
    expect(await deny('redeem', { customer_id, points: 11 })).toMatchObject({
      http_status: 409,
      error_code: 'crm.loyalty_insufficient_points',
      major: { tag: 'invalid-state' },
      details: { requested: 11, available: 10 },
    });
  });

  test('enforces minimum, step, cap and daily cap, and returns the value', async () => {
    const { act, deny, customer_id, earn, redeem } = await withPolicy({
      redeem: {
        point_value: 0.005,
        currency: 'USD',
        min_points: 20,
        step: 10,
        max_points_per_txn: 60,
        max_points_per_day: 100,
      },
    });
    await earn(1000);
    for (const [points, code] of [
      [10, 'crm.loyalty_cap_exceeded'],
      [25, 'crm.loyalty_step'],
      [70, 'crm.loyalty_cap_exceeded'],
    ] as const) {
      expect(await deny('redeem', { customer_id, points })).toMatchObject({ error_code: code });
    }
    expect((await redeem(50)).value).toEqual({ amount: 0.25, currency: 'USD' });
    await redeem(30);
    expect(await deny('redeem', { customer_id, points: 30 })).toMatchObject({
      details: { limit: 'max_points_per_day', redeemed_today: 80, allowed: 20 },
    });
    now += 86_400_000;
    expect((await act('redeem', { customer_id, points: 60 })).balance_after).toBe(860);
  });

  test('is blocked by holds on loyalty or on everything, not by others', async () => {
    const { deny, customer_id, earn, redeem, headers } = await withPolicy({});
    await earn(100);
    const hold = holder(world, String(headers['x-orgcode']), customer_id);
    await hold('h1', 'stored_value', 'active');
    await hold('h2', 'loyalty', 'released');
    await redeem(1);
    await hold('h3', 'loyalty', 'confirmed');
    await hold('h4', 'all', 'active');
    const error = await deny('redeem', { customer_id, points: 1 });
    expect(error.error_code).toBe('crm.customer_on_hold');
    expect(error.details).toEqual({ hold_ids: expect.arrayContaining(['h3', 'h4']) });
    expect(Object.values(error.details ?? {})[0]).toHaveLength(2);
    await earn(1);
  });
});

test('ledger actions on a merged or anonymized customer are rejected, with the survivor of a merge', async () => {
  const { deny, customer_id, earn, headers } = await withPolicy({});
  const { loyalty_txn_id } = await earn(10);
  await world.sql(
    `UPDATE customer SET status = 'merged', merged_into_customer_id = 'survivor' WHERE customer_id = ?`,
    customer_id,
  );
  const calls: [string, object][] = [
    ['earn', { customer_id, points: 1 }],
    ['redeem', { customer_id, points: 1 }],
    ['adjust', { customer_id, points: 1, reason: 'x' }],
    ['expire', { customer_id, reason: 'x' }],
    ['restore', { loyalty_txn_id, reason: 'x' }],
    ['reverse', { loyalty_txn_id, reason: 'x' }],
  ];
  for (const [tool, args] of calls) {
    expect(await deny(tool, args), tool).toMatchObject({
      http_status: 409,
      error_code: 'crm.customer_not_active',
      details: { merged_into_customer_id: 'survivor' },
    });
  }
  expect(await errorOf(world, 'crm_loyalty_earn', { customer_id: 'nobody', points: 1 }, headers)).toMatchObject({
    http_status: 404,
  });
});
