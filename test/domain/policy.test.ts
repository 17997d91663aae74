/** The loyalty policy: points earned by a purchase, value and expiry of points, redeem limits and tiers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkRedeem,
  dayStart,
  expiryOf,
  type LoyaltyPolicy,
  pointsValue,
  pricePurchase,
} from '../../src/domain/policy.js';
import { tierOf } from '../../src/domain/tiers.js';

const SEED = 20_261_124;
const pricing = (earn: Partial<NonNullable<LoyaltyPolicy['earn']>> = {}): LoyaltyPolicy => ({
  enabled: true,
  earn: { mode: 'per_amount', points_per_unit: 1, currency: 'USD', ...earn },
});

describe('a purchase', () => {
  const points = (policy: LoyaltyPolicy, purchase: Parameters<typeof pricePurchase>[1], tier = 1) =>
    pricePurchase(policy, purchase, tier);

  test.each([
    ['floor', 19],
    ['nearest', 20],
    ['ceil', 20],
  ] as const)('of 19.50 with rounding %s earns %d', (rounding, expected) => {
    expect(points(pricing({ rounding }), { amount: 19.5, currency: 'USD' })).toBe(expected);
  });

  test('multiplies lines by SKU before category, and the amount outside the lines by one', () => {
    const policy = pricing({ sku_multipliers: { A: 3 }, category_multipliers: { shoes: 2 } });
    const lines = [
      { sku: 'A', category: 'shoes', amount: 10 },
      { sku: 'B', category: 'shoes', amount: 10 },
    ];
    expect(points(policy, { amount: 25, currency: 'USD', lines })).toBe(30 + 20 + 5);
  });

  test('is rounded once, at the end: a thousand lines of one cent earn ten points', () => {
    const lines = Array.from({ length: 1000 }, () => ({ amount: 0.01 }));
    expect(points(pricing(), { amount: 10, currency: 'USD', lines })).toBe(10);
  });

  test('is priced without floating-point errors: 0.07 × 100 is 7', () => {
    expect(points(pricing({ points_per_unit: 0.07 }), { amount: 100, currency: 'USD' })).toBe(7);
    expect(points(pricing({ points_per_unit: 1.1 }), { amount: 1.1, currency: 'USD' }, 1.1)).toBe(1);
  });

  test('never earns less for more money, nor more than the cap', () => {
    const policy = pricing({ points_per_unit: 1.37, max_points_per_txn: 5000 });
    const cents = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(cents, cents, fc.constantFrom(1, 1.25, 2), (a, b, tier) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((minor) =>
          points(policy, { amount: Number((minor / 100).toFixed(2)), currency: 'USD' }, tier),
        );
        expect(less).toBeLessThanOrEqual(more ?? 0);
        expect(more).toBeLessThanOrEqual(5000);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  test('in another currency, or with lines that exceed its amount, is rejected', () => {
    expect(() => points(pricing(), { amount: 1, currency: 'EUR' })).toThrow();
    expect(() => points(pricing(), { amount: 1, currency: 'USD', lines: [{ amount: 1.01 }] })).toThrow();
  });
});

test('points have the value of the policy, rounded to the decimals of its currency', () => {
  const policy: LoyaltyPolicy = { enabled: true, redeem: { point_value: 0.0125, currency: 'USD' } };
  expect(pointsValue(policy, 100)).toEqual({ amount: 1.25, currency: 'USD' });
  expect(pointsValue(policy, 2)).toEqual({ amount: 0.03, currency: 'USD' }); // 0.025, half up
  expect(pointsValue({ enabled: true }, 100)).toBeUndefined();
});

test.each([
  [{ mode: 'none' }, '2026-05-05T10:00:00.000Z', null],
  [{ mode: 'days', days: 1 }, '2026-12-31T23:30:00.000Z', '2027-01-01T23:30:00.000Z'],
  [{ mode: 'days', days: 365 }, '2027-02-28T00:00:00.000Z', '2028-02-28T00:00:00.000Z'],
  [{ mode: 'end_of_year' }, '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  [{ mode: 'end_of_year' }, '2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00.000Z'],
] as const)('with expiry %j points earned at %s expire at %s', (expiry, earnedAt, expected) => {
  expect(expiryOf({ enabled: true, expiry }, earnedAt)).toBe(expected);
});

test('a day begins at midnight UTC', () => {
  expect(dayStart('2026-05-05T23:59:59.999Z')).toBe('2026-05-05T00:00:00.000Z');
});

test.each([
  [40, 0, 'min_points'],
  [75, 0, 'step'],
  [550, 0, 'max_points_per_txn'],
  [500, 600, 'max_points_per_day'],
  [400, 600, undefined],
])('redeeming %d after %d today hits the limit %s', (points, today, limit) => {
  const redeem = { min_points: 50, step: 50, max_points_per_txn: 500, max_points_per_day: 1000 };
  const attempt = () => checkRedeem({ enabled: true, redeem }, points, today);
  if (limit === undefined) expect(attempt).not.toThrow();
  else expect(attempt).toThrow(limit === 'step' ? 'steps of 50' : limit);
});

test.each([
  [0, undefined],
  [99, undefined],
  [100, 'silver'],
  [999, 'silver'],
  [1000, 'gold'],
])('%d lifetime points give the tier %s', (lifetime, tier) => {
  const tiers = [
    { tier: 'silver', min_lifetime_points: 100 },
    { tier: 'gold', min_lifetime_points: 1000, multiplier: 2 },
  ];
  expect(tierOf({ enabled: true, tiers }, lifetime)?.tier).toBe(tier);
  if (tier === 'silver') expect(tierOf({ enabled: true, tiers }, lifetime)?.multiplier).toBe(1);
});
