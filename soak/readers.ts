/** Reads pages while others write: a record that existed when paging began must be found, once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Data } from '../test/support/world.js';
import { chainFaults, listFaults } from './findings.js';
import type { Random } from './random.js';
import { type Run, send } from './worker.js';

interface List {
  readonly path: string;
  readonly filter: object;
  readonly id: string;
  /** The ids that must be found. */
  readonly required: readonly string[];
  readonly pageSize: number;
}

const PAUSE_MS = 20;
const MAX_PAGE = 256;
/** Long lists get larger pages, so that a walk takes about this many. */
const PAGES = 25;

/** Walks lists until the run is over. */
export async function readPages(run: Run, random: Random): Promise<void> {
  while (!run.isOver()) {
    const list = chooseList(run, random);
    const items = list === undefined ? [] : await readAll(run, list.path, list.filter, list.pageSize, random);
    for (const fault of list === undefined ? [] : walkFaults(list, items)) {
      run.books.fault('pages', `${list?.path} ${JSON.stringify(list?.filter)}: ${fault}`);
    }
    await sleep(PAUSE_MS);
  }
}

function walkFaults(list: List, items: readonly Data[]): string[] {
  const faults = listFaults(
    items.map((item) => item[list.id]),
    list.required,
  );
  return list.path === '/loyalty/ledger/list' ? [...faults, ...chainFaults(items.map(ledgerItem))] : faults;
}

/** All items of a list, page by page, each page from another server. */
export async function readAll(run: Run, path: string, filter: object, limit: number, random: Random): Promise<Data[]> {
  const items: Data[] = [];
  let token: object = {};
  for (;;) {
    const answer = await send(run, path, { ...filter, limit, ...token }, random);
    if (!answer.ok) {
      run.books.fault('pages', `${path} ${JSON.stringify(filter)}: ${answer.status} ${answer.code}`);
      return items;
    }
    items.push(...answer.data.items);
    const next = answer.data.next_token;
    if (next === null || next === undefined) return items;
    token = { next_token: next };
  }
}

/** An item of `/loyalty/ledger/list` as the check of a chain takes it. */
export function ledgerItem({ loyalty_txn_id, points, balance_after }: Data) {
  return { id: loyalty_txn_id as string, points: points as number, balance_after: balance_after as number };
}

function chooseList({ books }: Run, random: Random): List | undefined {
  const customer = random.pick(books.customersOf('ledger'));
  if (customer === undefined) return undefined;
  const [entries, comments] = [[...books.entries.values()], [...books.comments.values()]];
  const lists: Omit<List, 'pageSize'>[] = [
    {
      path: '/loyalty/ledger/list',
      filter: { customer_id: customer.id },
      id: 'loyalty_txn_id',
      required: entries.filter(({ customer_id }) => customer_id === customer.id).map(({ id }) => id),
    },
    {
      path: '/customer/list',
      filter: { status: 'all' },
      id: 'customer_id',
      required: [...books.customers.keys()],
    },
    {
      path: '/comment/list',
      filter: { target_type: 'customer', target_id: customer.id },
      id: 'comment_id',
      required: comments.filter(({ target_id }) => target_id === customer.id).map(({ id }) => id),
    },
    { path: '/comment/list', filter: {}, id: 'comment_id', required: comments.map(({ id }) => id) },
    { path: '/customer/merge/list', filter: {}, id: 'reason', required: books.merges.map(({ mark }) => mark) },
  ];
  const list = random.chance(0.5) ? lists[0] : random.pick(lists);
  if (list === undefined) return undefined;
  const least = Math.min(MAX_PAGE, Math.ceil(list.required.length / PAGES) + 2);
  return { ...list, pageSize: random.between(least, Math.min(MAX_PAGE, least * 2)) };
}
