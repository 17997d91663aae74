/** Money: exact conversion between minor and major units, with the decimals of each currency. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_MINOR, toDecimal, toMajor, toMinor } from '../../src/domain/money.js';

const SEED = 20_261_124;
const currencies = fc.constantFrom('USD', 'JPY', 'KWD', 'CLF', 'EUR', 'HUF');
const minors = fc.integer({ min: -MAX_MINOR, max: MAX_MINOR });

describe('minor units', () => {
  test('survive conversion to major units and back for every amount', () => {
    fc.assert(
      fc.property(minors, currencies, (minor, currency) => {
        expect(toMinor(toMajor(minor, currency), currency, 'amount')).toBe(minor === 0 ? 0 : minor);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test('survive JSON and have no more decimals than the currency', () => {
    fc.assert(
      fc.property(minors, (minor) => {
        const text = JSON.stringify(toMajor(minor, 'USD'));
        expect(text).toMatch(/^-?\d+(\.\d{1,2})?$/);
        expect(toMinor(JSON.parse(text) as number, 'USD', 'amount')).toBe(minor === 0 ? 0 : minor);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test.each([
    [19.99, 'USD', 1999],
    [0.1 + 0.7, 'USD', undefined], // 0.7999999999999999: more decimals than the currency has
    [0.29, 'USD', 29],
    [1.15, 'EUR', 115],
    [100, 'JPY', 100],
    [100.5, 'JPY', undefined],
    [1.234, 'KWD', 1234],
    [1.2345, 'KWD', undefined],
    [1e10, 'USD', 1e12],
    [1e10 + 0.01, 'USD', undefined],
    [1e-7, 'USD', undefined],
    [1, 'ABC', undefined],
    [1, 'usd', undefined],
  ])('for %d %s are %s', (amount, currency, minor) => {
    if (minor === undefined) expect(() => toMinor(amount, currency, 'amount')).toThrow();
    else expect(toMinor(amount, currency, 'amount')).toBe(minor);
  });
});

test.each([
  [12.5, 125n, 1],
  [-0.001, -1n, 3],
  [1e21, 10n ** 21n, 0],
  [1.5e-8, 15n, 9],
])('%d is split into digits and scale', (value, digits, scale) => {
  expect(toDecimal(value)).toEqual({ digits, scale });
});
