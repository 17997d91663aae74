/** How much value a call moves, as far as its request tells. Not: what follows from it. */
import type { Input } from '../contract/backend.js';
import type { FieldPath, ValueMoved } from '../contract/operation.js';

/** What a point is worth, in major units; `unknown` where whoever knows could not be asked. */
export type PointPrice = number | 'unknown';

/**
 * Whether a call moves `least` or more. Money counts as the number it is, whatever its currency; points by `priceOf`.
 * What only the records know counts as enough, and so does what cannot be read: an amount that is no number, points
 * whose price is unknown.
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

/** What stands there, as numbers: others' amounts may be written as texts. */
function valuesAt(paths: readonly FieldPath[], input: Input): readonly number[] {
  return paths
    .map((path) => path.split('.').reduce<unknown>((value, name) => (value as Input | null | undefined)?.[name], input))
    .filter((value) => value !== undefined && value !== null)
    .map((value) => (typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN));
}

/** 57 × 0.01 is 0.57, not a hair less. What is no number may be any. */
function isAtLeast(least: number, value: number): boolean {
  return !(Number(value.toPrecision(12)) < least);
}
