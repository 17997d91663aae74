/** The tool list with its search and filters. tool-card.ts shows the selected tool. */
import { CALL_OPERATION, type Entry, search, type Toolbox } from './catalogue.js';
import { button, byId, el } from './dom.js';

export interface ToolList {
  /** Redraws the list from the toolbox. */
  refresh(): void;
  /** Marks a tool as selected. */
  mark(name: string): void;
}

/** Fills the list; calls `onSelect` with the tool that the user selects. */
export function mountToolList(toolbox: Toolbox, onSelect: (name: string) => void): ToolList {
  const words = byId('search', HTMLInputElement);
  const [family, effect, role] = ['family', 'effect', 'role'].map((id) => byId(id, HTMLSelectElement)) as Selects;
  const showUnlisted = byId('show-unlisted', HTMLInputElement);
  const list = byId('tools-found', HTMLElement);
  let selected = '';
  fillFilters(toolbox.entries(), family, effect, role);
  const refresh = () => {
    const all = toolbox.entries();
    const connected = all.some(({ listed }) => listed !== undefined);
    byId('show-unlisted-row', HTMLElement).hidden = !connected;
    const available = all.filter(({ listed }) => listed !== false || showUnlisted.checked);
    const filter = { words: words.value, family: family.value, effect: effect.value, role: role.value };
    const found = search(available, filter);
    byId('count', HTMLElement).textContent = countText(found, all, connected);
    list.replaceChildren(...groupsOf(found).map((group) => groupNode(group, selected, onSelect)));
  };
  for (const control of [words, family, effect, role, showUnlisted]) control.addEventListener('input', refresh);
  refresh();
  return {
    refresh,
    mark: (name) => {
      selected = name;
      for (const item of list.querySelectorAll('button')) {
        markOne(item, item.dataset.tool === name);
        if (item.dataset.tool === name) bringIntoView(item, list);
      }
    },
  };
}

type Selects = [HTMLSelectElement, HTMLSelectElement, HTMLSelectElement];

function fillFilters(entries: readonly Entry[], ...[family, effect, role]: Selects): void {
  fill(family, unique(entries.map((entry) => entry.family)));
  fill(effect, ['read', 'append', 'revise', 'destroy']);
  fill(role, ['owner', ...unique(entries.flatMap(({ roles }) => roles ?? []))]);
}

function fill(select: HTMLSelectElement, values: readonly string[]): void {
  select.append(...values.map((value) => el('option', { value }, value)));
}

function unique(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))].sort();
}

function countText(found: readonly Entry[], all: readonly Entry[], connected: boolean): string {
  const listed = all.filter((entry) => entry.listed && !entry.through).length;
  const through = all.filter((entry) => entry.through).length;
  const throughText = through === 0 ? '' : `, ${through} through ${CALL_OPERATION}`;
  const connectedText = connected ? ` · ${listed} available to you${throughText}` : '';
  return `${found.length} of ${all.length} tools${connectedText}`;
}

const NO_FAMILY = 'other';

function groupsOf(entries: readonly Entry[]): readonly (readonly [string, readonly Entry[]])[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const family = entry.family ?? NO_FAMILY;
    groups.set(family, [...(groups.get(family) ?? []), entry]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function groupNode(
  [family, entries]: readonly [string, readonly Entry[]],
  selected: string,
  onSelect: (name: string) => void,
): HTMLElement {
  const items = entries.map((entry) => {
    const item = button('', () => onSelect(entry.name), { class: 'tool', 'data-tool': entry.name });
    item.append(el('code', {}, entry.name), el('span', { class: 'hint' }, entry.title ?? ''));
    if (entry.listed === false) item.append(el('span', { class: 'hint' }, 'not available to you'));
    markOne(item, entry.name === selected);
    return el('li', {}, item);
  });
  return el('div', { class: 'group' }, el('h3', {}, family), el('ul', { role: 'list' }, ...items));
}

/** Scrolls only the list, not the page. */
function bringIntoView(item: HTMLElement, list: HTMLElement): void {
  const [inner, outer] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
  const visible = inner.top >= outer.top && inner.bottom <= outer.bottom;
  if (!visible) list.scrollTop += inner.top - outer.top - outer.height / 3;
}

function markOne(item: HTMLElement, current: boolean): void {
  if (current) item.setAttribute('aria-current', 'true');
  else item.removeAttribute('aria-current');
}
