/**
 * Parses untrusted JSON. Reads integers beyond 2^53 as text. Rejects what else JSON.parse would silently change
 * (duplicate keys, numbers that a double cannot hold) and what would break the code that reads the value (nesting
 * depth, number of values).
 */
import type { UpstreamErrorReason } from './upstream-error.js';

export const MAX_RESPONSE_DEPTH = 64;
/** Far above a full page of the largest records, and below what would exhaust the memory with tiny objects. */
export const MAX_RESPONSE_VALUES = 100_000;

export class JsonError extends Error {
  readonly reason: UpstreamErrorReason;
  /** Dotted path to the value. A name that is not a plain identifier is written as `*`. */
  readonly path: string | undefined;

  constructor(reason: UpstreamErrorReason, path?: string) {
    super(reason);
    this.reason = reason;
    this.path = path;
  }
}

/** Returns the value of a JSON text. `__proto__` is an ordinary key. @throws JsonError */
export function parseResponseJson(text: string): unknown {
  return parsePlain(text) ?? parseScanned(text);
}

/**
 * The value of a text that JSON.parse certainly reads as it is; undefined otherwise. It compares the number of keys in
 * the text with the number of keys in the value, which is faster than looking up each key.
 */
function parsePlain(text: string): unknown {
  const keys = keysInPlain(text);
  if (keys === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return keysIn(value) === keys ? value : undefined;
  } catch {
    return undefined;
  }
}

/** How many keys the text has; undefined for too many values, nesting too deep, and numbers that need a closer look. */
function keysInPlain(text: string): number | undefined {
  let keys = 0;
  let values = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) keys += 1;
    else if (code === COMMA) values += 1;
    else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      values += 1;
      depth += 1;
      if (depth > MAX_RESPONSE_DEPTH) return undefined;
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) depth -= 1;
    else if (isNumberStart(code)) {
      const end = endOfNumber(text, at);
      if (!isShortDecimal(text, at, end)) return undefined;
      at = end - 1;
    }
  }
  return values > MAX_RESPONSE_VALUES ? undefined : keys;
}

/** Whether a double holds the number exactly for being short and without an exponent. */
function isShortDecimal(text: string, start: number, end: number): boolean {
  if (end - start > ALWAYS_EXACT_LENGTH) return false;
  for (let at = start; at < end; at += 1) if (text.charCodeAt(at) >= 0x45) return false;
  return true;
}

/** The number of keys in all objects of a value. */
function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const item of value) keys += keysIn(item);
  else for (const key in value) keys += 1 + keysIn((value as { readonly [name: string]: unknown })[key]);
  return keys;
}

/** Like parseResponseJson, for every text: finds what is wrong with it, and where. */
function parseScanned(text: string): unknown {
  const integers = scan(text);
  try {
    const value: unknown = JSON.parse(text);
    return integers.length === 0 ? value : JSON.parse(quoted(text, integers));
  } catch {
    throw new JsonError('not_json');
  }
}

/** Where a number starts and ends in a text. */
type Span = readonly [start: number, end: number];

function quoted(text: string, spans: readonly Span[]): string {
  const parts = spans.map(([start, end], index) => {
    const before = text.slice(spans[index - 1]?.[1] ?? 0, start);
    return `${before}"${text.slice(start, end)}"`;
  });
  return parts.join('') + text.slice(spans.at(-1)?.[1] ?? 0);
}

/** An object or list that is not closed yet. */
interface Level {
  /** The keys of an object so far; undefined for a list. Searching a few is faster than hashing them. */
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

/**
 * Scans the tokens and returns the integers beyond 2^53. JSON.parse checks the grammar later, so the text may be
 * arbitrary garbage here.
 */
function scan(text: string): readonly Span[] {
  const integers: Span[] = [];
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
      if (values > MAX_RESPONSE_VALUES) throw new JsonError('too_many_values');
      if (level !== undefined) next(level);
    } else if (code === COLON) {
      if (level !== undefined) level.expectsKey = false;
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      values += 1;
      level = { keys: code === OPEN_OBJECT ? [] : undefined, expectsKey: code === OPEN_OBJECT, key: '', index: 0 };
      levels.push(level);
      if (levels.length > MAX_RESPONSE_DEPTH) throw new JsonError('too_deep');
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      levels.pop();
      level = levels.at(-1);
    } else if (isNumberStart(code)) {
      const end = endOfNumber(text, at);
      if (end - at > ALWAYS_EXACT_LENGTH && isLongInteger(text.slice(at, end))) integers.push([at, end]);
      else if (!isExact(text.slice(at, end))) throw new JsonError('number_not_exact', pathOf(levels));
      at = end - 1;
    }
  }
  return integers;
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

/** Returns false when the object already has the key. */
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

/** Returns the index of the closing quote: the first one preceded by an even number of backslashes. */
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

/** Returns the index after the last of the characters `0-9 + - . e E`. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    const inNumber = isNumberStart(code) || code === 0x2b || code === 0x2e || code === 0x45 || code === 0x65;
    if (!inNumber) break;
  }
  return end;
}

/** A double holds every number of up to this many characters exactly, when it has no exponent. */
const ALWAYS_EXACT_LENGTH = 15;

/** Whether it is an integer beyond 2^53 written in digits alone. */
function isLongInteger(literal: string): boolean {
  return /^-?\d+$/.test(literal) && !Number.isSafeInteger(Number(literal));
}

/** Whether a double holds the number exactly. True for text that is not a number: JSON.parse rejects it. */
function isExact(literal: string): boolean {
  if (literal.length <= ALWAYS_EXACT_LENGTH && !/e/i.test(literal)) return true;
  const value = Number(literal);
  if (Number.isNaN(value)) return true;
  return Number.isFinite(value) && decimal(literal) === decimal(String(value));
}

/** Normal form of a number: its digits without leading and trailing zeros, and the power of ten. */
function decimal(literal: string): string {
  const [, whole = '', fraction = '', power = '0'] = /^-?(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = withoutTrailingZeros(digits);
  const exponent = Number(power) - fraction.length + digits.length - significant.length;
  return significant === '' ? '0' : `${significant}e${exponent}`;
}

/** A loop, because a regular expression would take quadratic time. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.slice(0, end);
}

const MAX_PATH = 200;

/** Field names are untrusted text from the upstream, so only plain identifiers are reported. */
function pathOf(levels: readonly Level[]): string {
  const names = levels.map(({ keys, key, index }) => {
    if (keys === undefined) return String(index);
    return /^[A-Za-z_]\w{0,63}$/.test(key) ? key : '*';
  });
  return names.join('.').slice(0, MAX_PATH);
}
