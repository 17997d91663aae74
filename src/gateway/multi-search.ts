/**
 * Searches a text for several words in one pass that skips most characters (Wu and Manber's algorithm: the distance to
 * skip follows from the last two characters of the window).
 */

/** A word found in a text. */
export interface Found {
  readonly start: number;
  readonly end: number;
  /** The index of the word. */
  readonly word: number;
}

/** Returns the first word found at or after `from`; undefined when there is none. */
export type MultiSearch = (text: string, from: number) => Found | undefined;

const BUCKETS = 4096;
/** Longer windows would not skip noticeably more. */
const MAX_WINDOW = 256;

/** Creates the search. Each word has two characters or more. */
export function createMultiSearch(words: readonly string[]): MultiSearch {
  const window = Math.min(MAX_WINDOW, ...words.map(({ length }) => length));
  if (words.length === 0) return () => undefined;
  const skips = new Uint16Array(BUCKETS).fill(window - 1);
  const endingIn: number[][] = [];
  words.forEach((word, index) => {
    for (let at = 0; at + 1 < window; at += 1) {
      const bucket = bucketOf(word.charCodeAt(at), word.charCodeAt(at + 1));
      skips[bucket] = Math.min(skips[bucket] ?? 0, window - 2 - at);
      if (at === window - 2) endingIn[bucket] = [...(endingIn[bucket] ?? []), index];
    }
  });
  return (text, from) => {
    const last = text.length - 2;
    for (let at = from + window - 2; at <= last; ) {
      const bucket = bucketOf(text.charCodeAt(at), text.charCodeAt(at + 1));
      const skip = skips[bucket] ?? 0;
      if (skip === 0) {
        const start = at - window + 2;
        const word = endingIn[bucket]?.find((index) => text.startsWith(words[index] ?? '', start));
        if (word !== undefined) return { start, end: start + (words[word]?.length ?? 0), word };
      }
      at += skip || 1;
    }
    return undefined;
  };
}

function bucketOf(first: number, second: number): number {
  return ((first << 5) ^ second) & (BUCKETS - 1);
}
