/**
 * The only parser of date-times that callers send. The validators and the handlers use it, so that a date-time that
 * passes validation can be computed with. Calendar dates without a time are not parsed; they are compared as text.
 */
import { invalidRequest } from './errors.js';

/** `date-time` of RFC 3339. The separator may be a space, as its section 5.6 allows; a leap second is not matched. */
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

const MINUTE_MS = 60_000;
/** The years 0000 to 9999 in UTC: outside them a time does not fit the four digits in which times are compared. */
const FIRST_MS = -62_167_219_200_000;
const LAST_MS = 253_402_300_799_999;

/**
 * Milliseconds since the epoch; more digits are cut off. Undefined for text that is no date-time of RFC 3339, for a
 * leap second, which no clock here has, and for a time outside the years 0000 to 9999 in UTC.
 */
export function parseDateTime(text: string): number | undefined {
  const [matched, year, month, day, hour, minute, second, fraction = '', sign, offsetHours, offsetMinutes] =
    DATE_TIME.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day)); // Date.UTC would read 0099 as 1999
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, '0')));
  const offset = sign === undefined ? 0 : (Number(offsetHours) * 60 + Number(offsetMinutes)) * MINUTE_MS;
  const epochMs = date.getTime() - (sign === '-' ? -offset : offset);
  return epochMs < FIRST_MS || epochMs > LAST_MS ? undefined : epochMs;
}

/** Whether a text is a date-time of this contract; the `date-time` format of request schemas. */
export function isDateTime(text: string): boolean {
  return parseDateTime(text) !== undefined;
}

/** What a date-time must look like, for messages. */
export const DATE_TIME_FORM =
  'a date and time of RFC 3339, such as 2026-01-31T09:30:00Z; no leap second; in UTC from year 0000 to 9999';

/**
 * A date-time in the form in which times are stored and compared: ISO-8601 in UTC with milliseconds.
 * @throws CrmError 400 naming `path`.
 */
export function normalDateTime(text: string, path: string): string {
  const epochMs = parseDateTime(text);
  if (epochMs === undefined) throw invalidRequest([{ path, message: `must be ${DATE_TIME_FORM}` }]);
  return new Date(epochMs).toISOString();
}

/** The smallest stored time after `iso`, a time in the stored form; for inclusive upper bounds. */
export function justAfter(iso: string): string {
  return iso < LAST ? new Date(epochOf(iso) + 1).toISOString() : iso;
}

const LAST = new Date(LAST_MS).toISOString();

/** Milliseconds since the epoch of a time in the stored form. */
export function epochOf(iso: string): number {
  return Date.parse(iso);
}
