/** The overview of the org: sums by month from the report, and what waits for somebody from lists. */
import { el } from '../dom.js';
import { card } from '../views/card.js';
import type { Certificate, Hold, InboxItem, ReportSummary } from '../views/records.js';
import { expiringByMonth, orgFigures, pointsByMonth } from '../views/summary.js';
import { expiringCertificates, openHolds, openInbox } from '../views/waiting.js';
import { type Items, NotReadable, type Reader, readCustomers } from './reader.js';
import { fill, loadingCard } from './slot.js';

const LIMIT = 8;
const MONTHS = 12;
const CERTIFICATE_DAYS = 60;
const DAY_MS = 86_400_000;

/** The page, and the heading that receives the focus. */
export function overviewPage(reader: Reader): { readonly node: HTMLElement; readonly heading: HTMLElement } {
  const heading = el('h1', { class: 'person' }, 'Overview');
  const lists = el('div', { class: 'thirds' }, ...waitingCards(reader));
  return { node: el('div', { class: 'cards' }, heading, sums(reader), lists), heading };
}

/** Figures and charts from one read. A server that has no report leaves one line. */
function sums(reader: Reader): HTMLElement {
  const node = el('div', { class: 'slot' });
  void fill(node, async () => {
    const report = await readReport(reader);
    const charts = [
      card('Points by month', pointsByMonth(report)),
      card('Points that will expire', expiringByMonth(report)),
    ];
    return el(
      'div',
      { class: 'cards' },
      orgFigures(report, CERTIFICATE_DAYS),
      el('div', { class: 'halves' }, ...charts),
    );
  });
  return node;
}

async function readReport(reader: Reader): Promise<ReportSummary> {
  const args = { months: MONTHS, expiring_months: MONTHS, certificate_days: CERTIFICATE_DAYS };
  try {
    return await reader.read<ReportSummary>('crm_report_summary', args);
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error;
    const text = `Sums by month cannot be shown. ${error.message} The lists below do not need them.`;
    throw new NotReadable(text, error.canRetry, error.status);
  }
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
