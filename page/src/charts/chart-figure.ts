/** The frame of every chart: a caption, the drawing, its legend, and the same values as a table. */
import { el } from '../dom.js';

export interface ChartTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A figure with a drawing and a table of its values that opens by keyboard. `note` says what the drawing leaves out. */
export function chartFigure(
  caption: string,
  drawing: Node,
  table: ChartTable,
  parts: { readonly note?: string; readonly legend?: Node } = {},
): HTMLElement {
  const figure = el('figure', { class: 'chart' }, el('figcaption', {}, caption));
  if (parts.legend !== undefined) figure.append(parts.legend);
  figure.append(drawing);
  if (parts.note !== undefined) figure.append(el('p', { class: 'hint' }, parts.note));
  const label = `${caption}, as a table`;
  const grid = el('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': label }, tableOf(table, label));
  figure.append(el('details', { class: 'fold values' }, el('summary', {}, 'Show as a table'), grid));
  return figure;
}

function tableOf({ head, rows }: ChartTable, label: string): HTMLTableElement {
  const heads = head.map((name, index) => el('th', { scope: 'col', class: index === 0 ? '' : 'number' }, name));
  const lines = rows.map(([first = '', ...values]) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, first),
      ...values.map((value) => el('td', { class: /^[−+]?[\d,.]+$/.test(value) ? 'number' : '' }, value)),
    ),
  );
  return el(
    'table',
    {},
    el('caption', { class: 'unseen' }, label),
    el('thead', {}, el('tr', {}, ...heads)),
    el('tbody', {}, ...lines),
  );
}
