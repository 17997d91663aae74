/** The page of one customer: reads the parts one by one and gives them to the views. */
import { balanceChart } from '../charts/balance-chart.js';
import { lotsChart } from '../charts/lots-chart.js';
import { el } from '../dom.js';
import { card, type ViewActions } from '../views/card.js';
import { commentThreads } from '../views/comments.js';
import { consentTable } from '../views/consents.js';
import { contactCard, customerHead, keyFigures } from '../views/customer-summary.js';
import { duplicateList } from '../views/duplicates.js';
import { flagList } from '../views/flags.js';
import { holdList } from '../views/holds.js';
import { ledgerTimeline, type TimelineEntry } from '../views/ledger-timeline.js';
import type { Assessment, Comment, Consents, Customer, Duplicate, Flag, Hold, LedgerPage } from '../views/records.js';
import { storedValueCard } from '../views/stored-value.js';
import { type Items, NotReadable, type Reader, readCustomers, readPages, shared } from './reader.js';
import { loadingCard } from './slot.js';

/** Entries of the ledger are read in pages of this size, up to this many pages. */
const LEDGER_PAGE = 100;
const LEDGER_PAGES = 4;
const LIST_LIMIT = 50;
const DUPLICATE_SCORE = 0.5;
const MOST_DUPLICATES = 8;
const ENTRY_FIELDS = [
  'loyalty_txn_id',
  'kind',
  'points',
  'balance_after',
  'related_txn_id',
  'source_ref',
  'reason',
  'logical_guid',
  'channel_code',
  'actor',
  'created_at',
  'value',
  'points_balance',
  'open_lots',
  'open_lots_total',
];

/** The page, and the heading that receives the focus. @throws NotReadable when the customer cannot be read. */
export async function customerPage(
  customer_id: string,
  reader: Reader,
  on: ViewActions,
): Promise<{ readonly node: HTMLElement; readonly heading: HTMLElement }> {
  const customer = await reader.read<Customer>('crm_customer_get', { customer_id });
  const { node: head, heading } = customerHead(customer, on);
  const columns = el(
    'div',
    { class: 'columns' },
    el('div', { class: 'cards' }, ...mainCards(customer, reader, on)),
    el('div', { class: 'cards' }, contactCard(customer), ...sideCards(customer, reader, on)),
  );
  return { node: el('article', { class: 'customer' }, head, keyFigures(customer), columns), heading };
}

function mainCards({ customer_id }: Customer, reader: Reader, on: ViewActions): readonly HTMLElement[] {
  type Page = Omit<LedgerPage, 'items'> & Items<TimelineEntry>;
  const args = { customer_id, limit: LEDGER_PAGE, fields: ENTRY_FIELDS };
  const ledger = shared(() => readPages<Page>(reader, 'crm_loyalty_ledger_list', args, LEDGER_PAGES));
  return [
    loadingCard('Points balance over time', async () => {
      const { items, complete } = await ledger();
      return balanceChart(items, complete, Date.now());
    }),
    loadingCard('Points by expiry', async () => {
      const { open_lots, open_lots_total } = (await ledger()).first;
      return lotsChart(open_lots, open_lots_total, Date.now());
    }),
    loadingCard('Points ledger', async () => {
      const { items, complete } = await ledger();
      return ledgerTimeline(items, complete, on);
    }),
    loadingCard('Comments', async () => {
      const args = { target_type: 'customer', target_id: customer_id, limit: LIST_LIMIT };
      return commentThreads(customer_id, (await reader.read<Items<Comment>>('crm_comment_list', args)).items, on);
    }),
  ];
}

function sideCards(customer: Customer, reader: Reader, on: ViewActions): readonly HTMLElement[] {
  const { customer_id } = customer;
  const ofCustomer = { customer_id, limit: LIST_LIMIT };
  const list = async <Item>(tool: string, args: object) => (await reader.read<Items<Item>>(tool, args)).items;
  return [
    loadingCard('Holds and fraud checks', async () => {
      const [holds, assessments] = await Promise.all([
        list<Hold>('crm_customer_hold_list', { ...ofCustomer, status: 'all' }),
        list<Assessment>('crm_customer_fraud_list', ofCustomer).catch(undefinedIfWithheld),
      ]);
      return holdList(holds, assessments, on);
    }),
    loadingCard('Flags', async () =>
      flagList(customer_id, await list<Flag>('crm_customer_flag_list', { ...ofCustomer, status: 'all' }), on),
    ),
    storedValueCard(customer, on),
    loadingCard('Consents', async () => {
      const args = { customer_id, include_history: true };
      return consentTable(await reader.read<Consents>('crm_customer_consent_get', args), on);
    }),
    loadingCard('Possible duplicates', async () => {
      const args = { customer_id, min_score: DUPLICATE_SCORE, limit: MOST_DUPLICATES };
      const pairs = await list<Duplicate>('crm_customer_dedupe_list', args);
      const others = pairs.flatMap(({ customer_ids }) => customer_ids).filter((id) => id !== customer_id);
      return duplicateList(customer_id, pairs, await readCustomers(others, reader));
    }),
  ];
}

function undefinedIfWithheld(error: unknown): undefined {
  if (!(error instanceof NotReadable && error.status === 403)) throw error;
}

/** What the page says when the customer itself cannot be read. */
export function customerProblem(problem: NotReadable): HTMLElement {
  const text =
    problem.status === 404 ? 'No customer of this org has that id. Search by name, phone or e-mail.' : problem.message;
  return card('This customer cannot be shown', el('p', {}, text));
}
