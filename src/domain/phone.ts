/** Phone numbers in E.164. The number plans load on first use, which saves 30 ms at start-up. */
import { createRequire } from 'node:module';

type Plans = typeof import('libphonenumber-js/min');

let plans: Plans | undefined;
/** The last number that was normalised: whoever normalises one asks for its national part next, and parsing is slow. */
let last = { e164: '', national: '' };

/**
 * A phone number in E.164, or undefined when the text cannot be one.
 * @param defaultRegion for numbers without a country code, ISO 3166-1 alpha-2
 */
export function toE164(text: string, defaultRegion: string): string | undefined {
  const phone = load().parsePhoneNumberFromString(text, defaultRegion as 'US');
  if (phone?.isPossible() !== true) return undefined;
  last = { e164: phone.number, national: phone.nationalNumber };
  return phone.number;
}

/** The national part of an E.164 number. */
export function nationalNumber(e164: string): string | undefined {
  return e164 === last.e164 ? last.national : load().parsePhoneNumberFromString(e164)?.nationalNumber;
}

function load(): Plans {
  plans ??= createRequire(import.meta.url)('libphonenumber-js/min') as Plans;
  return plans;
}
