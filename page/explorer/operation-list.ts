/** The list of operations, with a search over their names, texts, and the fields of their requests. */
import { byId, el } from '../src/dom.js';
import type { ApiDocument, ApiOperation } from './api-document.js';

/** Fills the list, and keeps it in step with the search and with the address. */
export function mountOperationList({ operations, families }: ApiDocument): void {
  const search = byId('search', HTMLInputElement);
  const found = byId('operations', HTMLElement);
  const count = byId('count', HTMLElement);
  const links = new Map(operations.map((operation) => [operation.id, linkTo(operation)]));
  const update = () => {
    const matching = searchOperations(operations, search.value);
    count.textContent = `${matching.length} of ${operations.length} operations`;
    const names = search.value.trim() === '' ? families.map(({ name }) => name) : [undefined];
    const groups = names.map((name) => {
      const members = matching.filter(({ family }) => name === undefined || family === name);
      const items = members.map(({ id }) => el('li', {}, links.get(id) ?? ''));
      const list = el('ul', {}, ...items);
      const heading = name === undefined ? [] : [el('h2', {}, name)];
      return el('div', { class: 'group', hidden: members.length === 0 }, ...heading, list);
    });
    found.replaceChildren(...groups);
  };
  const mark = () => {
    for (const [id, link] of links) {
      if (id === currentId()) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  };
  search.addEventListener('input', update);
  addEventListener('hashchange', mark);
  update();
  mark();
}

const PREFIX = '#/';
let lastId = '';

/** The id of the operation that the address names; empty for none. The skip link does not change it. */
export function currentId(): string {
  if (location.hash.startsWith(PREFIX) || location.hash === '') lastId = location.hash.slice(PREFIX.length);
  return lastId;
}

/** The operations that contain every word, those first that have it in their name or summary. */
export function searchOperations(operations: readonly ApiOperation[], text: string): readonly ApiOperation[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const ranked = operations.map((operation) => ({ operation, rank: rankOf(operation, words) }));
  return ranked
    .filter(({ rank }) => rank > 0)
    .sort((one, other) => other.rank - one.rank || lengthOf(one, words) - lengthOf(other, words))
    .map(({ operation }) => operation);
}

/** Of two operations that match as well, the one with the shorter path is meant; without words all keep their order. */
function lengthOf({ operation }: { readonly operation: ApiOperation }, words: readonly string[]): number {
  return words.length === 0 ? 0 : operation.path.length;
}

/** 0 when a word is missing; more for words in the name and in the summary. */
function rankOf({ id, path, summary, description, family, fields }: ApiOperation, words: readonly string[]): number {
  const name = `${id} ${path}`.toLowerCase();
  const rest = `${description} ${family} ${fields.join(' ')}`.toLowerCase();
  const ranks = words.map((word) => {
    if (name.includes(word)) return 3;
    if (summary.toLowerCase().includes(word)) return 2;
    return rest.includes(word) ? 1 : 0;
  });
  return ranks.includes(0) ? 0 : 1 + ranks.reduce<number>((sum, rank) => sum + rank, 0);
}

function linkTo({ id, path, summary }: ApiOperation): HTMLAnchorElement {
  const name = el('code', {}, path);
  return el('a', { class: 'tool', href: PREFIX + id }, name, el('span', { class: 'hint' }, summary));
}
