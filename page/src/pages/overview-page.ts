/** The overview of the org: what waits for somebody, from lists. */
import { el } from '../dom.js';
import type { Certificate, Hold, InboxItem } from '../views/records.js';
import { expiringCertificates, openHolds, openInbox } from '../views/waiting.js';
import { type Items, type Reader, readCustomers } from './reader.js';
import { loadingCard } from './slot.js';

const LIMIT = 8;
const CERTIFICATE_DAYS = 60;
const DAY_MS = 86_400_000;

/** The page, and the heading that receives the focus. */
export function overviewPage(reader: Reader): { readonly node: HTMLElement; readonly heading: HTMLElement } {
  const heading = el('h1', { class: 'person' }, 'Overview');
  return {
    node: el('div', { class: 'cards' }, heading, el('div', { class: 'thirds' }, ...waitingCards(reader))),
    heading,
  };
}

function waitingCards(reader: Reader): readonly HTMLElement[] {
  const list = async <Item>(tool: string, args: object) => reader.read<Items<Item>>(tool, { ...args, limit: LIMIT });
  const before = new Date(Date.now() + CERTIFICATE_DAYS * DAY_MS).toISOString().slice(0, 10);
  return [
    loadingCard('Holds to review', async () => {
      const page = await list<Hold>('crm_customer_hold_list', { status: 'active' });
      const customers = await readCustomers(
        page.items.map(({ customer_id }) => customer_id),
        reader,
      );
      return withRest(openHolds(page.items, customers), page);
    }),
    loadingCard(`Certificates that expire within ${CERTIFICATE_DAYS} days`, async () => {
      const args = { status: 'active', expiring_before: before };
      const page = await list<Certificate>('crm_exemption_certificate_list', args);
      const customers = await readCustomers(
        page.items.flatMap(({ customer_id }) => customer_id ?? []),
        reader,
      );
      return withRest(expiringCertificates(page.items, customers), page);
    }),
    loadingCard('Open inbox', async () => {
      const page = await list<InboxItem>('crm_inbox_list', { status: 'open' });
      const about = page.items.flatMap(({ record_type, record_id }) =>
        record_type === 'customer' ? (record_id ?? []) : [],
      );
      return withRest(openInbox(page.items, await readCustomers(about, reader)), page);
    }),
  ];
}

/** A list, and a line if it is not whole. */
function withRest(node: HTMLElement, { next_token, items }: Items<unknown>): HTMLElement {
  if (next_token === null) return node;
  return el(
    'div',
    { class: 'cards' },
    node,
    el('p', { class: 'hint' }, `Shows the newest ${items.length}; there are more.`),
  );
}
