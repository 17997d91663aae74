/**
 * Phone numbers in E.164. Most are written so plainly that their digits decide; the others are parsed by
 * libphonenumber, which takes thirty times as long. The number plans load on first use: 30 ms less at start-up.
 */
import { createRequire } from 'node:module';

type Library = typeof import('libphonenumber-js/min');

/** A number as it is stored, and its part without the country's calling code. */
interface PhoneNumber {
  readonly e164: string;
  readonly national: string;
}

let library: Library | undefined;

/**
 * A phone number in E.164, or undefined when the text cannot be one.
 * @param defaultRegion for numbers without a country code, ISO 3166-1 alpha-2
 */
export function toE164(text: string, defaultRegion: string): string | undefined {
  const plain = readPlain(text, defaultRegion);
  if (plain !== undefined) return plain.e164;
  const phone = load().parsePhoneNumberFromString(text, defaultRegion as 'US');
  return phone?.isPossible() === true ? phone.number : undefined;
}

/** The national part of an E.164 number. */
export function nationalNumber(e164: string): string | undefined {
  return readPlain(e164, '')?.national ?? load().parsePhoneNumberFromString(e164)?.nationalNumber;
}

function load(): Library {
  library ??= createRequire(import.meta.url)('libphonenumber-js/min') as Library;
  return library;
}

/** What decides whether the digits of a number are its national part. */
interface Plan {
  readonly callingCode: string;
  /** What a national part may begin with that does not belong to it, or that stands for something else. */
  readonly prefix: RegExp | undefined;
  /** Numbers of digits that are possible in every country with the calling code. */
  readonly lengths: ReadonlySet<number>;
}

/** Of numbers without a calling code: what dials abroad, or may be a calling code without its plus. */
interface RegionPlan extends Plan {
  readonly abroad: RegExp;
}

const PLAIN = /^(?:\+|\(?)\d[\d ().-]{3,28}\d$/;
const MAX_CALLING_CODE = 3;

/**
 * Reads a number of digits and common punctuation, to which no rule of its country applies but that of its length.
 * Undefined when the library must decide.
 */
function readPlain(text: string, defaultRegion: string): PhoneNumber | undefined {
  if (!PLAIN.test(text)) return undefined;
  const digits = text.replace(/\D/g, '');
  if (text.startsWith('+')) {
    const plan = planOf(digits);
    return plan && accept(plan, digits.slice(plan.callingCode.length));
  }
  const plan = regionPlanOf(defaultRegion);
  if (plan === undefined || plan.abroad.test(digits) || digits.startsWith(plan.callingCode)) return undefined;
  return accept(plan, digits);
}

function accept({ callingCode, prefix, lengths }: Plan, national: string): PhoneNumber | undefined {
  if (!lengths.has(national.length) || prefix?.test(national) === true) return undefined;
  return { e164: `+${callingCode}${national}`, national };
}

function planOf(digits: string): Plan | undefined {
  const plans = plansByCode();
  for (let length = 1; length <= MAX_CALLING_CODE; length += 1) {
    const plan = plans.get(digits.slice(0, length));
    if (plan !== undefined) return plan;
  }
  return undefined;
}

/** The part of the library's plans that is read here. Its types lack most of it. */
interface NumberingPlan {
  callingCode(): string;
  IDDPrefix(): string;
  nationalPrefixForParsing(): string | undefined;
  possibleLengths(): readonly number[];
}

/** @param which a region or a calling code */
function readPlan(which: string): NumberingPlan {
  const metadata = new (load().Metadata)();
  metadata.selectNumberingPlan(which as 'US');
  return metadata.numberingPlan as unknown as NumberingPlan;
}

let byCode: Map<string, Plan> | undefined;

/** Codes that belong to no country are left to the library. */
function plansByCode(): ReadonlyMap<string, Plan> {
  if (byCode !== undefined) return byCode;
  byCode = new Map();
  const { getCountries, getCountryCallingCode } = load();
  for (const region of getCountries()) {
    const callingCode = getCountryCallingCode(region);
    const others = byCode.get(callingCode);
    const { prefix, lengths } = others ?? toPlan(readPlan(callingCode));
    const own = new Set(readPlan(region).possibleLengths());
    byCode.set(callingCode, {
      callingCode,
      prefix,
      lengths: new Set([...lengths].filter((length) => own.has(length))),
    });
  }
  return byCode;
}

const byRegion = new Map<string, RegionPlan | undefined>();

function regionPlanOf(region: string): RegionPlan | undefined {
  if (!byRegion.has(region)) byRegion.set(region, load().isSupportedCountry(region) ? toRegionPlan(region) : undefined);
  return byRegion.get(region);
}

function toRegionPlan(region: string): RegionPlan | undefined {
  const own = readPlan(region);
  const shared = plansByCode().get(own.callingCode());
  const abroad = new RegExp(`^(?:${own.IDDPrefix()})`);
  return shared && { ...toPlan(own), lengths: shared.lengths, abroad };
}

function toPlan(plan: NumberingPlan): Plan {
  const prefix = plan.nationalPrefixForParsing();
  return {
    callingCode: plan.callingCode(),
    prefix: prefix ? new RegExp(`^(?:${prefix})`) : undefined,
    lengths: new Set(plan.possibleLengths()),
  };
}
