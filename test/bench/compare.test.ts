/** What the benchmark reports as worse than its baseline. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Baseline, describeFalls, fallsOf, ratiosOf } from '../../bench/compare.js';
import type { Row } from '../../bench/measure.js';

const row = (what: string, ratio: number | undefined, goal?: Row['goal']): Row => ({
  what,
  unit: '/s',
  figures: {},
  ...(ratio === undefined ? {} : { ratio }),
  ...(goal === undefined ? {} : { goal }),
});
const RATIOS = { calls: { get: 1, earn: 0.5 }, start: { spawn: 1.2 } };
const falls = (results: { [section: string]: Row[] }) => fallsOf(results, { ratios: RATIOS });

describe('a ratio', () => {
  test.each([
    [1.5, 0],
    [1, 0],
    [0.91, 0],
    [0.89, 1],
  ])('of 1 that is now %d gives %d reports', (now, count) => {
    expect(falls({ calls: [row('get', now), row('earn', 0.5)] })).toHaveLength(count);
  });

  test.each([
    [0.5, 0],
    [1.31, 0],
    [1.33, 1],
  ])('with a largest goal, of 1.2 and now %d, gives %d reports', (now, count) => {
    expect(falls({ start: [row('spawn', now, { most: 1.3 })] })).toHaveLength(count);
  });

  test('that is missing or no number is reported, unless its section was not measured', () => {
    const earn = { section: 'calls', what: 'earn', before: 0.5, now: undefined };
    expect(falls({ calls: [row('get', 1)] })).toEqual([earn]);
    expect(falls({ calls: [row('get', 1), row('earn', undefined)] })).toEqual([earn]);
    expect(falls({ calls: [row('get', 1), row('earn', Number.NaN)] })).toHaveLength(1);
    expect(falls({})).toEqual([]);
  });

  test('that is new is not reported', () => {
    expect(falls({ calls: [row('get', 1), row('earn', 0.5), row('more', 0.01)], other: [row('get', 0)] })).toEqual([]);
  });

  test('that fell most is reported first', () => {
    const found = falls({ calls: [row('get', 0.8), row('earn', 0.1)] });
    expect(found.map(({ what }) => what)).toEqual(['earn', 'get']);
    expect(describeFalls(found)).toBe(
      'Worse by more than 10 %:\n  calls: earn: 0.50 → 0.10\n  calls: get: 1.00 → 0.80',
    );
    expect(describeFalls([])).toBe('Nothing fell by more than 10 %.');
  });
});

test('a baseline keeps what was not measured, and rounds', () => {
  const results = { calls: [row('get', 1.23456), row('p99', undefined)], list: [row('tools', undefined)] };
  expect(ratiosOf(results, RATIOS)).toEqual({ calls: { get: 1.235 }, start: { spawn: 1.2 } });
});

test('the baseline in the repository has ratios', () => {
  const { ratios } = JSON.parse(readFileSync('bench/baseline.json', 'utf8')) as Baseline;
  const values = Object.values(ratios).flatMap((section) => Object.values(section));
  expect(values.length).toBeGreaterThan(10);
  expect(values.every((ratio) => ratio > 0)).toBe(true);
});
