/**
 * Gift cards: codes and PINs as text, what may be charged to a card, and the limit of failed attempts. Hashing and
 * storage are in store/giftcard/.
 */
import { invalidState } from '../contract/errors.js';
import { toMajor } from './money.js';

/** Wrong codes or PINs per caller or per card before 429 (contract §3, Gift cards). */
export const FAILURE_LIMIT = 10;
export const FAILURE_WINDOW_MS = 10 * 60 * 1000;

export interface Card {
  readonly balance_minor: number;
  readonly currency: string;
  readonly status: 'active' | 'exhausted' | 'blocked';
  readonly expires_at: string | null;
}

const UNUSABLE = {
  exhausted: 'crm.giftcard_exhausted',
  expired: 'crm.giftcard_expired',
  blocked: 'crm.giftcard_blocked',
} as const;

/** Crockford base 32: without I, L, O and U, which people misread. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_LENGTH = 16;
const SHOWN_CHARACTERS = 4;
const PIN_DIGITS = 6;
/** The largest multiple of ten below 256: bytes from here on would favour small digits. */
const FAIR_BYTES = 250;

/** A code in the form that is hashed: upper case, no spaces or dashes. */
export function normalizeCode(text: string): string {
  return text.toUpperCase().replace(/[ -]/g, '');
}

/** Twelve dots and the last four characters. */
export function maskedCode(code: string): string {
  return '•'.repeat(CODE_LENGTH - SHOWN_CHARACTERS) + code.slice(-SHOWN_CHARACTERS);
}

/** Sixteen characters from at least 15 random bytes: 75 bits, and a check character. */
export function mintCode(random: Uint8Array): string {
  const body = Array.from(random.slice(0, CODE_LENGTH - 1), (byte) => ALPHABET[byte & 31]).join('');
  return body + checkCharacter(body);
}

/** Whether a code's check character is right: it detects any wrong character and any two swapped neighbours. */
export function hasValidCheck(code: string): boolean {
  return code.length === CODE_LENGTH && checkCharacter(code.slice(0, -1)) === code.at(-1);
}

/** Six equally likely digits, from at least 16 random bytes. */
export function mintPin(random: Uint8Array): string {
  const digits = Array.from(
    random.filter((byte) => byte < FAIR_BYTES),
    (byte) => byte % 10,
  );
  if (digits.length < PIN_DIGITS) throw new Error('mintPin needs more random bytes');
  return digits.slice(0, PIN_DIGITS).join('');
}

/** The status a reader sees: expiry is computed, never stored. */
export function cardStatus(card: Card, now: string): Card['status'] | 'expired' {
  if (card.status === 'blocked' || card.status === 'exhausted') return card.status;
  return card.expires_at !== null && card.expires_at <= now ? 'expired' : 'active';
}

/**
 * The amount that a charge takes from the card, in minor units.
 * @throws CrmError 409 when the card is not active, has another currency, or holds too little without `allowPartial`.
 */
export function spend(card: Card, requested: number, currency: string, allowPartial: boolean, now: string): number {
  const status = cardStatus(card, now);
  if (status !== 'active') throw invalidState(UNUSABLE[status], `The card is ${status}.`, { status });
  if (card.currency !== currency) {
    throw invalidState('crm.giftcard_currency_mismatch', `The card holds ${card.currency}.`, {
      currency: card.currency,
    });
  }
  if (requested <= card.balance_minor) return requested;
  if (allowPartial) return card.balance_minor;
  throw invalidState('crm.giftcard_insufficient_balance', 'The card holds less than that.', {
    requested: toMajor(requested, currency),
    available: toMajor(card.balance_minor, currency),
  });
}

/** The Luhn algorithm over 32 symbols: every second value is doubled, and the digits of the product are added. */
function checkCharacter(body: string): string {
  let sum = 0;
  [...body].reverse().forEach((character, index) => {
    const value = ALPHABET.indexOf(character) * (index % 2 === 0 ? 2 : 1);
    sum += Math.floor(value / ALPHABET.length) + (value % ALPHABET.length);
  });
  return ALPHABET[(ALPHABET.length - (sum % ALPHABET.length)) % ALPHABET.length] ?? '0';
}
