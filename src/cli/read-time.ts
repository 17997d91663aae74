/** Dates and times as people type them: a day, a time here, an instant, or so much from now. */
import { parseDateTime } from '../contract/date-time.js';

const RELATIVE = /^([+-]\d{1,5})([hdwmy])$/;
/** A day, and perhaps a time of it without an offset: a time here. */
const LOCAL = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/;
const HOUR_MS = 3_600_000;

/** Milliseconds since the epoch; undefined for text that is no time. A day is its beginning in this time zone. */
export function readTime(text: string, nowMs: number): number | undefined {
  if (text === 'now') return nowMs;
  if (text === 'today') return startOfDay(nowMs);
  return relative(text, nowMs) ?? local(text) ?? parseDateTime(text);
}

/** A day as `YYYY-MM-DD`; undefined for text that is no day. `today`, `+30d` and such count from now. */
export function readDay(text: string, nowMs: number): string | undefined {
  const timeMs = readTime(text, nowMs);
  return timeMs === undefined ? undefined : dayIn(timeMs);
}

/** The day of a time, in this time zone. */
export function dayIn(timeMs: number): string {
  const at = new Date(timeMs);
  return `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The minute of a time, in this time zone. */
export function minuteIn(timeMs: number): string {
  const at = new Date(timeMs);
  return `${dayIn(timeMs)} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function startOfDay(timeMs: number): number {
  return new Date(timeMs).setHours(0, 0, 0, 0);
}

function relative(text: string, nowMs: number): number | undefined {
  const [, count, unit] = RELATIVE.exec(text) ?? [];
  if (count === undefined) return undefined;
  const by = Number(count);
  const at = new Date(nowMs);
  if (unit === 'h') return nowMs + by * HOUR_MS;
  if (unit === 'd') return at.setDate(at.getDate() + by);
  if (unit === 'w') return at.setDate(at.getDate() + 7 * by);
  if (unit === 'm') return at.setMonth(at.getMonth() + by);
  return at.setFullYear(at.getFullYear() + by);
}

/** Undefined for a day or an hour that does not exist. */
function local(text: string): number | undefined {
  const [year, month, day, hour = 0, minute = 0, second = 0] = (LOCAL.exec(text) ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0));
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const at = new Date(0);
  at.setFullYear(year, month - 1, day);
  at.setHours(hour, minute, second, 0);
  const exists = at.getMonth() === month - 1 && at.getDate() === day && minute < 60 && second < 60;
  return exists ? at.getTime() : undefined;
}

function two(part: number): string {
  return String(part).padStart(2, '0');
}
