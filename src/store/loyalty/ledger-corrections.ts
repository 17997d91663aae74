/** Restore and reverse: the part of an earlier entry that can still be given back or taken back. */
import { invalidState, notFound } from '../../contract/errors.js';
import { type LotChange, restore, takeBack } from '../../domain/lots.js';
import type { LoyaltyPolicy } from '../../domain/policy.js';
import type { Context } from '../engine/handler.js';
import { ledgerTime } from '../engine/ledger-time.js';
import { all, one, type Steps, together } from '../engine/step.js';
import { findTxn, type LedgerPosting, type LoyaltyAccount, lotsOf, openLots, type TxnRow } from './ledger.js';

/** Credits that gave back an entry or a part of it, without those that were reversed. */
const GIVEN_BACK = `SELECT t.lots FROM loyalty_txn t
  WHERE t.orgcode = ? AND t.related_txn_id = ? AND t.kind IN ('restore', 'reverse') AND NOT EXISTS (
    SELECT 1 FROM loyalty_txn r WHERE r.orgcode = t.orgcode AND r.related_txn_id = t.loyalty_txn_id AND r.kind = 'reverse')`;
const REVERSAL = `SELECT loyalty_txn_id FROM loyalty_txn WHERE orgcode = ? AND related_txn_id = ? AND kind = 'reverse'`;

const NEVER_REVERSED = new Set(['expire', 'merge_in', 'merge_out', 'reverse']);

/** A correction: the changes to post, and how many points cannot be given back because their lots expired. */
export interface Correction {
  readonly changes: readonly LotChange[];
  readonly unrestorable: number;
  readonly born?: string;
}

/** @throws CrmError 404 when the org has no such entry. */
export function* requireTxn(orgcode: string, id: string): Steps<TxnRow> {
  const txn = yield* findTxn(orgcode, id);
  if (txn === undefined) throw notFound();
  return txn;
}

/** @throws CrmError 409 for kinds that are never reversed, and for an entry that is reversed already. */
export function* requireReversible(orgcode: string, txn: TxnRow): Steps<void> {
  if (NEVER_REVERSED.has(txn.kind)) {
    throw invalidState('crm.loyalty_not_reversible', `An entry of kind ${txn.kind} cannot be reversed.`, {
      kind: txn.kind,
    });
  }
  const done = yield* one<{ loyalty_txn_id: string }>(REVERSAL, orgcode, txn.loyalty_txn_id);
  if (done !== undefined) {
    throw invalidState('crm.loyalty_already_reversed', 'The entry was reversed already.', {
      reversed_by_txn_id: done.loyalty_txn_id,
    });
  }
}

/** Gives back `points` of a debit (default: all that remain) to the lots they came from. */
export function* giveBack(
  cx: Context,
  account: LoyaltyAccount,
  debit: TxnRow,
  points: number | undefined,
  policy: LoyaltyPolicy,
): Steps<Correction> {
  const [credits, lots] = yield* together(
    all<{ lots: string }>(GIVEN_BACK, cx.orgcode, debit.loyalty_txn_id),
    lotsOf(cx.orgcode, debit.customer_id, debit.lots),
  );
  const given = new Map<string, number>();
  for (const row of credits) {
    for (const change of JSON.parse(row.lots) as LotChange[]) {
      given.set(change.lot_id, (given.get(change.lot_id) ?? 0) + change.points);
    }
  }
  const grace = policy.expiry?.restore_grace_days ?? 0;
  const { changes, unrestorable } = restore(debit.lots, given, lots, points, ledgerTime(cx, account), grace);
  return { changes, unrestorable };
}

/** Takes back all of a credit: from its own lots, then from the others, then by the policy's `on_reverse_spent`. */
export function* takeCreditBack(
  cx: Context,
  account: LoyaltyAccount,
  credit: TxnRow,
  policy: LoyaltyPolicy,
): Steps<Correction> {
  const [own, open] = yield* together(
    lotsOf(cx.orgcode, account.customer_id, credit.lots),
    openLots(cx.orgcode, account.customer_id),
  );
  const lots = [...own, ...open.filter(({ lot_id }) => !own.some((lot) => lot.lot_id === lot_id))];
  const born = cx.newId();
  const rule = policy.on_reverse_spent ?? 'refuse';
  return { changes: takeBack(credit.lots, lots, ledgerTime(cx, account), born, rule), unrestorable: 0, born };
}

/** The change to the lifetime points when `txn` is reversed. */
export function lifetimeUndone(txn: TxnRow): NonNullable<LedgerPosting['lifetime']> {
  return txn.kind === 'earn' ? -txn.points : 0;
}
