/**
 * Ranks operations by search words (BM25 over several fields) and by similar names. Does not decide which are visible;
 * see visibility.ts.
 */
import type { CatalogueEntry } from '../tools/catalogue.js';
import { isQuestion, stemsOf, stemsOfQuery } from './stems.js';

/** How much a word counts in each part of an operation. Keywords are words of staff that the texts do not have. */
const WEIGHTS = { name: 3, title: 2, keywords: 4, description: 1 } as const;
type Part = keyof typeof WEIGHTS;
const PARTS = Object.keys(WEIGHTS) as readonly Part[];

/** BM25: how soon a repeated word stops counting, and how far a long text counts less. */
const K1 = 1.2;
const B = 0.35;
/** The share of an exact word that counts for the beginning of one: cert for certificate. */
const BEGINNING = 0.3;
const MIN_BEGINNING = 4;
/** How much more an operation that only reads counts when the words ask or look for something. */
const READS_WHEN_ASKED = 1.5;
/** Part of every tool name, so it distinguishes none. */
const PREFIX = 'crm';

/** The stems in each part of an operation. */
type Indexed = { readonly [part in Part]: readonly string[] };

const INDEXED = new WeakMap<CatalogueEntry, Indexed>();

/** The entries that match any of the words, best first; without words all of them, by name. */
export function rankEntries(entries: readonly CatalogueEntry[], words: string): readonly CatalogueEntry[] {
  const stems = stemsOfQuery(words).filter((stem) => stem !== PREFIX);
  const query = [...stems, ...pairsIn(stems)];
  if (query.length === 0) return words.trim() === '' ? entries : [];
  const indexed = entries.map((entry) => ({ entry, parts: indexOf(entry) }));
  const lengths = Object.fromEntries(
    PARTS.map((part) => [part, average(indexed.map(({ parts }) => parts[part].length))]),
  );
  const counts = query.map((stem) => indexed.map(({ parts }) => weighted(parts, stem, lengths as Lengths)));
  const scores = new Map(indexed.map(({ entry }) => [entry, 0]));
  for (const perEntry of counts) {
    const having = perEntry.filter((count) => count > 0).length;
    const rarity = Math.log(1 + (entries.length - having + 0.5) / (having + 0.5));
    perEntry.forEach((count, at) => {
      const entry = entries[at] as CatalogueEntry;
      scores.set(entry, (scores.get(entry) ?? 0) + (rarity * count * (K1 + 1)) / (count + K1));
    });
  }
  const asks = isQuestion(words);
  const score = (entry: CatalogueEntry) => {
    if (entry.tool.name === words.trim()) return Infinity;
    return (scores.get(entry) ?? 0) * (asks && entry.operation.effect === 'read' ? READS_WHEN_ASKED : 1);
  };
  return entries
    .filter((entry) => score(entry) > 0)
    .sort((a, b) => score(b) - score(a) || (a.tool.name < b.tool.name ? -1 : 1));
}

/** The known names most similar to an unknown one, best first. */
export function nearestNames(names: readonly string[], name: string, count: number): readonly string[] {
  const queryParts = pairsOf(name);
  const similarity = (other: string) => {
    const pairs = pairsOf(other);
    const shared = [...pairs].filter((pair) => queryParts.has(pair)).length;
    return (2 * shared) / (pairs.size + queryParts.size || 1);
  };
  const scored = names.map((other) => ({ other, score: similarity(other) }));
  return [...scored]
    .sort((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ other }) => other);
}

type Lengths = { readonly [part in Part]: number };

/** How often an operation has a stem: weighted by the part, and less in a long one. */
function weighted(parts: Indexed, stem: string, lengths: Lengths): number {
  return PARTS.reduce((sum, part) => {
    const stems = parts[part];
    const found = stems.reduce((count, other) => count + matchOf(stem, other), 0);
    return found === 0 ? sum : sum + (WEIGHTS[part] * found) / (1 - B + (B * stems.length) / lengths[part]);
  }, 0);
}

function matchOf(stem: string, other: string): number {
  if (stem === other) return 1;
  const [short, long] = stem.length < other.length ? [stem, other] : [other, stem];
  return short.length >= MIN_BEGINNING && !long.includes(' ') && long.startsWith(short) ? BEGINNING : 0;
}

function indexOf(entry: CatalogueEntry): Indexed {
  const known = INDEXED.get(entry);
  if (known !== undefined) return known;
  const { operation, tool } = entry;
  const stems = (text: string) => stemsOf(text).filter((stem) => stem !== PREFIX);
  const indexed = {
    name: stems(tool.name),
    title: [...stems(`${tool.title} ${operation.family}`), ...pairsIn(stemsOfQuery(tool.title))],
    keywords: (operation.keywords ?? []).flatMap((phrase) => [...stems(phrase), ...pairsIn(stemsOfQuery(phrase))]),
    description: stems(tool.description),
  };
  INDEXED.set(entry, indexed);
  return indexed;
}

/** Each two neighbouring stems as one: `gift card` says more than its words. */
function pairsIn(stems: readonly string[]): readonly string[] {
  return stems.slice(1).map((stem, at) => `${stems[at]} ${stem}`);
}

function average(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0) / (lengths.length || 1) || 1;
}

function pairsOf(text: string): ReadonlySet<string> {
  const folded = text.toLowerCase().replace(/^crm_/, '');
  return new Set(Array.from({ length: Math.max(0, folded.length - 1) }, (_, at) => folded.slice(at, at + 2)));
}
