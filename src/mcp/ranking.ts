/** Ranks operations by search words and by similar names. Does not decide which are visible; see visibility.ts. */
import type { CatalogueEntry } from '../tools/catalogue.js';

const IN_NAME = 5;
const IN_TITLE = 3;
const IN_DESCRIPTION = 1;
/** The factor by which an exact word counts more than a similar one. */
const EXACT = 2;
/** Part of every tool name, so it distinguishes none. */
const PREFIX = 'crm';

/** The entries that match any of the words, best first; without words all of them, by name. */
export function rankEntries(entries: readonly CatalogueEntry[], words: string): readonly CatalogueEntry[] {
  const queryParts = wordsOf(words);
  if (queryParts.length === 0) return entries;
  return entries
    .map((entry) => ({ entry, score: scoreOf(entry, queryParts) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (a.entry.tool.name < b.entry.tool.name ? -1 : 1))
    .map(({ entry }) => entry);
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

function scoreOf({ operation, tool }: CatalogueEntry, queryParts: readonly string[]): number {
  const parts: readonly [number, readonly string[]][] = [
    [IN_NAME, wordsOf(tool.name)],
    [IN_TITLE, [...wordsOf(tool.title), operation.family]],
    [IN_DESCRIPTION, wordsOf(tool.description)],
  ];
  const best = (word: string) =>
    parts.map(([weight, words]) => {
      if (words.includes(word)) return weight * EXACT;
      return words.some((other) => areSimilar(word, other)) ? weight : 0;
    });
  return queryParts.reduce((score, word) => score + best(word).reduce((sum, weight) => sum + weight, 0), 0);
}

function wordsOf(text: string): readonly string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => word !== PREFIX);
}

/** Whether two words differ only in their endings or one is a prefix of the other: merge/merging, cert/certificate. */
function areSimilar(one: string, other: string): boolean {
  const shared = Math.max(3, Math.min(one.length, other.length) - 1);
  return one.slice(0, shared) === other.slice(0, shared);
}

function pairsOf(text: string): ReadonlySet<string> {
  const folded = text.toLowerCase().replace(/^crm_/, '');
  return new Set(Array.from({ length: Math.max(0, folded.length - 1) }, (_, at) => folded.slice(at, at + 2)));
}
