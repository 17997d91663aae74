/** Recomputes gift card balances from their ledger, which is append-only. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { eachOwner, OrderedRows } from '../engine/ordered-rows.js';
import type { Steps } from '../engine/step.js';

const CARDS = 'SELECT giftcard_id, balance_minor, initial_minor, status, last_seq FROM giftcard g';
const ENTRIES = `SELECT giftcard_id, giftcard_txn_id, seq, kind, amount_minor, balance_after_minor
  FROM giftcard_txn t`;

interface CardRow {
  readonly giftcard_id: string;
  readonly balance_minor: number;
  readonly initial_minor: number;
  readonly status: string;
  readonly last_seq: number;
}

interface EntryRow {
  readonly giftcard_id: string;
  readonly giftcard_txn_id: string;
  readonly seq: number;
  readonly kind: string;
  readonly amount_minor: number;
  readonly balance_after_minor: number;
}

/** Checks the gift cards of an org against their ledgers. Returns the number of entries. */
export function* verifyGiftcards(orgcode: string, report: ReportDisagreement): Steps<number> {
  const cards = new OrderedRows<CardRow>({ orgcode, select: CARDS, alias: 'g', key: ['giftcard_id'] });
  const entries = new OrderedRows<EntryRow>({ orgcode, select: ENTRIES, alias: 't', key: ['giftcard_id', 'seq'] });
  let count = 0;
  yield* eachOwner(['giftcard_id'], [cards, entries], function* ({ giftcard_id: id }, isOwned) {
    const [card] = yield* cards.take(isOwned);
    const replayed = { seq: 0, balance: 0, issued: 0 };
    yield* entries.visit(isOwned, ({ giftcard_txn_id, kind, amount_minor, seq, balance_after_minor }) => {
      replayed.seq += 1;
      replayed.balance += kind === 'issue' ? amount_minor : -amount_minor;
      if (kind === 'issue') replayed.issued += amount_minor;
      report('giftcard_txn.balance_after', giftcard_txn_id, balance_after_minor, replayed.balance);
      report('giftcard_txn.seq', giftcard_txn_id, seq, replayed.seq);
    });
    count += replayed.seq;
    if (card === undefined) return; // reported as entries without a card
    report('giftcard.balance', id, card.balance_minor, replayed.balance);
    report('giftcard.initial_amount', id, card.initial_minor, replayed.issued);
    report('giftcard.last_seq', id, card.last_seq, replayed.seq);
    if (card.status !== 'blocked') report('giftcard.status', id, card.status === 'exhausted', card.balance_minor === 0);
  });
  return count;
}
