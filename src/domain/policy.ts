/** Loyalty policy: its consistency, and its effect on an earn or a redeem. Lots are in lots.ts, tiers in tiers.ts. */
import { epochOf } from '../contract/date-time.js';
import { type Issue, invalidRequest, invalidState } from '../contract/errors.js';
import type { components } from '../contract/generated/openapi.js';
import { type Decimal, exponentOf, toDecimal, toMajor, toMinor } from './money.js';

export type LoyaltyPolicy = components['schemas']['LoyaltyPolicy'];

export interface Purchase {
  readonly amount: number;
  readonly currency: string;
  readonly lines?: readonly PurchaseLine[];
}

interface PurchaseLine {
  readonly sku?: string;
  readonly category?: string;
  readonly amount: number;
}

/** The policy of an org that never set one: version 0 (contract §3, Loyalty). */
export const DEFAULT_POLICY: LoyaltyPolicy = {
  enabled: true,
  earn: { mode: 'explicit' },
  expiry: { mode: 'none' },
  tiers: [],
  on_reverse_spent: 'refuse',
};

const MAX_DECIMALS = 4;
const DAY_MS = 86_400_000;

/** @throws CrmError 400 with every inconsistency of the policy at once. */
export function checkPolicy(policy: LoyaltyPolicy): void {
  const issues: Issue[] = [];
  const report = (wrong: boolean, path: string, message: string) => {
    if (wrong) issues.push({ path: `policy.${path}`, message });
  };
  const { earn, redeem, expiry } = policy;
  const isPriced = earn?.mode === 'per_amount';
  report(isPriced && earn.points_per_unit === undefined, 'earn.points_per_unit', 'is required with mode per_amount');
  report(isPriced && earn.currency === undefined, 'earn.currency', 'is required with mode per_amount');
  report(
    redeem?.point_value !== undefined && redeem.currency === undefined,
    'redeem.currency',
    'is required with point_value',
  );
  report(expiry?.mode === 'days' && expiry.days === undefined, 'expiry.days', 'is required with mode days');
  const most = Math.min(redeem?.max_points_per_txn ?? Infinity, redeem?.max_points_per_day ?? Infinity);
  report((redeem?.min_points ?? 0) > most, 'redeem.min_points', 'is more than a redemption may take');
  report((redeem?.step ?? 0) > most, 'redeem.step', 'is more than a redemption may take');
  for (const [path, value] of decimals(policy)) {
    report(toDecimal(value).scale > MAX_DECIMALS, path, `has more than ${MAX_DECIMALS} decimals`);
  }
  for (const [path, code] of [
    ['earn.currency', earn?.currency],
    ['redeem.currency', redeem?.currency],
  ] as const) {
    report(code !== undefined && !isCurrency(code), path, 'is not an ISO 4217 currency code');
  }
  const tiers = policy.tiers ?? [];
  report(new Set(tiers.map(({ tier }) => tier)).size < tiers.length, 'tiers', 'must have different names');
  const rising = tiers.every(
    (tier, i) => i === 0 || (tiers[i - 1]?.min_lifetime_points ?? 0) < tier.min_lifetime_points,
  );
  report(!rising, 'tiers', 'must rise in min_lifetime_points');
  if (issues.length > 0) throw invalidRequest(issues);
}

/** @throws CrmError 409 `crm.loyalty_disabled`. */
export function requireEnabled(policy: LoyaltyPolicy): void {
  if (!policy.enabled)
    throw invalidState('crm.loyalty_disabled', 'The loyalty policy is disabled; only corrections work.');
}

/** @throws CrmError 409 `crm.loyalty_cap_exceeded` when explicit points exceed the policy's cap. */
export function checkEarn(policy: LoyaltyPolicy, points: number): void {
  const cap = policy.earn?.max_points_per_txn;
  if (cap !== undefined && points > cap) throw capExceeded('max_points_per_txn', { requested: points, allowed: cap });
}

/**
 * Points for a purchase: every line times its multiplier (sku before category), the rest without one, times points per
 * unit and the tier's multiplier, rounded once, capped.
 * @throws CrmError 409 when the policy does not price purchases or prices another currency, 400 when lines exceed the
 * amount.
 */
export function pricePurchase(policy: LoyaltyPolicy, purchase: Purchase, tierMultiplier: number): number {
  const earn = policy.earn;
  if (earn?.mode !== 'per_amount') {
    throw invalidState('crm.loyalty_purchase_not_priced', 'The policy does not price purchases: give points instead.');
  }
  if (purchase.currency !== earn.currency) {
    throw invalidState('crm.loyalty_currency_mismatch', `The policy prices purchases in ${earn.currency}.`, {
      policy_currency: earn.currency,
    });
  }
  const total = toMinor(purchase.amount, purchase.currency, 'purchase.amount');
  const lines = (purchase.lines ?? []).map((line, index) => ({
    minor: toMinor(line.amount, purchase.currency, `purchase.lines.${index}.amount`),
    multiplier: earn.sku_multipliers?.[line.sku ?? ''] ?? earn.category_multipliers?.[line.category ?? ''] ?? 1,
  }));
  const rest = total - lines.reduce((sum, line) => sum + line.minor, 0);
  if (rest < 0) throw invalidRequest([{ path: 'purchase.lines', message: 'add up to more than purchase.amount' }]);
  const weighted = [...lines, { minor: rest, multiplier: 1 }]
    .map(({ minor, multiplier }) => BigInt(minor) * scaled(multiplier))
    .reduce((sum, value) => sum + value, 0n);
  const numerator = weighted * scaled(earn.points_per_unit ?? 0) * scaled(tierMultiplier);
  const denominator = 10n ** BigInt(exponentOf(purchase.currency) + 3 * MAX_DECIMALS);
  const points = Number(divide(numerator, denominator, earn.rounding ?? 'floor'));
  return Math.min(points, earn.max_points_per_txn ?? points);
}

