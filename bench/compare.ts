/** Compares the ratios of a run with those of `baseline.json`. Pure: the program that reads and writes is main.ts. */
import type { Row } from './measure.js';

/** The ratios of a section by what was measured. */
export type Ratios = { readonly [what: string]: number };

/** The ratios to compare with, of a quiet machine. */
export interface Baseline {
  readonly machine: { readonly node: string; readonly cpus: number };
  readonly ratios: { readonly [section: string]: Ratios };
}

/** A measurement that is worse than it was. */
export interface Fall {
  readonly section: string;
  readonly what: string;
  readonly before: number;
  /** Undefined when it was not measured in this run, although its section was. */
  readonly now: number | undefined;
}

/** A ratio may be this much worse before it counts. */
export const TOLERANCE = 0.1;

type Results = { readonly [section: string]: readonly Row[] };

/**
 * What fell by more than a tenth, worst first. A ratio with a largest goal is better when it is smaller. Only sections
 * of this run count; a row without a ratio in the baseline is new.
 */
export function fallsOf(results: Results, { ratios }: Pick<Baseline, 'ratios'>): readonly Fall[] {
  const falls = Object.entries(results).flatMap(([section, rows]) =>
    Object.entries(ratios[section] ?? {}).flatMap(([what, before]): readonly Fall[] => {
      const row = rows.find((one) => one.what === what);
      return worsening(before, row) > TOLERANCE ? [{ section, what, before, now: row?.ratio }] : [];
    }),
  );
  return falls.sort((a, b) => change(b) - change(a));
}

/** The ratios of a run, rounded; sections that were not measured keep theirs. */
export function ratiosOf(results: Results, before: Baseline['ratios'] = {}): Baseline['ratios'] {
  const measured = Object.entries(results).map(([section, rows]) => {
    const ratios = rows.flatMap(({ what, ratio }) => (ratio === undefined ? [] : [[what, Number(ratio.toFixed(3))]]));
    return [section, Object.fromEntries(ratios)];
  });
  return { ...before, ...Object.fromEntries(measured.filter(([, ratios]) => Object.keys(ratios).length > 0)) };
}

/** The falls as text, a line each. */
export function describeFalls(falls: readonly Fall[]): string {
  if (falls.length === 0) return 'Nothing fell by more than 10 %.';
  const lines = falls.map(({ section, what, before, now }) => {
    const after = now === undefined ? 'not measured' : now.toFixed(2);
    return `  ${section}: ${what}: ${before.toFixed(2)} → ${after}`;
  });
  return ['Worse by more than 10 %:', ...lines].join('\n');
}

/** By which share a measurement is worse; infinite when it is missing. */
function worsening(before: number, row: Row | undefined): number {
  const { ratio, goal } = row ?? {};
  if (ratio === undefined || !Number.isFinite(ratio)) return Number.POSITIVE_INFINITY;
  return goal !== undefined && 'most' in goal ? ratio / before - 1 : 1 - ratio / before;
}

function change({ before, now }: Fall): number {
  return now === undefined ? Number.POSITIVE_INFINITY : Math.abs(now / before - 1);
}
