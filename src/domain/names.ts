/** Compares names of people: folded, by similarity, by sound. The weights of an agreement are in dedupe.ts. */
import { doubleMetaphone } from 'double-metaphone';
import { words } from './words.js';

/** How two names agree, when both are present. */
export type Agreement = 'exact' | 'typo' | 'similar' | 'sound' | 'initial' | 'different';

export interface Name {
  /** Folded; empty when missing. */
  readonly given: string;
  readonly family: string;
}

interface NameFields {
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly caption: string | null;
}

/** From this Jaro-Winkler similarity on, a difference counts as a typing error. */
const TYPO = 0.93;
/** From this similarity on, names count as similar; they may be a relative's name or a short form. */
const SIMILAR = 0.86;
/** The minimum similarity of names that sound the same. */
const SOUNDS_ALIKE = 0.7;
const MIN_PREFIX_LENGTH = 3;
/** Letters that Unicode normalisation does not decompose. */
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

/** Given and family name, or the first and the last word of the caption when there is neither. */
export function nameOf({ given_name, family_name, caption }: NameFields): Name {
  if (given_name !== null || family_name !== null)
    return { given: foldName(given_name ?? ''), family: foldName(family_name ?? '') };
  const parts = words(caption ?? '');
  return { given: foldName(parts[0] ?? ''), family: parts.length < 2 ? '' : foldName(parts.at(-1) ?? '') };
}

/** Lower-case letters and digits in one run: case, accents, hyphens and spaces make no difference between two names. */
export function foldName(text: string): string {
  return words(text)
    .join('')
    .replace(/[ßæœøłđðþı]/g, (letter) => LETTERS[letter] ?? letter);
}

/** The phonetic code of a folded name; a name whose script has no code is its own. */
export function soundOf(name: string): string {
  return doubleMetaphone(name)[0] || name;
}

/** How two folded names agree; undefined when one is missing. */
export function agreement(one: string, other: string): Agreement | undefined {
  if (one === '' || other === '') return undefined;
  if (one === other) return 'exact';
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length === 1) return long.startsWith(short) ? 'initial' : 'different';
  if (short.length >= MIN_PREFIX_LENGTH && long.startsWith(short)) return 'similar';
  const similarity = jaroWinkler(one, other);
  if (similarity >= TYPO) return 'typo';
  if (similarity >= SIMILAR) return 'similar';
  return similarity >= SOUNDS_ALIKE && soundOf(one) === soundOf(other) ? 'sound' : 'different';
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

/** The letters that both words have at about the same position, in the order of each. */
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
