/** Measures contenders that take turns in rounds, and compares medians of the same run. */
import { performance } from 'node:perf_hooks';

export interface Contender {
  readonly name: string;
  /** Runs one round. Returns its figure, such as calls per second. */
  readonly round: () => number | Promise<number>;
}

/** The result of one measurement; `ratio` is our figure divided by the reference. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly figures: { readonly [contender: string]: number };
  readonly ratio?: number;
  /** The goal for the ratio: a minimum or a maximum. */
  readonly goal?: { readonly least: number } | { readonly most: number };
}

/** Returns the median of each contender. The order rotates between rounds, so that noise affects all alike. */
export async function takeTurns(contenders: readonly Contender[], rounds: number): Promise<Record<string, number>> {
  const figures = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(turn + round) % contenders.length];
      if (contender !== undefined) figures.get(contender.name)?.push(await contender.round());
    }
  }
  return Object.fromEntries([...figures].map(([name, values]) => [name, percentile(values, 0.5)]));
}

/** The value below which `share` of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Keeps `inFlight` calls running until `total` calls are completed. Returns calls per second. */
export async function rateOf(call: () => Promise<unknown>, total: number, inFlight: number): Promise<number> {
  let left = total;
  const started = performance.now();
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return total / ((performance.now() - started) / 1000);
}

/** Renders one line per row: figures, ratio, and whether the goal is met. */
export function table(rows: readonly Row[]): string {
  return rows
    .map(({ what, unit, figures, ratio, goal }) => {
      const shown = Object.entries(figures).map(([name, value]) => `${name} ${short(value)}`);
      const verdict =
        ratio === undefined ? '' : `   ratio ${ratio.toFixed(2)}${goal ? ` (${verdictOf(ratio, goal)})` : ''}`;
      return `  ${what.padEnd(34)} ${shown.join(' · ')} ${unit}${verdict}`;
    })
    .join('\n');
}

function verdictOf(ratio: number, goal: NonNullable<Row['goal']>): string {
  if ('least' in goal) return `${ratio >= goal.least ? 'reached' : 'MISSED'}: at least ${goal.least}`;
  return `${ratio <= goal.most ? 'reached' : 'MISSED'}: at most ${goal.most}`;
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
