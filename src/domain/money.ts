/** Money: exact conversion of wire amounts in major units to integer minor units and back. */
import { invalidRequest } from '../contract/errors.js';

/** The largest amount the contract allows, in minor units (§1). */
export const MAX_MINOR = 1e12;

/** ISO 4217 exponents other than 2. (Intl has CLDR's digits, which differ from ISO's.) */
const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...[
    'BIF',
    'CLP',
    'DJF',
    'GNF',
    'ISK',
    'JPY',
    'KMF',
    'KRW',
    'PYG',
    'RWF',
    'UGX',
    'UYI',
    'VND',
    'VUV',
    'XAF',
    'XOF',
    'XPF',
  ].map((code) => [code, 0] as const),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code) => [code, 3] as const),
  ...['CLF', 'UYW'].map((code) => [code, 4] as const),
]);

const KNOWN: ReadonlySet<string> = new Set([...Intl.supportedValuesOf('currency'), ...EXPONENTS.keys()]);

/** A number as digits and a scale: 12.5 is {digits: 125n, scale: 1}. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/**
 * How many decimals a currency has.
 * @throws CrmError 400 naming `path` when the code is not one of ISO 4217's.
 */
export function exponentOf(currency: string, path = 'currency'): number {
  if (!KNOWN.has(currency)) throw invalidRequest([{ path, message: 'is not an ISO 4217 currency code' }]);
  return EXPONENTS.get(currency) ?? 2;
}

/**
 * Major units to minor units.
 * @throws CrmError 400 naming `path` when there are more decimals than the currency has, or the amount is out of
 * bounds.
 */
export function toMinor(amount: number, currency: string, path: string): number {
  const exponent = exponentOf(currency);
  const { digits, scale } = toDecimal(amount);
  if (scale > exponent) {
    throw invalidRequest([
      { path, message: `has more decimals than ${currency} has`, expected: `at most ${exponent}` },
    ]);
  }
  const minor = Number(digits * 10n ** BigInt(exponent - scale));
  if (Math.abs(minor) > MAX_MINOR) throw invalidRequest([{ path, message: 'is out of bounds' }]);
  return minor;
}

/** Minor units to the nearest number of major units, which prints with the currency's decimals at most. */
export function toMajor(minor: number, currency: string): number {
  const exponent = EXPONENTS.get(currency) ?? 2;
  return Number(`${minor}e-${exponent}`);
}

/** The shortest decimal for this number, without trailing zeros: exactly what the caller wrote. */
export function toDecimal(value: number): Decimal {
  const [mantissa = '0', power = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(power);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}
