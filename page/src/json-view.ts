/** Read-only blocks of text and highlighted JSON that can be scrolled by keyboard. */
import { el } from './dom.js';

const MAX_HIGHLIGHTED = 60_000;
const MAX_SHOWN = 400_000;
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g;

/** A block of text that can be scrolled by keyboard, with an accessible label. */
export function textBlock(text: string, label: string): HTMLPreElement {
  const shown =
    text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}\n… shortened here; copy to get the full text` : text;
  return el('pre', { tabindex: '0', role: 'region', 'aria-label': label }, shown);
}

/** A value as indented JSON. */
export function jsonBlock(value: unknown, label: string): HTMLPreElement {
  const text = JSON.stringify(value, undefined, 2) ?? '';
  if (text.length > MAX_HIGHLIGHTED) return textBlock(text, label);
  const block = textBlock('', label);
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    block.append(text.slice(end, match.index), el('span', { class: kindOf(match) }, match[0]));
    end = match.index + match[0].length;
  }
  block.append(text.slice(end));
  return block;
}

function kindOf([token, colon]: RegExpMatchArray): string {
  if (colon !== undefined) return 'j-name';
  return token?.startsWith('"') ? 'j-text' : 'j-other';
}
