/** Points that change hands in a merge: out of one ledger, into another, lot by lot. Not: who merges with whom. */
import { moveIn, moveOut } from '../../domain/lots.js';
import type { Context } from '../engine/handler.js';
import type { Steps } from '../engine/step.js';
import { customerAccount, type LedgerPosting, type LoyaltyAccount, openLots, post, settle } from './ledger.js';

export interface PointsMoved {
  readonly points: number;
  readonly lots: number;
}

/**
 * Moves every point of `from` to `into`, each lot with its own expiry and each debt as a debt, and adds the points ever
 * earned. What has expired on either side is posted first. Both entries are there even if only the latter moves:
 * they are how the survivor's lifetime points can be computed again.
 * @throws CrmError 409 `crm.loyalty_limit` when the survivor's balance would pass its bound.
 */
export function* movePoints(
  cx: Context,
  from: string,
  into: string,
  entry: Pick<LedgerPosting, 'policy_version' | 'reason'>,
): Steps<PointsMoved> {
  const source = yield* settled(cx, from, entry.policy_version);
  const target = yield* settled(cx, into, entry.policy_version);
  const lots = yield* openLots(cx.orgcode, from);
  if (lots.length === 0 && source.lifetime_points === 0) return { points: 0, lots: 0 };
  const { txn } = yield* post(cx, source, { ...entry, kind: 'merge_out', changes: moveOut(lots) });
  const changes = moveIn(txn.lots, cx.newId);
  yield* post(cx, target, {
    ...entry,
    kind: 'merge_in',
    changes,
    born: new Set(changes.map(({ lot_id }) => lot_id)),
    related_txn_id: txn.loyalty_txn_id,
    lifetime: source.lifetime_points,
  });
  return { points: -txn.points, lots: lots.length };
}

function* settled(cx: Context, customerId: string, policyVersion: number): Steps<LoyaltyAccount> {
  return yield* settle(cx, yield* customerAccount(cx.orgcode, customerId), policyVersion, cx.stamp.now);
}
