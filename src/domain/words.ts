/** Splits names and queries into searchable words. */

const MAX_WORDS = 40;
const MAX_WORD_LENGTH = 40;

/** The words of a text in lower case, without accents. */
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

/** The values without repetitions, in order. */
export function unique(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_WORDS);
}
