/** Determines a customer's tier. */
import type { LoyaltyPolicy } from './policy.js';

/** The highest tier reached by lifetime points, or null below the first. */
export function tierOf(policy: LoyaltyPolicy, lifetimePoints: number): { tier: string; multiplier: number } | null {
  const reached = (policy.tiers ?? []).filter((tier) => tier.min_lifetime_points <= lifetimePoints).at(-1);
  return reached === undefined ? null : { tier: reached.tier, multiplier: reached.multiplier ?? 1 };
}
