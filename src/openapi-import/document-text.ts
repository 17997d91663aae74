/** Text of somebody else's document as agents and people are shown it: clean, and no longer than it may be. */
import { visibleText } from '../contract/visible-text.js';

/** Text without what cannot be seen in it, trimmed and cut to `longest` characters; empty for what is no text. */
export function cleanText(value: unknown, longest: number): string {
  return typeof value === 'string' ? cutText(visibleText(value.slice(0, 4 * longest)).trim(), longest) : '';
}

/** The same in one line. */
export function cleanLine(value: unknown, longest: number): string {
  return typeof value === 'string' ? cutText(inOneLine(visibleText(value.slice(0, 4 * longest))), longest) : '';
}

/** Clean text on one line. */
export function inOneLine(text: string): string {
  return /[\n\t]| {2}/.test(text) ? text.replace(/\s+/g, ' ').trim() : text.trim();
}

/** Clean text cut to `longest` characters, behind a word if there is one near. */
export function cutText(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const cut = text.slice(0, Math.max(0, longest - 1));
  const word = Math.max(cut.lastIndexOf(' '), cut.lastIndexOf('\n'));
  const end = word > longest / 2 ? word : cut.length;
  return `${cut
    .slice(0, end)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}…`;
}
