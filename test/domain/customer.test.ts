/** Customers: normalisation, search words, masking and consent gates. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gatePurpose, isMasked, maskCustomer, maskEmail, maskPhone } from '../../src/domain/consent.js';
import { normalizeCustomer, queryTerms, searchTerms } from '../../src/domain/customer.js';

const SEED = 20_261_124;
const EMPTY = { caption: null, given_name: null, family_name: null, company: null, email: null, phone: null };

describe('normalisation', () => {
  test('is idempotent', () => {
    const field = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(field, field, (caption, tag) => {
        const once = normalizeCustomer({ caption, tags: [tag] }, 'US');
        expect(normalizeCustomer(once, 'US')).toEqual(once);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  test.each([
    ['(212) 555-0123', 'US', '+12125550123'],
    ['044 668 18 00', 'CH', '+41446681800'],
    ['+44 20 7946 0958', 'US', '+442079460958'],
    ['tel: +1-212-555-0123', 'DE', '+12125550123'],
  ])('turns phone %s in region %s into %s', (phone, region, expected) => {
    expect(normalizeCustomer({ phone }, region)).toEqual({ phone: expected });
  });

  test('reports all invalid fields in one error', () => {
    expect(() => normalizeCustomer({ phone: 'call me', caption: '  ' }, 'US')).toThrow(
      expect.objectContaining({
        details: {
          issues: [
            expect.objectContaining({ path: 'customer.phone' }),
            expect.objectContaining({ path: 'customer.caption' }),
          ],
        },
      }),
    );
  });
});

describe('search words', () => {
  test('match every prefix of every word of a name', () => {
    const name = fc.stringMatching(/^[\p{L}]{1,12}( [\p{L}]{1,12}){0,2}$/u);
    fc.assert(
      fc.property(name, fc.nat(11), (caption, length) => {
        const { names } = searchTerms({ ...EMPTY, caption });
        const begun = caption
          .split(' ')
          .map((word) => [...word].slice(0, length + 1).join(''))
          .join(' ');
        for (const term of queryTerms(begun)) expect(names.some((word) => word.startsWith(term))).toBe(true);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  test('of an e-mail address are its local part, whole and split, never its domain', () => {
    const { other } = searchTerms({ ...EMPTY, email: 'jane.doe@example.com' });
    expect(other.toSorted()).toEqual(['doe', 'jane', 'janedoe']);
  });

  test('of a phone number are its digits with and without the country code', () => {
    expect(searchTerms({ ...EMPTY, phone: '+12125550123' }).other).toEqual(['12125550123', '2125550123']);
    expect(queryTerms('(212) 555-01')).toEqual(['21255501']);
  });
});

describe('masking', () => {
  test('hides the local part of an e-mail address and most of a phone number', () => {
    expect(maskEmail('jane@example.com')).toBe('j***@example.com');
    expect(maskPhone('+12125550123')).toBe('***23');
  });

  test('lists exactly the fields that it masked', () => {
    const masked = maskCustomer({ email: 'jane@example.com', phone: null, addresses: [], birth_date: '1990-01-01' });
    expect(masked).toEqual({
      email: 'j***@example.com',
      phone: null,
      addresses: [],
      birth_date: null,
      masked_fields: ['email', 'birth_date'],
    });
  });

  test.each([
    [{}, false],
    [{ profile_access: 'granted' }, false],
    [{ profile_access: 'denied' }, true],
    [{ profile_access: 'withdrawn' }, true],
    [{ profiling: 'denied' }, false],
  ] as const)('with consents %j applies: %s', (consents, expected) => {
    expect(isMasked(consents)).toBe(expected);
  });
});

test('consent gates map to the purpose of their channel', () => {
  expect(gatePurpose('export')).toBe('data_export');
  expect(gatePurpose('marketing', 'post')).toBe('marketing_post');
  expect(() => gatePurpose('marketing')).toThrow();
});
