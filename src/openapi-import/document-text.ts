/** Cleans and shortens text of an imported OpenAPI document before agents and people see it. */
import { visibleText } from '../contract/visible-text.js';

/**
 * Text without invisible characters, trimmed and cut to `longest` characters; empty for a value that is not a string.
 */
export function cleanText(value: unknown, longest: number): string {
  return typeof value === 'string' ? cutText(visibleText(value.slice(0, 4 * longest)).trim(), longest) : '';
}

/** Like `cleanText`, on one line. */
export function cleanLine(value: unknown, longest: number): string {
  return typeof value === 'string' ? cutText(inOneLine(visibleText(value.slice(0, 4 * longest))), longest) : '';
}

/** Puts clean text on one line. */
export function inOneLine(text: string): string {
  return /[\n\t]| {2}/.test(text) ? text.replace(/\s+/g, ' ').trim() : text.trim();
}

/** Cuts clean text to `longest` characters, at a word boundary if one is near. */
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
