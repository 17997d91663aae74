/** Turns the text of a flag into the value that the schema asks for. The server checks limits and formats. */
import { CliError } from './cli-error.js';
import { readDay, readTime } from './read-time.js';
import type { Flag } from './request-flags.js';

/** @throws CliError that names the flag and says what it takes. Relative dates count from `nowMs`. */
export function readValue(flag: Flag, text: string, nowMs: number = Date.now()): unknown {
  if (flag.isMap) return readEntry(flag, text);
  if (flag.choices !== undefined) return choice(flag, flag.choices, text);
  switch (flag.kind) {
    case 'integer':
      return number(flag, text, /^[+-]?\d+$/, 'a whole number, such as 100');
    case 'number':
      return number(flag, text, /^[+-]?\d+(\.\d+)?$/, 'a number with a decimal point, such as 12.50');
    case 'boolean':
      return yesOrNo(flag, text);
    case 'date':
    case 'date-time':
      return date(flag, flag.kind, text, nowMs);
    case 'json':
      return json(flag, text);
    case 'text':
      return text;
  }
}

function choice(flag: Flag, choices: readonly string[], text: string): string {
  const found = choices.find((known) => known === text) ?? choices.find((known) => known === text.toLowerCase());
  if (found === undefined) throw wrong(flag, `one of ${choices.join(', ')}`);
  return found;
}

function number(flag: Flag, text: string, form: RegExp, takes: string): number | string {
  if (!form.test(text)) throw wrong(flag, takes);
  const value = Number(text);
  // A whole number that JSON does not carry exactly is sent as text, which the schema takes or refuses.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
}

function yesOrNo(flag: Flag, text: string): boolean {
  if (!/^(true|false|yes|no)$/i.test(text)) throw wrong(flag, 'true or false');
  return /^(true|yes)$/i.test(text);
}

/** A date, or an instant in UTC. */
function date(flag: Flag, kind: 'date' | 'date-time', text: string, nowMs: number): string {
  const read = kind === 'date' ? readDay(text, nowMs) : instant(readTime(text, nowMs));
  if (read !== undefined) return read;
  throw wrong(flag, `a date such as 2027-03-31${kind === 'date' ? '' : ', 2027-03-31T18:00'}, today, +30d or -2w`);
}

function instant(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
}

/** `KEY=VALUE`, where a value that is JSON is taken as that; or a whole object. */
function readEntry(flag: Flag, text: string): unknown {
  if (text.trimStart().startsWith('{')) return json(flag, text);
  const [, key, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw wrong(flag, 'KEY=VALUE, or an object as JSON');
  return { [key]: scalarOf(value) };
}

function scalarOf(text: string): unknown {
  if (/^(true|false|null|-?(0|[1-9]\d{0,14})(\.\d+)?|[[{].*)$/s.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

function json(flag: Flag, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(flag, 'JSON');
  }
}

function wrong({ names }: Flag, takes: string): CliError {
  return new CliError(`--${names[0]} takes ${takes}`);
}
