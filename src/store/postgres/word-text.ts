/**
 * How words are stored and looked for: as rows of a word table, and as text with a space before and after each word.
 * Words have letters and digits only, so that they need no escaping in patterns and arrays.
 */
import type { SearchTable, WordMatch } from '../engine/search-index.js';

/** Sorts after every character of a word. */
const LAST_CHARACTER = '\u{10FFFF}';
/** Sorts before every character of a word. */
const FIRST_CHARACTER = '\u0001';

/** The table with a row for each word of a record. */
export function wordTable({ record }: SearchTable): string {
  return `${record.name}_word`;
}

/** The distinct words as they are stored. A final sigma becomes the other, as in SQLite's tokenizer. */
export function storedWords(words: readonly string[]): readonly string[] {
  return [...new Set(words.map(storedWord))];
}

/** The text of a column: its distinct words, a space before and after each. */
export function textOf(words: readonly string[]): string {
  return ` ${storedWords(words).join(' ')} `;
}

/** An array of texts as PostgreSQL writes it. */
export function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value}"`).join(',')}}`;
}

/** The bounds, the second one excluded, of the words that a word of a query finds. */
export function rangeOf(word: string, match: WordMatch['match']): { readonly low: string; readonly high: string } {
  const low = storedWord(word);
  return { low, high: low + (match === 'whole' ? FIRST_CHARACTER : LAST_CHARACTER) };
}

/** Whether the text of a record matches. The `columns` of the table are those of the alias `s`. */
export function conditionOf(
  columns: readonly string[],
  { words, match, column, except }: WordMatch,
): { readonly sql: string; readonly args: readonly string[] } {
  const text = column === undefined ? columns.map((name) => `s.${name}`).join(' || ') : `s.${column}`;
  const patterns = words.map((word) => `% ${storedWord(word)}${match === 'whole' ? ' ' : ''}%`);
  const own = { sql: `(${text}) LIKE ALL (?::text[])`, args: [textArray(patterns)] };
  if (except === undefined) return own;
  const out = conditionOf(columns, except);
  return { sql: `${own.sql} AND NOT (${out.sql})`, args: [...own.args, ...out.args] };
}

function storedWord(word: string): string {
  return word.replaceAll('ς', 'σ');
}
