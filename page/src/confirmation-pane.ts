/** Shows the preview of a call that needs confirmation, and the button that confirms it. */
import { button, el } from './dom.js';
import { jsonBlock } from './json-view.js';
import type { Confirmation, Preview } from './outcome.js';

/** The preview, with a confirm button if `onConfirm` is given. */
export function confirmationPane(
  { preview, expiresAt }: Confirmation,
  onConfirm: (() => void) | undefined,
): HTMLElement {
  const node = el('div', { class: 'confirmation-body' });
  if (preview.action !== undefined) node.append(el('p', { class: 'subhead' }, `This call would: ${preview.action}`));
  node.append(...changesOf(preview));
  if (preview.note !== undefined) node.append(el('p', {}, preview.note));
  if (preview.result !== undefined) {
    const summary = el('summary', {}, 'Expected result');
    node.append(el('details', { class: 'fold' }, summary, jsonBlock(preview.result, 'Expected result')));
  }
  if (onConfirm !== undefined) node.append(confirmBar(expiresAt, onConfirm));
  return node;
}

function changesOf({ changes = [] }: Preview): readonly Node[] {
  if (changes.length === 0) return [];
  const head = ['Field', 'Before', 'After'].map((text) => el('th', { scope: 'col' }, text));
  const rows = changes.map(({ field, before, after }) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, el('code', {}, field)),
      el('td', {}, display(before)),
      el('td', {}, display(after)),
    ),
  );
  const table = el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows));
  return [el('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': 'Expected changes' }, table)];
}

function display(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function confirmBar(expiresAt: string | undefined, onConfirm: () => void): HTMLElement {
  const confirm = button('Confirm and send', onConfirm, { class: 'danger' });
  const until = expiresAt === undefined ? '' : `; the preview expires at ${new Date(expiresAt).toLocaleTimeString()}`;
  const hint = `Sends exactly the arguments of this preview. To cancel, do nothing${until}.`;
  return el('div', { class: 'buttons' }, confirm, el('span', { class: 'hint' }, hint));
}
