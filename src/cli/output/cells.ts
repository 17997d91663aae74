/** Values as people read them: local times, money with its currency, yes and no. */
import { isDateTime, parseDateTime } from '../../contract/date-time.js';
import { minuteIn } from '../read-time.js';
import { oneLine } from '../terminal-text.js';

type Fields = Readonly<Record<string, unknown>>;

const CURRENCY = /^[A-Z]{3}$/;
/** Fields that hold an amount of the currency beside them. */
const AMOUNT = /(^|_)(amount|balance|limit|used|available|value|price|total)$/;

/** The text of one field of a record, on one line. */
export function cellOf(record: Fields, name: string): string {
  const value = record[name];
  const { currency } = record;
  if (typeof value === 'number' && AMOUNT.test(name) && typeof currency === 'string' && CURRENCY.test(currency))
    return money(value, currency);
  return textOf(value);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return value.toLocaleString('en-US', { maximumFractionDigits: 10 });
  if (typeof value === 'string') {
    const timeMs = isDateTime(value) ? parseDateTime(value) : undefined;
    return timeMs === undefined ? oneLine(value) : minuteIn(timeMs);
  }
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(itemOf).join(', ');
  return Object.keys(value).length === 0 ? '-' : oneLine(JSON.stringify(value));
}

function itemOf(value: unknown): string {
  return typeof value === 'object' ? oneLine(JSON.stringify(value)) : textOf(value);
}

/** Uses the digits that the currency has; an unknown currency shows two. */
function money(amount: number, currency: string): string {
  const number = new Intl.NumberFormat('en-US', { style: 'currency', currency, currencyDisplay: 'code' });
  return number.format(amount).replaceAll(/\s+/g, ' ');
}
