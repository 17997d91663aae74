/** Shows the answer to a call: status, time, size, envelope and headers. */
import { copyButton } from '../src/clipboard.js';
import { el } from '../src/dom.js';
import { jsonBlock, textBlock } from '../src/json-view.js';
import type { ImmutableMap } from './swagger.js';

/** An answer as Swagger UI reports it; `err` when no answer came. */
interface Answer {
  readonly status?: number;
  readonly statusText?: string;
  readonly duration?: number;
  readonly headers?: { readonly [name: string]: unknown };
  readonly text?: string;
  readonly err?: { readonly message?: string };
}

/** Renders the answer to a call. */
export function renderResponse(response: ImmutableMap): HTMLElement {
  const { status, statusText = '', duration, headers, text = '', err } = response.toJS() as Answer;
  if (status === undefined) return noAnswer(err?.message);
  const succeeded = status < 400;
  const size = new TextEncoder().encode(text).length;
  const head = el(
    'div',
    { class: 'result-head', role: 'status' },
    el('span', { class: `badge ${succeeded ? 'success' : 'error'}` }, `${status} ${statusText}`.trim()),
    el('span', { class: 'hint' }, `${duration ?? 0} ms`),
    el('span', { class: 'hint' }, `${size} bytes`),
    copyButton('Copy', () => text),
  );
  return el(
    'section',
    { class: `result ${succeeded ? 'success' : 'error'}`, 'aria-label': 'Response' },
    el('h4', { class: 'subhead' }, 'Response'),
    head,
    bodyBlock(text),
    headerTable(headers ?? {}),
  );
}

function noAnswer(message = ''): HTMLElement {
  return el(
    'section',
    { class: 'result failure', 'aria-label': 'Response' },
    el('h4', { class: 'subhead' }, 'Response'),
    el('p', { role: 'status' }, `No response from the server. ${message.split('\n')[0]?.replaceAll('*', '') ?? ''}`),
  );
}

function bodyBlock(text: string): HTMLElement {
  try {
    return jsonBlock(JSON.parse(text), 'Response body');
  } catch {
    return textBlock(text, 'Response body');
  }
}

function headerTable(headers: { readonly [name: string]: unknown }): HTMLElement {
  const rows = Object.entries(headers).map(([name, value]) =>
    el('tr', {}, el('th', { scope: 'row' }, el('code', {}, name)), el('td', {}, el('code', {}, String(value)))),
  );
  const names = el('summary', {}, `Response headers (${rows.length})`);
  const table = el('table', {}, el('tbody', {}, ...rows));
  const scrolled = { class: 'table', tabindex: '0', role: 'group', 'aria-label': 'Response headers' };
  return el('details', { class: 'fold' }, names, el('div', scrolled, table));
}
