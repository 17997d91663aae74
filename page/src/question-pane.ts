/** A call that waits for somebody's yes: what it would change and answer, and the button that says yes. */
import { button, el } from './dom.js';
import { jsonBlock } from './json-view.js';
import type { Preview, Question } from './outcome.js';

/** The preview, and a button that can be pressed once. Without `onConfirm` there is nothing to press. */
export function questionPane({ preview, expiresAt }: Question, onConfirm: (() => void) | undefined): HTMLElement {
  const node = el('div', { class: 'question-body' });
  if (preview.action !== undefined) node.append(el('p', { class: 'subhead' }, `What it would do: ${preview.action}`));
  node.append(...changesOf(preview));
  if (preview.note !== undefined) node.append(el('p', {}, preview.note));
  if (preview.result !== undefined) {
    const summary = el('summary', {}, 'What it would answer');
    node.append(el('details', { class: 'fold' }, summary, jsonBlock(preview.result, 'What it would answer')));
  }
  if (onConfirm !== undefined) node.append(confirmBar(expiresAt, onConfirm));
  return node;
}

function changesOf({ changes = [] }: Preview): readonly Node[] {
  if (changes.length === 0) return [];
  const head = ['Field', 'Now', 'Then'].map((text) => el('th', { scope: 'col' }, text));
  const rows = changes.map(({ field, before, after }) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, el('code', {}, field)),
      el('td', {}, told(before)),
      el('td', {}, told(after)),
    ),
  );
  const table = el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows));
  return [el('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': 'What it would change' }, table)];
}

function told(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function confirmBar(expiresAt: string | undefined, onConfirm: () => void): HTMLElement {
  const yes = button('Confirm and send', () => {
    yes.disabled = true;
    onConfirm();
  });
  yes.classList.add('danger');
  const until = expiresAt === undefined ? '' : `, until ${new Date(expiresAt).toLocaleTimeString()}`;
  const hint = `Sends the very same arguments, as they are shown to you here${until}. To leave it, do nothing.`;
  return el('div', { class: 'buttons' }, yes, el('span', { class: 'hint' }, hint));
}
