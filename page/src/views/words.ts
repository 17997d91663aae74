/** Numbers, times and codes of the contract as people read them. Times are local. */
import { el } from '../dom.js';

const WHOLE = new Intl.NumberFormat('en-US');
const DAY = new Intl.DateTimeFormat('en-US', { day: 'numeric', month: 'short', year: 'numeric' });
const MONTH = new Intl.DateTimeFormat('en-US', { month: 'short' });
const MINUTE = new Intl.DateTimeFormat('en-US', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});

/** A number with separators, and a true minus sign. */
export function numberText(value: number): string {
  return WHOLE.format(value === 0 ? 0 : value).replace('-', '−');
}

/** A number that says whether it adds or takes. */
export function signedText(value: number): string {
  return value > 0 ? `+${numberText(value)}` : numberText(value);
}

/** A count with its noun: `1 card`, `2 cards`. */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${count === 1 ? noun : `${noun}s`}`;
}

/** An amount in its currency; a code that the browser does not know is written out. */
export function moneyText(amount: number, currency: string): string {
  try {
    return new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(amount);
  } catch {
    return `${WHOLE.format(amount)} ${currency}`;
  }
}

/** Milliseconds since 1970 of a time of the contract. */
export function msOf(time: string): number {
  return Date.parse(time);
}

/** A day of the contract, such as a birthday, which is the same everywhere. */
export function dateText(date: string): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return DAY.format(new Date(year, month - 1, day));
}

/** The local day of a time. */
export function dayText(ms: number): string {
  return DAY.format(new Date(ms));
}

/** The short name of a month, and its year. */
export function monthOf(ms: number): { readonly month: string; readonly year: string } {
  const time = new Date(ms);
  return { month: MONTH.format(time), year: String(time.getFullYear()) };
}

/** The short name and the year of a month such as `2026-03`. */
export function monthText(month: string): readonly [name: string, year: string] {
  const [year = '', number = '1'] = month.split('-');
  return [MONTH.format(new Date(Number(year), Number(number) - 1, 1)), year];
}

/** The local day and minute of a time. */
export function minuteText(ms: number): string {
  return MINUTE.format(new Date(ms));
}

/** A time element: the day, with the minute in its title. */
export function dayNode(time: string): HTMLElement {
  return el('time', { datetime: time, title: minuteText(msOf(time)) }, dayText(msOf(time)));
}

/** A word and a day: `since Jan 12, 2026`. */
export function datedNode(word: string, time: string): HTMLElement {
  return el('span', {}, `${word} `, dayNode(time));
}

/** A code of the contract in words: `marketing_email` is `Marketing email`. */
export function phrase(code: string): string {
  const text = code.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Who acted: `user_guid:ann` is `ann`, a service account with a long id is `service account …4ac0`. */
export function actorText(actor: string): string {
  const [, kind = '', id = actor] = /^([a-z_]+):(.+)$/.exec(actor) ?? [];
  return id.length < 30 ? id : `${phrase(kind.replace(/_guid$/, '')).toLowerCase()} …${id.slice(-4)}`;
}

/** The name under which people know a customer. */
export function nameOf(customer: {
  readonly caption: string | null;
  readonly given_name?: string | null;
  readonly family_name?: string | null;
  readonly company?: string | null;
  readonly status?: string;
}): string {
  const { caption, given_name, family_name, company, status } = customer;
  const full = [given_name, family_name].filter(Boolean).join(' ');
  return (
    [caption, full, company].find(Boolean) ?? (status === 'anonymized' ? 'Erased customer' : 'Customer without a name')
  );
}
