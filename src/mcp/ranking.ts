/** Finding an operation by what somebody says of it. Not: which operations there are for whom. */
import type { CatalogueEntry } from '../tools/catalogue.js';

const IN_NAME = 5;
const IN_TITLE = 3;
const IN_DESCRIPTION = 1;
/** The very word counts this much more than one like it. */
const EXACT = 2;
/** In every name, and so in none. */
const PREFIX = 'crm';

/** The entries that have something of the words in them, best first; all of them, by name, for no words. */
export function rankEntries(entries: readonly CatalogueEntry[], words: string): readonly CatalogueEntry[] {
  const wanted = wordsOf(words);
  if (wanted.length === 0) return entries;
  return entries
    .map((entry) => ({ entry, score: scoreOf(entry, wanted) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (a.entry.tool.name < b.entry.tool.name ? -1 : 1))
    .map(({ entry }) => entry);
}

/** The names most like one that is none, best first. */
export function nearestNames(names: readonly string[], name: string, count: number): readonly string[] {
  const wanted = pairsOf(name);
  const likeness = (other: string) => {
    const pairs = pairsOf(other);
    const shared = [...pairs].filter((pair) => wanted.has(pair)).length;
    return (2 * shared) / (pairs.size + wanted.size || 1);
  };
  const scored = names.map((other) => ({ other, score: likeness(other) }));
  return [...scored]
    .sort((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ other }) => other);
}

function scoreOf({ operation, tool }: CatalogueEntry, wanted: readonly string[]): number {
  const parts: readonly [number, readonly string[]][] = [
    [IN_NAME, wordsOf(tool.name)],
    [IN_TITLE, [...wordsOf(tool.title), operation.family]],
    [IN_DESCRIPTION, wordsOf(tool.description)],
  ];
  const best = (word: string) =>
    parts.map(([weight, words]) => {
      if (words.includes(word)) return weight * EXACT;
      return words.some((other) => alike(word, other)) ? weight : 0;
    });
  return wanted.reduce((score, word) => score + best(word).reduce((sum, weight) => sum + weight, 0), 0);
}

function wordsOf(text: string): readonly string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => word !== PREFIX);
}

/** Whether two words differ in their endings or one begins the other: merge and merging, cert and certificate. */
function alike(one: string, other: string): boolean {
  const shared = Math.max(3, Math.min(one.length, other.length) - 1);
  return one.slice(0, shared) === other.slice(0, shared);
}

function pairsOf(text: string): ReadonlySet<string> {
  const folded = text.toLowerCase().replace(/^crm_/, '');
  return new Set(Array.from({ length: Math.max(0, folded.length - 1) }, (_, at) => folded.slice(at, at + 2)));
}