/**
 * @throws CrmError 409: `crm.loyalty_cap_exceeded` for minimum, maximum or daily limit, `crm.loyalty_step` off step.
 */
export function checkRedeem(policy: LoyaltyPolicy, points: number, redeemedToday: number): void {
  const { min_points = 0, step = 1, max_points_per_txn, max_points_per_day } = policy.redeem ?? {};
  if (points < min_points) throw capExceeded('min_points', { requested: points, allowed: min_points });
  if (points % step !== 0) {
    throw invalidState('crm.loyalty_step', `Points are redeemed in steps of ${step}.`, { requested: points, step });
  }
  if (max_points_per_txn !== undefined && points > max_points_per_txn) {
    throw capExceeded('max_points_per_txn', { requested: points, allowed: max_points_per_txn });
  }
  if (max_points_per_day !== undefined && redeemedToday + points > max_points_per_day) {
    const allowed = Math.max(0, max_points_per_day - redeemedToday);
    throw capExceeded('max_points_per_day', { requested: points, redeemed_today: redeemedToday, allowed });
  }
}

/** The value of points, rounded half up to the currency's decimals; undefined when the policy sets no point value. */
export function pointsValue(policy: LoyaltyPolicy, points: number): { amount: number; currency: string } | undefined {
  const { point_value, currency } = policy.redeem ?? {};
  if (point_value === undefined || currency === undefined) return undefined;
  const numerator = BigInt(points) * scaled(point_value) * 10n ** BigInt(exponentOf(currency));
  return { amount: toMajor(Number(divide(numerator, 10n ** BigInt(MAX_DECIMALS), 'nearest')), currency), currency };
}

/** When points earned at `earnedAt` (ISO) expire; null for never. */
export function expiryOf(policy: LoyaltyPolicy, earnedAt: string): string | null {
  const { mode = 'none', days = 0 } = policy.expiry ?? {};
  if (mode === 'none') return null;
  if (mode === 'end_of_year') return `${String(Number(earnedAt.slice(0, 4)) + 1).padStart(4, '0')}-01-01T00:00:00.000Z`;
  return addDays(earnedAt, days);
}

/** `iso` plus `days` days of 24 hours. */
export function addDays(iso: string, days: number): string {
  return new Date(epochOf(iso) + days * DAY_MS).toISOString();
}

/** Midnight UTC before `iso`. */
export function dayStart(iso: string): string {
  return `${iso.slice(0, 10)}T00:00:00.000Z`;
}

function decimals({ earn, redeem, tiers }: LoyaltyPolicy): readonly (readonly [string, number])[] {
  const named: (readonly [string, number | undefined])[] = [
    ['earn.points_per_unit', earn?.points_per_unit],
    ['redeem.point_value', redeem?.point_value],
    ...Object.entries(earn?.category_multipliers ?? {}).map(([k, v]) => [`earn.category_multipliers.${k}`, v] as const),
    ...Object.entries(earn?.sku_multipliers ?? {}).map(([k, v]) => [`earn.sku_multipliers.${k}`, v] as const),
    ...(tiers ?? []).map((tier, index) => [`tiers.${index}.multiplier`, tier.multiplier] as const),
  ];
  return named.filter((entry): entry is readonly [string, number] => entry[1] !== undefined);
}

function isCurrency(code: string): boolean {
  try {
    exponentOf(code);
    return true;
  } catch {
    return false;
  }
}

function capExceeded(limit: string, details: Readonly<Record<string, number>>) {
  const bound = limit === 'min_points' ? 'at least' : 'at most';
  return invalidState('crm.loyalty_cap_exceeded', `The policy's ${limit} does not allow this.`, { limit, ...details }, [
    `Ask for ${bound} details.allowed points.`,
  ]);
}

/** A factor of at most four decimals as an integer of ten-thousandths. */
function scaled(value: number): bigint {
  const { digits, scale }: Decimal = toDecimal(value);
  return digits * 10n ** BigInt(MAX_DECIMALS - scale);
}

function divide(numerator: bigint, denominator: bigint, rounding: 'floor' | 'nearest' | 'ceil'): bigint {
  const whole = numerator / denominator;
  const rest = numerator % denominator;
  if (rest === 0n || rounding === 'floor') return whole;
  if (rounding === 'ceil') return whole + 1n;
  return rest * 2n >= denominator ? whole + 1n : whole;
}
