/**
 * Undoes one layer of the escapes that texts of programs contain: those of JSON and of strings in source code, percent
 * encoding, and character references of HTML. Characters beyond U+00FF stay as they are.
 */

/** Without the flag `i`, and with a character of its own at the start of each branch: both make it several times faster. */
const ESCAPES =
  /\\(?:u00[0-9a-fA-F]{2}|x[0-9a-fA-F]{2}|[/"'\\rn])|%[0-9a-fA-F]{2}|&(?:#0{0,7}\d{1,3}|#[xX]0{0,7}[0-9a-fA-F]{1,2}|amp|quot|apos|lt|gt|sol|plus|equals);?/g;
/** A line break in the middle of base64 is not part of it. */
const ESCAPES_AND_BREAKS = new RegExp(`${ESCAPES.source}|[\\r\\n]`, 'g');

const NAMED: { readonly [name: string]: string } = {
  amp: '&',
  quot: '"',
  apos: "'",
  lt: '<',
  gt: '>',
  sol: '/',
  plus: '+',
  equals: '=',
};

/**
 * Matches the texts in which an escape stands for one of these characters, or for the beginning of another escape. Most
 * texts have only others, such as line breaks and quotes, and need not be decoded.
 */
export function createEscapeTest(characters: Iterable<string>): RegExp {
  const codes = [...new Set(characters)].map((character) => character.charCodeAt(0)).filter((code) => code <= 0xff);
  const named = Object.entries(NAMED).filter(([, character]) => codes.includes(character.charCodeAt(0)));
  const symbols = ['/', '"', "'", '\\'].filter((symbol) => codes.includes(symbol.charCodeAt(0)));
  const hex = hexPattern(codes);
  const nested = Object.entries(NESTED);
  const backslash = [
    `(?:u00|x)${hex}`,
    ...(symbols.length === 0 ? [] : [`[${symbols.join('').replace('\\', '\\\\')}]`]),
    ...nested.map(([code, next]) => `(?:u00|x)${hexPattern([Number(code)])}(?=${next})`),
    `\\\\(?=${NESTED[0x5c]})`,
    '[rn](?<=[\\w+/-]{60}\\\\[rn])', // base64 in lines; the shortest lines in use have 64 characters
  ];
  const percent = [hex, ...nested.map(([code, next]) => `${hexPattern([Number(code)])}(?=${next})`)];
  const ampersand = [
    `#0{0,7}(?:${codes.join('|')})(?!\\d)`,
    `#[xX]0{0,7}${hex}`,
    ...named.map(([name]) => name),
    `amp;?(?=${NESTED[0x26]})`,
    ...nested.map(([code, next]) => `(?:#0{0,7}${code}|#[xX]0{0,7}${hexPattern([Number(code)])});?(?=${next})`),
  ];
  return new RegExp(`\\\\(?:${backslash.join('|')})|%(?:${percent.join('|')})|&(?:${ampersand.join('|')})`);
}

/** The characters that begin an escape, and what has to follow them: the rest of it, or an escape in turn. */
const NESTED: { readonly [code: number]: string } = {
  37: '[0-9a-fA-F\\\\%&]',
  38: `#|${Object.keys(NAMED).join('|')}|[\\\\%&]`,
  92: '[ux"\'/nr\\\\%&]',
};

/** Two hex digits, grouped by the first. */
function hexPattern(codes: readonly number[]): string {
  const digits = '0123456789abcdef';
  const classOf = (values: readonly string[]) => `[${values.join('')}${values.join('').toUpperCase()}]`;
  const groups = [...digits].flatMap((first, high) => {
    const second = [...digits].filter((_, low) => codes.includes(high * 16 + low));
    return second.length === 0 ? [] : [`${classOf([first])}${classOf(second)}`];
  });
  return groups.length === 0 ? '(?!)' : `(?:${groups.join('|')})`;
}

/** A text whose escapes were undone, and where each of its characters came from. */
export interface DecodedText {
  readonly text: string;
  /** For each character: where it starts and ends in the original text. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Whether a text may have escapes; much faster than looking for them. */
export function mayHaveEscapes(text: string): boolean {
  return text.includes('\\') || text.includes('%') || text.includes('&');
}

/** The text with one layer of escapes undone; the same text when it has none. Line breaks stay. */
export function decodeEscapes(text: string): string {
  return mayHaveEscapes(text) ? text.replace(ESCAPES, characterOf) : text;
}

/** Like `decodeEscapes`, but also removes line breaks, and keeps track of where each character came from. */
export function decodeTracked({ text, starts, ends }: DecodedText): DecodedText {
  const decoded = { text: '', starts: new Uint32Array(text.length), ends: new Uint32Array(text.length) };
  const parts: string[] = [];
  let length = 0;
  const copy = (from: number, to: number) => {
    decoded.starts.set(starts.subarray(from, to), length);
    decoded.ends.set(ends.subarray(from, to), length);
    parts.push(text.slice(from, to));
    length += to - from;
  };
  let from = 0;
  for (const match of text.matchAll(ESCAPES_AND_BREAKS)) {
    const [whole] = match;
    copy(from, match.index);
    from = match.index + whole.length;
    const character = characterOf(whole);
    if (character === '') continue;
    decoded.starts[length] = starts[match.index] ?? 0;
    decoded.ends[length] = ends[from - 1] ?? 0;
    parts.push(character);
    length += 1;
  }
  copy(from, text.length);
  return { text: parts.join(''), starts: decoded.starts.subarray(0, length), ends: decoded.ends.subarray(0, length) };
}

/** A text that has no escapes undone yet. */
export function undecoded(text: string): DecodedText {
  const starts = Uint32Array.from({ length: text.length }, (_, index) => index);
  return { text, starts, ends: starts.map((index) => index + 1) };
}

const KNOWN = new Map<string, string>();
const MAX_KNOWN = 2048;

/** The character that an escape stands for; empty for a line break. */
function characterOf(escaped: string): string {
  const known = KNOWN.get(escaped);
  if (known !== undefined) return known;
  const character = decodeOne(escaped);
  if (KNOWN.size < MAX_KNOWN) KNOWN.set(escaped, character);
  return character;
}

/** A reference beyond U+00FF stays as it is. */
function decodeOne(escaped: string): string {
  if (/^(?:[\r\n]|\\[rn])$/i.test(escaped)) return '';
  const [, symbol] = /^\\([/"'\\])$/.exec(escaped) ?? [];
  if (symbol !== undefined) return symbol;
  const [, name] = /^&([a-z]+)/i.exec(escaped) ?? [];
  if (name !== undefined) return NAMED[name.toLowerCase()] ?? escaped;
  const [, decimal] = /^&#(\d+)/.exec(escaped) ?? [];
  const [, hex = ''] = /([0-9a-f]{1,2});?$/i.exec(escaped) ?? [];
  const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
  if (code > 0xff) return escaped;
  return code === 0x0a || code === 0x0d ? '' : String.fromCharCode(code);
}
