/** Recomputes the credit used by accounts from its ledger, which is append-only. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { eachOwner, OrderedRows } from '../engine/ordered-rows.js';
import type { Steps } from '../engine/step.js';

const ACCOUNTS = 'SELECT account_id, credit_used_minor, last_seq FROM account a';
const ENTRIES = `SELECT account_id, credit_txn_id, seq, kind, amount_minor, used_after_minor
  FROM account_credit_txn t`;

interface AccountRow {
  readonly account_id: string;
  readonly credit_used_minor: number;
  readonly last_seq: number;
}

interface EntryRow {
  readonly account_id: string;
  readonly credit_txn_id: string;
  readonly seq: number;
  readonly kind: string;
  readonly amount_minor: number;
  readonly used_after_minor: number;
}

/** Checks the credit of an org's accounts against its ledger. Returns the number of entries. */
export function* verifyCredit(orgcode: string, report: ReportDisagreement): Steps<number> {
  const accounts = new OrderedRows<AccountRow>({ orgcode, select: ACCOUNTS, alias: 'a', key: ['account_id'] });
  const entries = new OrderedRows<EntryRow>({ orgcode, select: ENTRIES, alias: 't', key: ['account_id', 'seq'] });
  let count = 0;
  yield* eachOwner(['account_id'], [accounts, entries], function* ({ account_id: id }, isOwned) {
    const [account] = yield* accounts.take(isOwned);
    const replayed = { seq: 0, used: 0 };
    yield* entries.visit(isOwned, ({ credit_txn_id, kind, amount_minor, seq, used_after_minor }) => {
      replayed.seq += 1;
      replayed.used += kind === 'consume' ? amount_minor : -amount_minor;
      report('account_credit_txn.used_after', credit_txn_id, used_after_minor, replayed.used);
      report('account_credit_txn.seq', credit_txn_id, seq, replayed.seq);
    });
    count += replayed.seq;
    if (account === undefined) return; // reported as entries without an account
    report('account.credit_used', id, account.credit_used_minor, replayed.used);
    report('account.last_seq', id, account.last_seq, replayed.seq);
  });
  return count;
}
