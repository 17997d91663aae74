/** How much value a call moves, as far as its request tells. Not: what follows from it. */
import type { Input } from '../contract/backend.js';
import type { FieldPath, ValueMoved } from '../contract/operation.js';

/**
 * Whether a call moves `least` or more. Money counts as the number it is, whatever its currency; points by `priceOf`,
 * and as one each where nothing prices them. What only the records know counts as enough.
 */
export async function movesAtLeast(
  least: number,
  moves: ValueMoved,
  input: Input,
  priceOf: () => Promise<number | undefined>,
): Promise<boolean> {
  const money = numbersAt(moves.money, input);
  const points = numbersAt(moves.points, input);
  if (money.length + points.length === 0) return moves.untold;
  if (money.some((amount) => amount >= least)) return true;
  if (points.length === 0) return false;
  const price = (await priceOf()) ?? 1;
  return points.some((count) => rounded(Math.abs(count) * price) >= least);
}

function numbersAt(paths: readonly FieldPath[], input: Input): readonly number[] {
  return paths
    .map((path) => path.split('.').reduce<unknown>((value, name) => (value as Input | undefined)?.[name], input))
    .filter((value): value is number => typeof value === 'number');
}

/** 57 × 0.01 is 0.57, not a hair less. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}
