/**
 * Computes from a request how much value its call moves. Does not decide what needs confirmation; see confirmation.ts.
 */
import type { Input } from '../contract/backend.js';
import type { FieldPath, ValueMoved } from '../contract/operation.js';

/** The value of a point in major units; `unknown` when the policy could not be read. */
export type PointPrice = number | 'unknown';

/**
 * Whether a call moves `least` or more. Money is compared by its number, regardless of currency; points are priced by
 * `priceOf`. A value that only the records know counts as enough, and so does one that cannot be read: an amount that
 * is not a number, or points whose price is unknown.
 */
export async function movesAtLeast(
  least: number,
  moves: ValueMoved,
  input: Input,
  priceOf: () => Promise<PointPrice>,
): Promise<boolean> {
  const money = valuesAt(moves.money, input);
  const points = valuesAt(moves.points, input);
  if (money.length + points.length === 0) return moves.untold;
  if (money.some((amount) => isAtLeast(least, amount))) return true;
  if (points.length === 0) return false;
  const price = await priceOf();
  return price === 'unknown' || points.some((count) => isAtLeast(least, Math.abs(count) * price));
}

/** The values at these paths, as numbers: an upstream's amounts may be strings. */
function valuesAt(paths: readonly FieldPath[], input: Input): readonly number[] {
  return paths
    .map((path) => path.split('.').reduce<unknown>((value, name) => (value as Input | null | undefined)?.[name], input))
    .filter((value) => value !== undefined && value !== null)
    .map((value) => (typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN));
}

/** Rounds away floating-point error: 57 × 0.01 counts as 0.57, not slightly less. NaN counts as enough. */
function isAtLeast(least: number, value: number): boolean {
  return !(Number(value.toPrecision(12)) < least);
}
