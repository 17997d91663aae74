/** Compares names of people: folding, similarity and sound. domain/dedupe.ts weighs the result. */
import { doubleMetaphone } from 'double-metaphone';
import { words } from './words.js';

/** How two existing names agree. */
export type Agreement = 'exact' | 'typo' | 'similar' | 'sound' | 'initial' | 'different';

export interface Name {
  /** Folded; empty when there is none. */
  readonly given: string;
  readonly family: string;
}

interface Named {
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly caption: string | null;
}

/**
 * From this Jaro-Winkler similarity on, a difference counts as a typing error. Below it, the other name may be a
 * relative's or a short form.
 */
const TYPO = 0.93;
const SIMILAR = 0.86;
/** Names that sound alike must also have at least this similarity. */
const SOUNDS_ALIKE = 0.7;
const SHORTEST_BEGINNING = 3;
/** Letters that Unicode does not decompose. */
const LETTERS: { readonly [letter: string]: string } = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};

/** Given and family name; if both are missing, the first and the last word of the caption. */
export function nameOf({ given_name, family_name, caption }: Named): Name {
  if (given_name !== null || family_name !== null)
    return { given: foldName(given_name ?? ''), family: foldName(family_name ?? '') };
  const parts = words(caption ?? '');
  return { given: foldName(parts[0] ?? ''), family: parts.length < 2 ? '' : foldName(parts.at(-1) ?? '') };
}

/**
 * Lower-case letters and digits without separators, so that case, accents, hyphens and spaces do not distinguish names.
 */
export function foldName(text: string): string {
  return words(text)
    .join('')
    .replace(/[ßæœøłđðþı]/g, (letter) => LETTERS[letter] ?? letter);
}

/** The sound of a folded name. A name in letters that have no sound code stands for itself. */
export function soundOf(name: string): string {
  return doubleMetaphone(name)[0] || name;
}

/** How two folded names agree; undefined when one is missing. */
export function agreement(one: string, other: string): Agreement | undefined {
  if (one === '' || other === '') return undefined;
  if (one === other) return 'exact';
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length === 1) return long.startsWith(short) ? 'initial' : 'different';
  if (short.length >= SHORTEST_BEGINNING && long.startsWith(short)) return 'similar';
  const likeness = jaroWinkler(one, other);
  if (likeness >= TYPO) return 'typo';
  if (likeness >= SIMILAR) return 'similar';
  return likeness >= SOUNDS_ALIKE && soundOf(one) === soundOf(other) ? 'sound' : 'different';
}

const PREFIX = 4;
const PREFIX_SCALE = 0.1;

/** The Jaro-Winkler similarity of two words, 0 to 1. */
export function jaroWinkler(one: string, other: string): number {
  const [a, b] = [[...one], [...other]];
  const { fromA, fromB } = matching(a, b);
  const matches = fromA.length;
  if (matches === 0) return 0;
  const displaced = fromA.filter((letter, index) => letter !== fromB[index]).length;
  const jaro = (matches / a.length + matches / b.length + (matches - Math.floor(displaced / 2)) / matches) / 3;
  const most = Math.min(PREFIX, a.length, b.length);
  let prefix = 0;
  while (prefix < most && a[prefix] === b[prefix]) prefix += 1;
  return jaro + prefix * PREFIX_SCALE * (1 - jaro);
}

/** The letters that both words have at about the same position, in the order of each word. */
function matching(a: readonly string[], b: readonly string[]): { fromA: string[]; fromB: string[] } {
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const taken = new Array<boolean>(b.length).fill(false);
  const fromA = a.filter((letter, index) => {
    const end = Math.min(b.length, index + reach + 1);
    for (let at = Math.max(0, index - reach); at < end; at += 1) {
      if (taken[at] || b[at] !== letter) continue;
      taken[at] = true;
      return true;
    }
    return false;
  });
  return { fromA, fromB: b.filter((_, index) => taken[index]) };
}
