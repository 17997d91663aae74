/** Phone numbers: what is read without the library is what the library says. */
import fc from 'fast-check';
import { getCountries, getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { expect, test } from 'vitest';
import { nationalNumber, toE164 } from '../../src/domain/phone.js';

const SEED = 20_261_130;
const RUNS = 20_000;

const region = fc.constantFrom(...getCountries());
const GAPS = ['', ' ', '-', '.', ' (', ') ', '(', ')', '/', ' ext ', ';', '+'];
const gap = fc.oneof({ weight: 20, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom(...GAPS) });
const digits = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 9 }), gap), { minLength: 5, maxLength: 13 })
  .map((pairs) => pairs.map(([digit, after]) => `${digit}${after}`).join(''));

/** Numbers with and without a calling code, of the default region and of others. */
const written = fc
  .tuple(fc.constantFrom('', '+', '(', 'code', 'own code'), region, region, digits)
  .map(([start, own, other, rest]) => {
    const codes: Record<string, string> = {
      code: `+${getCountryCallingCode(other)} `,
      'own code': `+${getCountryCallingCode(own)}`,
    };
    return { text: `${codes[start] ?? start}${rest}`, own };
  });

test('a number is what the library makes of it, however it is written', () => {
  let read = 0;
  fc.assert(
    fc.property(written, ({ text, own }) => {
      const phone = parsePhoneNumberFromString(text, own);
      const expected = phone?.isPossible() === true ? phone.number : undefined;
      expect(toE164(text, own)).toBe(expected);
      if (expected === undefined) return;
      read += 1;
      expect(nationalNumber(expected)).toBe(parsePhoneNumberFromString(expected)?.nationalNumber);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  expect(read).toBeGreaterThan(RUNS / 20);
});

test.each([
  ['+1 212 200-0001', 'DE', '+12122000001'],
  ['(212) 200-0001', 'US', '+12122000001'],
  ['1 212 200 0001', 'US', '+12122000001'],
  ['011 49 30 901820', 'US', '+4930901820'],
  ['+49 (0)30 901820', 'US', '+4930901820'],
  ['030 901820', 'DE', '+4930901820'],
  ['2345678', 'VI', '+13402345678'],
  ['+39 06 6982', 'US', '+39066982'],
  ['49 30 90182000', 'DE', '+493090182000'],
  ['+800 1234 5678', 'US', '+80012345678'],
  ['+1 212 200-0001', 'none', '+12122000001'],
  ['12', 'US', undefined],
])('%s in %s is %s', (text, own, expected) => {
  expect(toE164(text, own)).toBe(expected);
});
