/** Rows that can be added and removed: what lists and maps have in common. */
import { button, el } from '../dom.js';

export interface Row {
  readonly node: HTMLElement;
}

export interface Rows<Kind extends Row> {
  readonly node: HTMLElement;
  all(): readonly Kind[];
  add(): Kind;
  clear(): void;
}

const MOST_ROWS = 100;

/** An empty set of rows; `noun` names one in buttons. */
export function createRows<Kind extends Row>(noun: string, make: () => Kind): Rows<Kind> {
  const rows: { readonly row: Kind; readonly frame: HTMLElement }[] = [];
  const body = el('div', { class: 'rows' });
  const add = (): Kind => {
    const row = make();
    const remove = button('Remove', () => drop(row), { class: 'quiet', 'aria-label': `Remove this ${noun}` });
    const frame = el('div', { class: 'row' }, row.node, remove);
    rows.push({ row, frame });
    body.append(frame);
    return row;
  };
  const more = button(`Add ${noun}`, () => {
    if (rows.length < MOST_ROWS) add().node.querySelector<HTMLElement>('input, select, textarea')?.focus();
  });
  const drop = (row: Kind) => {
    const index = rows.findIndex((each) => each.row === row);
    rows[index]?.frame.remove();
    rows.splice(index, 1);
    more.focus();
  };
  return {
    node: el('div', {}, body, more),
    all: () => rows.map(({ row }) => row),
    add,
    clear: () => {
      rows.length = 0;
      body.replaceChildren();
    },
  };
}
