/** Splits text into search words, for names and for queries alike. */

const MAX_WORDS = 40;
const MAX_WORD_LENGTH = 40;

/** The words of a text, without accents and in lower case. */
export function words(text: string): string[] {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => word.slice(0, MAX_WORD_LENGTH))
    .slice(0, MAX_WORDS);
}

/** The distinct values, in order; at most 40. */
export function unique(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_WORDS);
}
