/** The checks after the load: every acknowledged write is found, once; ledgers add up; no refused write exists. */
import type { Data } from '../test/support/world.js';
import type { CardBook } from './books.js';
import { chainFaults, listFaults, revisionFaults } from './findings.js';
import { balanceOf } from './operations.js';
import type { Random } from './random.js';
import { ledgerItem, readAll } from './readers.js';
import { type Run, send } from './worker.js';

const PAGE = 256;
const AT_ONCE = 8;

/** Reads everything back through the public endpoints and compares it with the books. */
export async function checkEverything(run: Run, random: Random): Promise<void> {
  await checkCustomers(run, random);
  await eachAtOnce([...run.books.customers.keys()], (id) => checkLedger(run, random, id));
  await eachAtOnce([...run.books.cards.values()], (card) => checkCard(run, random, card));
  await checkStoredValue(run, random);
  await checkAccounts(run, random);
  await checkComments(run, random);
  await checkMerges(run, random);
}

async function checkCustomers(run: Run, random: Random): Promise<void> {
  const { books } = run;
  const items = await readAll(run, '/customer/list', { status: 'all' }, PAGE, random);
  report(run, 'customers', listFaults(ids(items, 'customer_id'), books.customers.keys()));
  report(run, 'customers', unknownMarks(run, ids(items, 'caption')));
  const addresses = items.filter(({ status, email }) => status === 'active' && email !== null);
  report(run, 'one active customer per address', listFaults(ids(addresses, 'email'), []));
  for (const item of items) {
    const book = books.customers.get(item.customer_id);
    if (book === undefined) books.fault('customers', `${item.customer_id} was never acknowledged`);
    else {
      const faults = revisionFaults(item.revision, book.revisions.keys(), mergesAbove(run, book.id));
      report(run, 'revisions', faults, book.id);
      if (book.merged !== (item.status === 'merged')) books.fault('customers', `${book.id} is ${item.status}`);
    }
  }
}

/** The merges that changed a merged customer: its own, and those of its survivors, which pointed it to the newest. */
function mergesAbove(run: Run, customerId: string): number {
  const merge = run.books.merges.find(({ losers }) => losers.includes(customerId));
  return merge === undefined ? 0 : 1 + mergesAbove(run, merge.survivor);
}

async function checkLedger(run: Run, random: Random, customer_id: string): Promise<void> {
  const items = await readAll(run, '/loyalty/ledger/list', { customer_id }, PAGE, random);
  const required = [...run.books.entries.values()].filter((entry) => entry.customer_id === customer_id);
  report(run, 'ledger', chainFaults(items.map(ledgerItem)), customer_id);
  report(run, 'ledger', listFaults(ids(items, 'loyalty_txn_id'), ids(required, 'id')), customer_id);
  const marked = items.filter(({ reason }) => String(reason).startsWith('soak-'));
  const own = marked.filter(({ kind }) => !['merge_in', 'merge_out', 'expire'].includes(kind));
  report(run, 'ledger', unknownMarks(run, ids(own, 'reason')), customer_id);
  report(run, 'ledger', listFaults(ids(own, 'reason'), ids(required, 'mark')), customer_id);
}

async function checkCard(run: Run, random: Random, card: CardBook): Promise<void> {
  const { data } = await send(run, '/giftcard/get', { giftcard_id: card.id }, random);
  const found = (faults: readonly string[]) => report(run, 'gift card', faults, card.id);
  const chain = data.transactions.map(({ giftcard_txn_id, kind, amount, balance_after }: Data) => ({
    id: giftcard_txn_id,
    points: kind === 'issue' ? amount : -amount,
    balance_after,
  }));
  found(chainFaults(chain));
  found(listFaults(ids(data.transactions, 'giftcard_txn_id'), card.redeemed.keys()));
  const marks = [card.mark, ...[...card.redeemed.values()].map(({ mark }) => mark)];
  found(listFaults(ids(data.transactions, 'source_ref'), marks));
  if (data.transactions.length !== marks.length) found([`${data.transactions.length} entries, not ${marks.length}`]);
  if (data.balance !== balanceOf(card)) found([`balance ${data.balance}, not ${balanceOf(card)}`]);
}

/** A card that was issued twice is in no list, but it counts among its owner's cards. */
async function checkStoredValue(run: Run, random: Random): Promise<void> {
  for (const { id } of run.books.customersOf('ledger')) {
    const { data } = await send(run, '/customer/get', { customer_id: id }, random);
    const open = [...run.books.cards.values()].filter((card) => card.customer_id === id && balanceOf(card) > 0);
    const { cards = 0, balance = 0 } = data.stored_value[0] ?? {};
    const due = open.reduce((sum, card) => sum + balanceOf(card), 0);
    if (cards !== open.length || balance !== due)
      run.books.fault('stored value', `${id}: ${cards} cards with ${balance}, not ${open.length} with ${due}`);
  }
}

async function checkAccounts(run: Run, random: Random): Promise<void> {
  for (const { id, used } of run.books.accounts) {
    const { data } = await send(run, '/account/get', { account_id: id }, random);
    if (data.credit_used !== used) run.books.fault('account', `${id}: credit_used ${data.credit_used}, not ${used}`);
  }
}

async function checkComments(run: Run, random: Random): Promise<void> {
  const comments = [...run.books.comments.values()];
  const items = await readAll(run, '/comment/list', { status: 'all' }, PAGE, random);
  report(run, 'comments', listFaults(ids(items, 'comment_id'), ids(comments, 'id')));
  report(run, 'comments', listFaults(ids(items, 'body'), ids(comments, 'mark')));
  if (items.length !== comments.length) run.books.fault('comments', `${items.length}, not ${comments.length}`);
}

async function checkMerges(run: Run, random: Random): Promise<void> {
  const items = await readAll(run, '/customer/merge/list', {}, PAGE, random);
  const marks = ids(run.books.merges, 'mark');
  report(run, 'merges', listFaults(ids(items, 'reason'), marks));
  if (items.length !== marks.length) run.books.fault('merges', `${items.length}, not ${marks.length}`);
}

function unknownMarks({ books }: Run, marks: readonly string[]): string[] {
  return marks.filter((mark) => books.refused.has(mark)).map((mark) => `${mark} was refused, but its write exists`);
}

function ids(items: readonly Data[], field: string): string[] {
  return items.map((item) => String(item[field]));
}

/** Visits the items, a few of them at the same time. */
async function eachAtOnce<T>(items: readonly T[], visit: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const visitor = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await visit(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
}

/** @param subject the record, when the check is of one */
function report(run: Run, check: string, faults: readonly string[], subject = ''): void {
  for (const fault of faults) run.books.fault(check, subject === '' ? fault : `${subject}: ${fault}`);
}
