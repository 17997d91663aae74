/**
 * Replaces the upstream credential in what an upstream answers, in every encoding in which it may come back. A caller
 * with a key of this server must not learn it, and no answer may carry a credential into a transcript or a log.
 */
import { type CredentialForm, credentialForms, SHORT_CREDENTIAL } from './credential-forms.js';
import {
  createEscapeTest,
  type DecodedText,
  decodeEscapes,
  decodeTracked,
  mayHaveEscapes,
  undecoded,
} from './escapes.js';
import { createMultiSearch, type Found, type MultiSearch } from './multi-search.js';

/** Stands where the credential was. */
export const REDACTED = '[redacted]';

/** What one credential is replaced in. */
export interface CredentialRedaction {
  /** Whether a text contains the credential in any encoding. Also true for the JSON text of a value that does. */
  findsIn(text: string): boolean;
  /** The text without the credential. */
  redactText(text: string): string;
  /** The JSON value without the credential in its texts, field names and numbers. */
  redact(value: unknown): unknown;
}

/** Escapes within escapes that are undone. */
const MAX_LAYERS = 5;
/** Of a longer text that contains an encoded credential nothing is kept, which bounds the memory for its positions. */
const MAX_TRACKED_LENGTH = 256 * 1024;

/** Creates the redaction of one credential. */
export function createRedaction(credential: string): CredentialRedaction {
  const forms = credentialForms(credential, decodeCompletely);
  const words = forms.map(({ text }) => text);
  const search = credential.length < SHORT_CREDENTIAL ? wholeWords(words) : createMultiSearch(words);
  const isNumeric = words.some((word) => /^[-+.\de]+$/i.test(word));

  const relevantEscape = createEscapeTest(words.join(''));

  const findsIn = (text: string): boolean => {
    if (search(text, 0) !== undefined) return true;
    return mayHaveEscapes(text) && relevantEscape.test(text) && findsEscaped(text);
  };
  const findsEscaped = (text: string): boolean => {
    let decoded = text;
    for (let layer = 1; layer <= MAX_LAYERS; layer += 1) {
      const next = decodeEscapes(decoded);
      if (next === decoded) return false;
      if (search(next, 0) !== undefined) return true;
      decoded = next;
    }
    return false;
  };
  /** In one text, line breaks are no layout: base64 may have been broken into lines. */
  const findsInLines = (text: string) => findsIn(/[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, '') : text);
  const redactText = (text: string): string => {
    if (!findsIn(text) && !findsInLines(text)) return text;
    const redacted =
      text.length > MAX_TRACKED_LENGTH ? replacePlain(text, search, forms) : replaceAll(text, search, forms);
    return findsIn(redacted) || findsInLines(redacted) ? REDACTED : redacted;
  };
  const redact = (value: unknown): unknown => {
    if (typeof value === 'string') return redactText(value);
    if (typeof value === 'number') return isNumeric && findsIn(String(value)) ? REDACTED : value;
    if (Array.isArray(value)) return value.map(redact);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [redactText(name), redact(inner)]));
  };
  return forms.length === 0 ? NOTHING_TO_REDACT : { findsIn, redactText, redact };
}

const NOTHING_TO_REDACT: CredentialRedaction = {
  findsIn: () => false,
  redactText: (text) => text,
  redact: (value) => value,
};

const MAX_KEPT = 256;

/** Redactions by credential; the latest are kept, because each has tables of its own. */
export function createRedactions(): (credential: string) => CredentialRedaction {
  const kept = new Map<string, CredentialRedaction>();
  return (credential) => {
    const known = kept.get(credential);
    if (known !== undefined) return known;
    const redaction = createRedaction(credential);
    const [oldest] = kept.keys();
    if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    kept.set(credential, redaction);
    return redaction;
  };
}

function decodeCompletely(text: string): string {
  let decoded = text;
  for (let layer = 0; layer < MAX_LAYERS; layer += 1) decoded = decodeEscapes(decoded);
  return decoded;
}

type Range = readonly [start: number, end: number];

/** Replaces the credential on every layer of escapes. */
function replaceAll(text: string, search: MultiSearch, forms: readonly CredentialForm[]): string {
  const ranges: Range[] = [];
  let decoded = undecoded(text);
  for (let layer = 0; layer <= MAX_LAYERS + 1; layer += 1) {
    ranges.push(...rangesIn(decoded.text, search, forms).map(([start, end]) => originOf(decoded, start, end)));
    const next = decodeTracked(decoded);
    if (next.text === decoded.text) break;
    decoded = next;
  }
  return withoutRanges(text, ranges);
}

function replacePlain(text: string, search: MultiSearch, forms: readonly CredentialForm[]): string {
  return withoutRanges(text, rangesIn(text, search, forms));
}

function originOf({ starts, ends }: DecodedText, start: number, end: number): Range {
  return [starts[start] ?? 0, ends[end - 1] ?? 0];
}

function rangesIn(text: string, search: MultiSearch, forms: readonly CredentialForm[]): readonly Range[] {
  const ranges: Range[] = [];
  for (let found = search(text, 0); found !== undefined; found = search(text, found.end)) {
    ranges.push(widened(text, found, forms[found.word]));
  }
  return ranges;
}

/** Includes the neighbours that hold bits of the credential, and the padding of base64. */
function widened(text: string, { start, end }: Found, form: CredentialForm | undefined): Range {
  if (form === undefined || form.before + form.after === 0) return [start, end];
  const isBase64 = (at: number) => /[\w+/-]/.test(text.charAt(at));
  const from = form.before === 1 && isBase64(start - 1) ? start - 1 : start;
  let to = form.after === 1 && isBase64(end) ? end + 1 : end;
  while (text.charAt(to) === '=') to += 1;
  return [from, to];
}

/** Replaces ranges, which may overlap and come in any order. */
function withoutRanges(text: string, ranges: readonly Range[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const [start, end] of [...ranges].sort(([a], [b]) => a - b)) {
    if (start >= from) parts.push(text.slice(from, start), REDACTED);
    from = Math.max(from, end);
  }
  return parts.join('') + text.slice(from);
}

/** Finds words only where no letter or digit stands before or after them. */
function wholeWords(words: readonly string[]): MultiSearch {
  const search = createMultiSearch(words);
  const isWord = (character: string) => /[\p{L}\p{N}_]/u.test(character);
  return (text, from) => {
    for (let found = search(text, from); found !== undefined; found = search(text, found.start + 1)) {
      if (!isWord(text.charAt(found.start - 1)) && !isWord(text.charAt(found.end))) return found;
    }
    return undefined;
  };
}
