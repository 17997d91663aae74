/** The writes of the soak: each has a mark that its record keeps, the refusals it may get, and what it notes down. */
import type { Books, CardBook, CustomerBook } from './books.js';
import type { Random } from './random.js';
import type { Answer } from './server.js';

export interface Operation {
  readonly mark: string;
  readonly path: string;
  readonly body: object;
  /** The error codes that may answer it. */
  readonly refusals: readonly string[];
  /** Notes an acknowledged write. */
  acknowledged(answer: Answer): void;
}

type Maker = (books: Books, random: Random) => Operation | undefined;

const NOT_ACTIVE = 'crm.customer_not_active';
/** Shared by several customers over time: of those with one address, one at most is active. */
const ADDRESSES = 40;
/** Two notations of one domain. */
const DOMAINS = ['exämple.com', 'xn--exmple-cua.com'];
const MAX_CARD_ENTRIES = 80;
/** By the clock that is ahead, lots that expire just after this many minutes expire during the run. */
const AHEAD_MINUTES = 60;

/** An earn by a customer with a ledger, or now and then by another. */
export const newEarn: Maker = (books, random) =>
  entry(books, random, '/loyalty/earn', { points: random.between(1, 50) }, []);

const redeem: Maker = (books, random) =>
  entry(books, random, '/loyalty/redeem', { points: random.between(1, 60) }, ['crm.loyalty_insufficient_points']);

const adjust: Maker = (books, random) => {
  const points = random.chance(0.5) ? random.between(1, 30) : -random.between(1, 10);
  const soon = new Date(Date.now() + random.between(AHEAD_MINUTES + 1, AHEAD_MINUTES + 8) * 60_000).toISOString();
  const expires = points > 0 && random.chance(0.5) ? { expires_at: soon } : {};
  const refusals = ['crm.loyalty_insufficient_points'];
  return entry(books, random, '/loyalty/adjust', { points, ...expires }, refusals);
};

const reverse: Maker = (books, random) => {
  const target = random.pick([...books.entries.values()].slice(-200).filter(({ kind }) => kind !== 'reverse'));
  if (target === undefined) return undefined;
  const refusals = [
    'crm.loyalty_points_spent',
    'crm.loyalty_already_reversed',
    'crm.loyalty_points_expired',
    NOT_ACTIVE,
  ];
  const fields = { loyalty_txn_id: target.id };
  return ledgerWrite(books, target.customer_id, '/loyalty/reverse', fields, refusals);
};

function entry(books: Books, random: Random, path: string, fields: object, refusals: readonly string[]) {
  const customer = random.pick(books.customersOf(random.chance(0.9) ? 'ledger' : 'mergeable'));
  if (customer === undefined) return undefined;
  return ledgerWrite(books, customer.id, path, { customer_id: customer.id, ...fields }, [...refusals, NOT_ACTIVE]);
}

function ledgerWrite(
  books: Books,
  customer_id: string,
  path: string,
  fields: object,
  refusals: readonly string[],
): Operation {
  const mark = books.newMark();
  return {
    mark,
    path,
    body: { ...fields, reason: mark },
    refusals,
    acknowledged: ({ data }) => {
      const { loyalty_txn_id: id, kind, points } = data;
      books.entries.set(id, { id, mark, customer_id, kind, points });
    },
  };
}

const issue: Maker = (books, random) => {
  const customer = random.pick(books.customersOf('ledger'));
  if (customer === undefined) return undefined;
  const mark = books.newMark();
  const amount = random.between(20, 500);
  return {
    mark,
    path: '/giftcard/issue',
    body: { amount, currency: 'USD', customer_id: customer.id, source_ref: mark, reason: mark },
    refusals: [],
    acknowledged: ({ data }) => {
      const id = data.giftcard_id;
      books.cards.set(id, { id, mark, customer_id: customer.id, issued: amount, redeemed: new Map() });
    },
  };
};

const redeemCard: Maker = (books, random) => {
  const open = [...books.cards.values()].slice(-60).filter(({ redeemed }) => redeemed.size < MAX_CARD_ENTRIES);
  const card = random.pick(open);
  if (card === undefined) return undefined;
  const mark = books.newMark();
  const amount = random.between(1, 20);
  return {
    mark,
    path: '/giftcard/redeem',
    body: { giftcard_id: card.id, amount, currency: 'USD', source_ref: mark, reason: mark },
    refusals: ['crm.giftcard_insufficient_balance', 'crm.giftcard_exhausted'],
    acknowledged: ({ data }) => void card.redeemed.set(data.txn.giftcard_txn_id, { mark, amount }),
  };
};

