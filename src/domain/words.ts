/** Splits text into search words, for names and for queries alike. */

const MAX_WORDS = 40;
const MAX_WORD_LENGTH = 40;

/** Accents, and vowel signs that are letters to newer versions of Unicode only, not to SQLite's tokenizer. */
const MARKS = /[\p{M}\u{19B0}-\u{19C0}\u{19C8}\u{19C9}\u{1CF2}\u{1CF3}]/gu;
/** Such a text has no accents and no other form. Its regular expressions need no Unicode properties. */
const PLAIN = /^[ -~]*$/;
const WORD = /[\p{L}\p{N}]+/gu;
const PLAIN_WORD = /[a-z0-9]+/g;
const GAP = /[^\p{L}\p{N}]+/gu;
const PLAIN_GAP = /[^A-Za-z0-9]+/g;
const HALF_CHARACTER = /[\uD800-\uDBFF]$/;

/** The words of a text, without accents and in lower case. */
export function words(text: string): string[] {
  const isPlain = PLAIN.test(text);
  const bare = isPlain ? text : text.normalize('NFKD').replace(MARKS, '');
  const found = bare.toLowerCase().match(isPlain ? PLAIN_WORD : WORD) ?? [];
  return found.slice(0, MAX_WORDS).map(shortened);
}

function shortened(word: string): string {
  return word.length <= MAX_WORD_LENGTH ? word : word.slice(0, MAX_WORD_LENGTH).replace(HALF_CHARACTER, '');
}

/** The letters and digits of a text in one run. */
export function lettersAndDigits(text: string): string {
  return text.replace(PLAIN.test(text) ? PLAIN_GAP : GAP, '');
}

/** The distinct values, in order; at most 40. */
export function unique(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_WORDS);
}
