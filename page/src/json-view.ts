/** JSON and other text to read: indented, coloured by kind, scrollable by keyboard, never as HTML. */
import { el } from './dom.js';

const MOST_COLOURED = 60_000;
const MOST_SHOWN = 400_000;
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g;

/** A block of text that can be scrolled by keyboard; `label` says what it is. */
export function textBlock(text: string, label: string): HTMLPreElement {
  const shown = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\n… cut here: copy it to have all` : text;
  return el('pre', { tabindex: '0', role: 'region', 'aria-label': label }, shown);
}

/** A value as indented JSON. */
export function jsonBlock(value: unknown, label: string): HTMLPreElement {
  const text = JSON.stringify(value, undefined, 2) ?? '';
  if (text.length > MOST_COLOURED) return textBlock(text, label);
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
