/** BM25 as a client may search a tool list: over names and descriptions as they are, without stems or synonyms. */
import type { Tool } from '../../src/tools/catalogue.js';

const K1 = 1.2;
const B = 0.75;

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** The names of the tools, best first. */
export function rankPlainly(tools: readonly Tool[], query: string): readonly string[] {
  const texts = tools.map(({ name, description }) => wordsOf(`${name.replaceAll('_', ' ')} ${description}`));
  const average = texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
  const words = [...new Set(wordsOf(query))];
  const rarity = new Map(
    words.map((word) => {
      const having = texts.filter((text) => text.includes(word)).length;
      return [word, having === 0 ? 0 : Math.log(1 + (texts.length - having + 0.5) / (having + 0.5))];
    }),
  );
  const scoreOf = (text: readonly string[]) =>
    words.reduce((sum, word) => {
      const count = text.filter((other) => other === word).length;
      return sum + ((rarity.get(word) ?? 0) * count * (K1 + 1)) / (count + K1 * (1 - B + (B * text.length) / average));
    }, 0);
  const scored = tools.map(({ name }, at) => ({ name, score: scoreOf(texts[at] ?? []) }));
  return scored.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
}
