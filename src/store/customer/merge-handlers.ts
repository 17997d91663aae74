/** Handlers that merge the records of one person into one, in one transaction, and list earlier merges. */
import { invalidState } from '../../contract/errors.js';
import { mergedConsentChanges } from '../../domain/consent.js';
import { checkChoices, mergeFields } from '../../domain/merge.js';
import { changeConsents, currentConsents, removeGrants } from '../consent/consents.js';
import type { Context, Handlers, InputOf } from '../engine/handler.js';
import type { Steps } from '../engine/step.js';
import { revise } from '../engine/table.js';
import { movePoints } from '../loyalty/ledger-merge.js';
import { currentPolicy } from '../loyalty/policies.js';
import { requireActive, requireNoHold } from './customer-checks.js';
import { requireCustomer, requireCustomerRevision, requireUnique } from './customer-identity.js';
import { CUSTOMER, type CustomerRow, indexCustomer, showCustomer, unindexCustomer } from './customers.js';
import { type Moved, moveRecords, NOTHING_MOVED, requireBounded } from './merge-moves.js';
import { insertMerge, listMerges } from './merges.js';

export const customerMerge: Pick<Handlers<'customer'>, 'customer_merge' | 'customer_merge_list'> = {
  *customer_merge(cx, input) {
    const choices = input.field_choices ?? {};
    checkChoices(choices, [input.customer_id, ...input.merge_customer_ids]);
    const { survivor, losers } = yield* requireMergeable(cx, input);
    for (const loser of losers) yield* retire(cx, loser, survivor.customer_id);
    const changes = mergeFields(survivor, losers, choices);
    yield* requireUnique(cx, changes, survivor.customer_id);
    yield* indexCustomer(cx, yield* revise(CUSTOMER, cx, survivor, changes), survivor);
    yield* mergeConsents(cx, survivor, losers, input.reason);
    yield* insertMerge(cx, input, yield* moveEverything(cx, survivor, losers, input.reason));
    return {
      data: yield* showCustomer(cx, yield* requireCustomer(cx, survivor.customer_id)),
      target_id: survivor.customer_id,
      revision_before: survivor.revision,
      fields: ['merge_customer_ids', ...Object.keys(changes)],
    };
  },

  *customer_merge_list(cx, input) {
    if (input.customer_id !== undefined) yield* requireCustomer(cx, input.customer_id);
    return yield* listMerges(cx, input);
  },
};

interface Sides {
  readonly survivor: CustomerRow;
  /** Oldest first. */
  readonly losers: readonly CustomerRow[];
}

/** @throws CrmError 404, 428, or 409 for a stale survivor, or for a customer that is not active or is on hold. */
function* requireMergeable(cx: Context, input: InputOf<'customer_merge'>): Steps<Sides> {
  const survivor = yield* requireCustomer(cx, input.customer_id);
  const losers: CustomerRow[] = [];
  for (const id of [...input.merge_customer_ids].sort()) losers.push(yield* requireCustomer(cx, id));
  yield* requireCustomerRevision(cx, input.expected_revision, survivor);
  if (input.merge_customer_ids.includes(survivor.customer_id)) throw mergedIntoItself();
  for (const side of [survivor, ...losers]) requireActive(side);
  yield* requireNoHold(cx.orgcode, [survivor.customer_id, ...input.merge_customer_ids]);
  return { survivor, losers };
}

/** The record stays but points to the survivor; it is found only by its id, and its identifiers become free. */
function* retire(cx: Context, loser: CustomerRow, survivorId: string): Steps<void> {
  yield* unindexCustomer(cx, loser);
  yield* removeGrants(cx.orgcode, loser.customer_id, Object.keys(loser.consents));
  yield* revise(CUSTOMER, cx, loser, { status: 'merged', merged_into_customer_id: survivorId });
}

function* mergeConsents(cx: Context, survivor: CustomerRow, losers: readonly CustomerRow[], reason: string) {
  const own = yield* currentConsents(cx.orgcode, survivor.customer_id);
  const others = [];
  for (const loser of losers) others.push((yield* currentConsents(cx.orgcode, loser.customer_id)).consents);
  const refused = Object.entries(mergedConsentChanges(own.consents, others));
  if (refused.length === 0) return;
  const changed = { set_at: cx.stamp.now, actor: cx.caller.actor };
  const entries = refused.map(([purpose, entry]) => [purpose, { ...entry, ...changed }] as const);
  yield* changeConsents(cx, survivor.customer_id, own, Object.fromEntries(entries), { reason });
}

function* moveEverything(cx: Context, survivor: CustomerRow, losers: readonly CustomerRow[], reason: string) {
  const { policy_version } = yield* currentPolicy(cx.orgcode);
  let moved: Moved = NOTHING_MOVED;
  for (const { customer_id } of losers) {
    const { points, lots } = yield* movePoints(cx, customer_id, survivor.customer_id, { policy_version, reason });
    moved = { ...moved, points: moved.points + points, lots: moved.lots + lots };
    requireBounded(moved);
    moved = yield* moveRecords(cx, customer_id, survivor.customer_id, moved);
  }
  return moved;
}

function mergedIntoItself() {
  return invalidState('crm.customer_merge_self', 'A customer cannot be merged into itself.');
}
