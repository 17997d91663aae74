/** What is shown while no operation is chosen: the description of the API, and its error codes. */
import { el } from '../src/dom.js';
import type { ApiDocument } from './api-document.js';

/** Renders the overview of a document. */
export function renderOverview({ title, version, description, families, errors }: ApiDocument): HTMLElement {
  const familyRows = families.map((family) => row(el('code', {}, family.name), family.description));
  const errorRows = errors.map(({ code, status, when, whatToDo }) => row(el('code', {}, code), status, when, whatToDo));
  return el(
    'div',
    { class: 'overview' },
    el('h2', {}, `${title} ${version}`),
    el('p', {}, description),
    el('p', {}, 'Choose an operation to read it, fill it in and send it.'),
    el('h3', {}, 'Families'),
    table(['Family', 'Contents'], familyRows),
    ...(errors.length === 0
      ? []
      : [el('h3', {}, 'Error codes'), table(['error_code', 'Status', 'When', 'What to do'], errorRows)]),
  );
}

function row(first: Node, ...others: readonly string[]): HTMLElement {
  return el('tr', {}, el('th', { scope: 'row' }, first), ...others.map((text) => el('td', {}, text)));
}

function table(names: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  const head = el('tr', {}, ...names.map((name) => el('th', { scope: 'col' }, name)));
  const label = names.join(', ');
  const inner = el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows));
  return el('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': label }, inner);
}
