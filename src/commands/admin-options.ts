/** Options that several `admin` commands share, and the parsers of their values. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError } from '../config.js';
import { DATE_TIME_FORM, parseDateTime } from '../contract/date-time.js';
import { CONTRACT } from '../contract/generated/contract.js';
import { wholeNumber } from '../settings/setting-values.js';
import type { PageRequest } from '../store/admin/list-page.js';
import { jsonOption } from './output.js';
import { parsedArgument } from './setting-options.js';
import { onDatabase } from './shared-options.js';

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** 100 years: more is a mistake. */
const MOST_MS = 100 * 365 * 86_400_000;
const DEFAULT_ROWS = 100;
const MOST_ROWS = 1000;

/** Adds the options of an `admin` command: the database, and JSON. */
export function onAdmin(command: Command): Command {
  return onDatabase(command).addOption(jsonOption());
}

/** Adds the options of a list. `pageFrom` reads them. */
export function onList(command: Command): Command {
  return onAdmin(command)
    .addOption(
      new Option('--limit <count>', `the most rows, up to ${MOST_ROWS}`)
        .argParser((text) => parseRowLimit(text))
        .default(DEFAULT_ROWS),
    )
    .option('--after <next>', 'go on after a page: what it printed as next');
}

/** The page that the flags of a list ask for. */
export function pageFrom({ limit, after }: PageRequest): PageRequest {
  return { limit, ...(after === undefined ? {} : { after }) };
}

export const rolesOption = () => new Option('--roles <roles>', 'comma-separated roles').argParser(parseRoles);

export const orgOption = (text: string) =>
  new Option('--org <orgcode>', text).argParser((code: string) => code.trim().toUpperCase());

/** A time span such as 90d, in milliseconds. @throws InvalidArgumentError */
export function parseSpan(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS_MS[unit] ?? Number.NaN);
  if (Number.isNaN(ms) || ms > MOST_MS) {
    throw new InvalidArgumentError('must be a number with m, h, d or w for minutes, hours, days or weeks, as in 90d');
  }
  return ms;
}

/** A time in the past or the future: its span from now, or a date. */
export type TimeFlag = (now: string, direction: 'ago' | 'ahead') => string;

/** A span such as 90d, a date or a date-time. A date begins at midnight UTC. @throws InvalidArgumentError */
export function parseTime(text: string): TimeFlag {
  const epochMs = parseDateTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (epochMs !== undefined) return () => new Date(epochMs).toISOString();
  if (!/^\d+[mhdw]$/.test(text)) throw new InvalidArgumentError(`must be a span such as 90d, or ${DATE_TIME_FORM}`);
  const spanMs = parseSpan(text);
  return (now, direction) => {
    const nowMs = parseDateTime(now) ?? 0;
    return new Date(direction === 'ago' ? nowMs - spanMs : nowMs + spanMs).toISOString();
  };
}

/** When a new credential ends; null: never. @throws ConfigError when that is in the past */
export function expiryFrom(flag: TimeFlag | undefined, now: string): string | null {
  if (flag === undefined) return null;
  const at = flag(now, 'ahead');
  if (at <= now) throw new ConfigError(`--expires ${at} is in the past`);
  return at;
}

/** @throws ConfigError for an unknown role. */
export function parseRoles(text: string): string[] {
  const known = new Set(Object.values(CONTRACT.roles).flat());
  const roles = [...new Set(text.split(',').filter((role) => role !== ''))];
  const wrong = roles.filter((role) => !known.has(role));
  if (wrong.length > 0) throw new ConfigError(`no such role: ${wrong.join(', ')}; there are ${[...known].join(', ')}`);
  return roles;
}

/** The lifetime of a session in seconds, as long as a span can be. @throws InvalidArgumentError */
export function parseTtl(text: string): number {
  return parseWhole(text, 1, MOST_MS / 1000);
}

/** A whole number between bounds. @throws InvalidArgumentError */
export function parseWhole(text: string, least: number, most: number): number {
  return parsedArgument(wholeNumber(least, most), text);
}

/** The most rows that a list has. @throws InvalidArgumentError */
export function parseRowLimit(text: string): number {
  return parseWhole(text, 1, MOST_ROWS);
}
