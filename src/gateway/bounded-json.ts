/**
 * JSON as strangers send it: text → value, refused where JSON.parse would hide something (a key given twice, digits
 * it cannot hold) or what reads the value would break (depth, number of values). Not: what the value means.
 */
import type { UpstreamErrorReason } from './upstream-error.js';

export const MAX_DEPTH = 64;
/** Far above a full page of the largest records; below what would fill the memory with tiny objects. */
export const MAX_VALUES = 100_000;

export class JsonError extends Error {
  readonly reason: UpstreamErrorReason;
  /** Where, dotted; names that are no plain words are `*`. */
  readonly path: string | undefined;

  constructor(reason: UpstreamErrorReason, path?: string) {
    super(reason);
    this.reason = reason;
    this.path = path;
  }
}

/** The value of a JSON text. `__proto__` is a key like any other. @throws JsonFlaw */
export function parseJson(text: string): unknown {
  scan(text);
  try {
    return JSON.parse(text);
  } catch {
    throw new JsonError('not_json');
  }
}

/** One open object or list. */
interface Level {
  /** Of an object; few are looked through faster than they are hashed. */
  keys: string[] | Set<string> | undefined;
  /** In an object: the next string is a key. */
  expectsKey: boolean;
  key: string;
  index: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Reads tokens without a thought for grammar, which is JSON.parse's; so it may meet any garbage. */
function scan(text: string): void {
  const levels: Level[] = [];
  let level: Level | undefined;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (level?.expectsKey) enterKey(levels, level, text.slice(at, end + 1));
      at = end;
    } else if (code === COMMA) {
      values += 1;
      if (values > MAX_VALUES) throw new JsonError('too_many_values');
      if (level !== undefined) next(level);
    } else if (code === COLON) {
      if (level !== undefined) level.expectsKey = false;
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      values += 1;
      level = { keys: code === OPEN_OBJECT ? [] : undefined, expectsKey: code === OPEN_OBJECT, key: '', index: 0 };
      levels.push(level);
      if (levels.length > MAX_DEPTH) throw new JsonError('too_deep');
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      levels.pop();
      level = levels.at(-1);
    } else if (isNumberStart(code)) {
      const end = endOfNumber(text, at);
      if (!isExact(text.slice(at, end))) throw new JsonError('number_not_exact', pathOf(levels));
      at = end - 1;
    }
  }
}

function next(level: Level): void {
  level.expectsKey = level.keys !== undefined;
  level.index += 1;
}

function enterKey(levels: readonly Level[], level: Level, literal: string): void {
  level.key = literal.includes('\\') ? withoutEscapes(literal) : literal.slice(1, -1);
  if (!add(level)) throw new JsonError('duplicate_key', pathOf(levels));
}

const FEW_KEYS = 24;

/** False when the object has the key already. */
function add(level: Level): boolean {
  if (level.keys instanceof Set) return level.keys.size < level.keys.add(level.key).size;
  if (level.keys === undefined || level.keys.includes(level.key)) return false;
  level.keys.push(level.key);
  if (level.keys.length > FEW_KEYS) level.keys = new Set(level.keys);
  return true;
}

function withoutEscapes(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw new JsonError('not_json');
  }
}

/** The index of the closing quote: the first that an even number of backslashes stands before. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  throw new JsonError('not_json');
}

function isNumberStart(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d;
}

/** The index behind the last of `0-9 + - . e E`. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    const inNumber = isNumberStart(code) || code === 0x2b || code === 0x2e || code === 0x45 || code === 0x65;
    if (!inNumber) break;
  }
  return end;
}

/** A double holds every number of so many characters, when it has no exponent. */
const SURELY_EXACT = 15;

/** Whether the number survives: no digit lost, no integer beyond 2^53. What is no number is JSON.parse's to refuse. */
function isExact(literal: string): boolean {
  if (literal.length <= SURELY_EXACT && !/e/i.test(literal)) return true;
  const value = Number(literal);
  if (Number.isNaN(value)) return true;
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return false;
  return decimal(literal) === decimal(String(value));
}

/** Digits without zeros at either end, and the power of ten they stand at. */
function decimal(literal: string): string {
  const [, whole = '', fraction = '', power = '0'] = /^-?(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const bare = withoutTrailingZeros(digits);
  return bare === '' ? '0' : `${bare}e${Number(power) - fraction.length + digits.length - bare.length}`;
}

/** By hand: a pattern for it takes the square of the length. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.slice(0, end);
}

const MAX_PATH = 200;

/** Names are the upstream's, and may be anything: only plain words are told. */
function pathOf(levels: readonly Level[]): string {
  const names = levels.map(({ keys, key, index }) => {
    if (keys === undefined) return String(index);
    return /^[A-Za-z_]\w{0,63}$/.test(key) ? key : '*';
  });
  return names.join('.').slice(0, MAX_PATH);
}
