/** Rows that can be added and removed, shared by list and map fields. */
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

const MAX_ROWS = 100;

/** Creates an empty set of rows; buttons use `noun` for one row. */
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
    if (rows.length < MAX_ROWS) add().node.querySelector<HTMLElement>('input, select, textarea')?.focus();
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
