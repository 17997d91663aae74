/** The checks of `npm run soak`: each accepts what is right, and names what is wrong. */
import { describe, expect, test } from 'vitest';
import { chainFaults, listFaults, quantile, revisionFaults } from '../../soak/findings.js';
import { readOptions } from '../../soak/options.js';
import { createRandom } from '../../soak/random.js';

describe('a ledger', () => {
  const ledger = [
    { id: 'c', points: -5, balance_after: 8 },
    { id: 'b', points: 3, balance_after: 13 },
    { id: 'a', points: 10, balance_after: 10 },
  ];

  test('adds up, newest first', () => {
    expect(chainFaults(ledger)).toEqual([]);
    expect(chainFaults([])).toEqual([]);
  });

  test('out of order, with an entry missing or with one twice does not', () => {
    const [c, b, a] = ledger as [(typeof ledger)[0], (typeof ledger)[0], (typeof ledger)[0]];
    expect(chainFaults([b, c, a]).join()).toContain('entry c');
    expect(chainFaults([c, a])).toHaveLength(1);
    expect(chainFaults([c, b])).toHaveLength(1);
    expect(chainFaults([c, b, b, a])).toHaveLength(1);
  });
});

test('a list has everything that was acknowledged, once', () => {
  expect(listFaults(['a', 'b', 'new'], ['b', 'a'])).toEqual([]);
  expect(listFaults(['a', 'a'], ['a', 'b'])).toEqual(['a is listed twice', 'b is missing']);
});

test('every revision was returned by one change, but for those that nobody is told', () => {
  expect(revisionFaults(3, [2, 3], 0)).toEqual([]);
  expect(revisionFaults(3, [2], 1)).toEqual([]);
  expect(revisionFaults(3, [3], 0)).toEqual(['revision 3, of which no change returned 2']);
  expect(revisionFaults(2, [2, 3], 0)).toEqual(['a change returned revision 3, but the record is at 2']);
});

test('a seed chooses the same numbers again', () => {
  const numbers = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 50 }, () => random.between(1, 6));
  };
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
  expect(new Set(numbers(7))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3);
});

test('an option that is not a number is refused by name', () => {
  expect(readOptions(['--minutes', '0.5', '--seed', '9'])).toMatchObject({ minutes: 0.5, seed: 9, keep: false });
  expect(() => readOptions(['--minutes', 'ten'])).toThrow('--minutes must be a number');
});
