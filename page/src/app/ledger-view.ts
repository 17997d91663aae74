/** A points ledger in the MCP app: the charts, and the way to older entries. */
import { balanceChart } from '../charts/balance-chart.js';
import { lotsChart } from '../charts/lots-chart.js';
import { el } from '../dom.js';
import { card } from '../views/card.js';
import type { LedgerPage } from '../views/records.js';
import { phrase } from '../views/words.js';
import type { Arguments } from './host.js';
import type { Reader } from './reader.js';

/** Entries that the app asks for at a time. */
export const PAGE_SIZE = 100;
/** The arguments of a ledger call that leave entries out. */
const FILTERS = ['kind', 'from', 'to', 'next_token'] as const;

/** The charts of a page of a ledger, which was read with these arguments. Older entries are added on request. */
export function ledgerView(page: LedgerPage, args: Arguments, reader: Reader): HTMLElement {
  const section = el('div', { class: 'cards' }, ...charts(page, args));
  if (page.next_token === null) return section;
  const older = reader.button('Read older entries', async () => {
    const read = await reader.read('ledger', { ...args, limit: PAGE_SIZE, next_token: page.next_token });
    if (read === undefined) return undefined;
    const { items, next_token } = read.page;
    section.replaceWith(ledgerView({ ...page, items: [...page.items, ...items], next_token }, args, reader));
    return [];
  });
  section.append(...older);
  return section;
}

function charts(page: LedgerPage, args: Arguments): readonly Node[] {
  const filters = FILTERS.filter((name) => args[name] !== undefined);
  const isComplete = page.next_token === null && filters.length === 0;
  const nowMs = Date.now();
  const balance = card('Points balance over time', balanceChart(page.items, isComplete, nowMs));
  const chosen = filters.map((name) => filterText(name, args)).join(', ');
  if (chosen !== '') balance.append(el('p', { class: 'hint' }, `Chosen entries only: ${chosen}.`));
  return [balance, card('Points by expiry', lotsChart(page.open_lots, page.open_lots_total, nowMs))];
}

/** A filter in words. A page token says nothing to people. */
function filterText(name: (typeof FILTERS)[number], args: Arguments): string {
  return name === 'next_token' ? 'a later page' : `${phrase(name).toLowerCase()} ${String(args[name])}`;
}
