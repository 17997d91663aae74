/** Gift cards: codes, PINs, effective status and charges. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Card,
  cardStatus,
  hasValidCheck,
  maskedCode,
  mintCode,
  mintPin,
  normalizeCode,
  spend,
} from '../../src/domain/giftcard.js';

const SEED = 20_261_124;
const NOW = '2026-06-15T00:00:00.000Z';
const bytes = fc.uint8Array({ minLength: 15, maxLength: 15 });
const card = (fields: Partial<Card> = {}): Card => ({
  balance_minor: 500,
  currency: 'USD',
  status: 'active',
  expires_at: null,
  ...fields,
});

describe('a minted code', () => {
  test('has 16 unambiguous characters and a valid check character', () => {
    fc.assert(
      fc.property(bytes, (random) => {
        const code = mintCode(random);
        expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{16}$/);
        expect(hasValidCheck(code)).toBe(true);
        expect(normalizeCode(code.toLowerCase().replace(/(.{4})/g, '$1-'))).toBe(code);
        expect(maskedCode(code)).toBe(`••••••••••••${code.slice(12)}`);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  test('becomes invalid when any one character is wrong', () => {
    fc.assert(
      fc.property(bytes, fc.nat(15), fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'), (random, at, other) => {
        const code = mintCode(random);
        fc.pre(code[at] !== other);
        expect(hasValidCheck(code.slice(0, at) + other + code.slice(at + 1))).toBe(false);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});

test('a PIN has six uniformly distributed digits', () => {
  const counts = new Map<string, number>();
  for (let index = 0; index < 5000; index += 1) {
    const pin = mintPin(randomBytes(16));
    expect(pin).toMatch(/^\d{6}$/);
    for (const digit of pin) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  }
  // 30,000 digits: 3,000 ± 52 each; seven sigmas never fail by chance
  for (const count of counts.values()) expect(Math.abs(count - 3000)).toBeLessThan(364);
});

test.each([
  [card(), 'active'],
  [card({ expires_at: NOW }), 'expired'],
  [card({ expires_at: '2026-06-15T00:00:00.001Z' }), 'active'],
  [card({ status: 'exhausted', expires_at: NOW }), 'exhausted'],
  [card({ status: 'blocked' }), 'blocked'],
])('the effective status of %j is %s', (given, status) => {
  expect(cardStatus(given, NOW)).toBe(status);
});

test('a charge takes the requested amount, or the balance when partial charges are allowed, and never more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 }), (balance_minor, requested) => {
      const given = card({ balance_minor });
      expect(spend(given, requested, 'USD', true, NOW)).toBe(Math.min(requested, balance_minor));
      if (requested <= balance_minor) expect(spend(given, requested, 'USD', false, NOW)).toBe(requested);
      else expect(() => spend(given, requested, 'USD', false, NOW)).toThrow('holds less');
    }),
    { seed: SEED, numRuns: 500 },
  );
  expect(() => spend(card(), 1, 'EUR', true, NOW)).toThrow('holds USD');
});