const credit =
  (path: string, sign: 1 | -1, refusals: readonly string[]): Maker =>
  (books, random) => {
    const account = random.pick(books.accounts);
    if (account === undefined) return undefined;
    const mark = books.newMark();
    const amount = random.between(1, 30);
    return {
      mark,
      path,
      body: { account_id: account.id, amount, currency: 'USD', source_ref: mark, reason: mark },
      refusals,
      acknowledged: () => {
        account.used += sign * amount;
      },
    };
  };

const comment: Maker = (books, random) => {
  const target = random.pick(books.customersOf('ledger'));
  if (target === undefined) return undefined;
  const mark = books.newMark();
  return {
    mark,
    path: '/comment',
    body: { comment: { target_type: 'customer', target_id: target.id, body: mark }, reason: mark },
    refusals: [],
    acknowledged: ({ data }) =>
      void books.comments.set(data.comment_id, { id: data.comment_id, mark, target_id: target.id }),
  };
};

const createMergeable: Maker = (books, random) => createCustomer(books, random, 'mergeable');

/** Creates a customer; a mergeable one sometimes has an address that another customer may have. */
export function createCustomer(books: Books, random: Random, kind: CustomerBook['kind']): Operation {
  const mark = books.newMark();
  const shared = `shared-${random.between(1, ADDRESSES)}@${random.pick(DOMAINS)}`;
  const email = kind === 'mergeable' && random.chance(0.3) ? shared : undefined;
  return {
    mark,
    path: '/customer/create',
    body: { customer: { caption: mark, ...(email === undefined ? {} : { email }) }, reason: mark },
    refusals: email === undefined ? [] : ['crm.customer_exists'],
    acknowledged: ({ data }) => {
      const { customer_id: id, revision } = data;
      books.customers.set(id, { id, kind, email, revision, revisions: new Map(), merged: false });
    },
  };
}

const update: Maker = (books, random) => {
  const customer = random.pick(books.customersOf(random.chance(0.7) ? 'ledger' : 'mergeable'));
  if (customer === undefined) return undefined;
  const mark = books.newMark();
  return {
    mark,
    path: '/customer/update',
    body: {
      customer_id: customer.id,
      expected_revision: customer.revision,
      customer: { company: `Company ${mark}`, tags: [random.chance(0.5) ? 'even' : 'odd'] },
      reason: mark,
    },
    refusals: ['crm.conflict_revision', NOT_ACTIVE],
    acknowledged: ({ data }) => books.revised(customer, data.revision, mark),
  };
};

const merge: Maker = (books, random) => {
  const [survivor, ...losers] = mergeCandidates(books, random);
  if (survivor === undefined || losers.length === 0) return undefined;
  const mark = books.newMark();
  return {
    mark,
    path: '/customer/merge',
    body: {
      customer_id: survivor.id,
      merge_customer_ids: losers.map(({ id }) => id),
      expected_revision: survivor.revision,
      reason: mark,
    },
    refusals: ['crm.conflict_revision', NOT_ACTIVE],
    acknowledged: ({ data }) => {
      books.revised(survivor, data.revision, mark);
      for (const loser of losers) loser.merged = true;
      books.merges.push({ mark, survivor: survivor.id, losers: losers.map(({ id }) => id) });
    },
  };
};

function mergeCandidates(books: Books, random: Random): CustomerBook[] {
  const candidates = books.customersOf('mergeable');
  const chosen = Array.from({ length: random.between(2, 4) }, () => random.pick(candidates));
  return [...new Set(chosen)].filter((customer) => customer !== undefined);
}

const WEIGHTS: readonly (readonly [number, Maker])[] = [
  [24, newEarn],
  [16, redeem],
  [6, adjust],
  [5, reverse],
  [3, issue],
  [9, redeemCard],
  [9, credit('/account/credit/consume', 1, ['crm.credit_exceeded'])],
  [6, credit('/account/credit/release', -1, ['crm.credit_not_used'])],
  [8, comment],
  [6, createMergeable],
  [7, update],
  [2, merge],
];
const TOTAL = WEIGHTS.reduce((sum, [weight]) => sum + weight, 0);

/** The next write, chosen by weight among those that are possible now. */
export function nextOperation(books: Books, random: Random): Operation {
  for (;;) {
    let at = random.next() * TOTAL;
    const chosen = WEIGHTS.find(([weight]) => {
      at -= weight;
      return at < 0;
    });
    const operation = chosen?.[1](books, random);
    if (operation !== undefined) return operation;
  }
}

/** What is left on a card by the books. */
export function balanceOf(card: CardBook): number {
  return [...card.redeemed.values()].reduce((left, { amount }) => left - amount, card.issued);
}
