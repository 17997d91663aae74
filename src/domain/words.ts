/** Splits text into search words, for names and for queries alike. */

const MAX_WORDS = 40;
const MAX_WORD_LENGTH = 40;

/** Accents, and vowel signs that are letters to newer versions of Unicode only, not to SQLite's tokenizer. */
const MARKS = /[\p{M}\u{19B0}-\u{19C0}\u{19C8}\u{19C9}\u{1CF2}\u{1CF3}]/gu;
/** A text without one of these has no accents, and no other form. */
const NOT_ASCII = /\P{ASCII}/u;
const HALF_CHARACTER = /[\uD800-\uDBFF]$/;

/** The words of a text, without accents and in lower case. */
export function words(text: string): string[] {
  const bare = NOT_ASCII.test(text) ? text.normalize('NFKD').replace(MARKS, '') : text;
  return bare
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => (word.length <= MAX_WORD_LENGTH ? word : word.slice(0, MAX_WORD_LENGTH).replace(HALF_CHARACTER, '')))
    .slice(0, MAX_WORDS);
}

/** The distinct values, in order; at most 40. */
export function unique(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_WORDS);
}
