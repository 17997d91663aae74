/** Moves points in a merge: out of one ledger and into another, lot by lot. */
import { moveIn, moveOut } from '../../domain/lots.js';
import type { Context } from '../engine/handler.js';
import type { Steps } from '../engine/step.js';
import { customerAccount, type LedgerPosting, type LoyaltyAccount, openLots, post, settle } from './ledger.js';

export interface PointsMoved {
  readonly points: number;
  readonly lots: number;
}

/**
 * Moves all points of `from` to `into`, each lot with its own expiry and each debt as a debt, and adds the lifetime
 * points. What has expired on either side is posted first. Both entries are posted even if only lifetime points move:
 * the survivor's lifetime points are recomputed from them.
 * @throws CrmError 409 `crm.loyalty_limit` when the survivor's balance would exceed its bound.
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
  return yield* settle(cx, yield* customerAccount(cx.orgcode, customerId), policyVersion);
}
