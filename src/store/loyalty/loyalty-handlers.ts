/** Handlers for loyalty policies and ledger entries. The rules are in domain/. */

import { invalidRequest, invalidState, notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { futureInstant, pastInstant } from '../../domain/instant.js';
import { give, take } from '../../domain/lots.js';
import {
  checkEarn,
  checkPolicy,
  checkRedeem,
  dayStart,
  expiryOf,
  type LoyaltyPolicy,
  pointsValue,
  pricePurchase,
  requireEnabled,
} from '../../domain/policy.js';
import { tierOf } from '../../domain/tiers.js';
import { activeLoyaltyAccount, requireNoHold } from '../customer/customer-checks.js';
import type { Context, Handlers, InputOf, Written } from '../engine/handler.js';
import { ledgerTime } from '../engine/ledger-time.js';
import { one, run, type Steps, together } from '../engine/step.js';
import { requireRevision } from '../engine/table.js';
import { type LedgerPosting, type LoyaltyAccount, openLots, post, settle, type TxnRow } from './ledger.js';
import {
  type Correction,
  giveBack,
  lifetimeUndone,
  requireReversible,
  requireTxn,
  takeCreditBack,
} from './ledger-corrections.js';
import { listLedger } from './ledger-list.js';
import { expirePoints } from './ledger-sweep.js';
import { currentPolicy, type PolicyRow, policyVersion } from './policies.js';

type LoyaltyTxn = components['schemas']['LoyaltyTxn'];
type PolicyRecord = components['schemas']['LoyaltyPolicyRecord'];

const ADD_POLICY = `INSERT INTO loyalty_policy (orgcode, policy_version, policy, reason, actor, created_at)
  VALUES (?, ?, ?, ?, ?, ?)`;
const REDEEMED_TODAY = `SELECT COALESCE(-SUM(points), 0) AS points FROM loyalty_txn
  WHERE orgcode = ? AND customer_id = ? AND kind = 'redeem' AND seq > COALESCE((SELECT seq FROM loyalty_txn
    WHERE orgcode = ? AND customer_id = ? AND created_at < ? ORDER BY seq DESC LIMIT 1), 0)`;

export const loyalty: Handlers<'loyalty'> = {
  *loyalty_policy_get(cx, input) {
    const row =
      input.version === undefined ? yield* currentPolicy(cx.orgcode) : yield* policyVersion(cx.orgcode, input.version);
    if (row === undefined) throw notFound();
    return showPolicy(cx, row);
  },

  *loyalty_policy_set(cx, input) {
    const policy = input.policy as LoyaltyPolicy;
    checkPolicy(policy);
    const current = showPolicy(cx, yield* currentPolicy(cx.orgcode));
    if (current.revision > 0) requireRevision(input.expected_revision, current, (row) => row);
    const row: PolicyRow = {
      policy_version: current.revision + 1,
      policy,
      reason: input.reason,
      actor: cx.caller.actor,
      created_at: cx.stamp.now,
    };
    yield* run(
      ADD_POLICY,
      cx.orgcode,
      row.policy_version,
      JSON.stringify(policy),
      row.reason,
      row.actor,
      row.created_at,
    );
    return {
      data: showPolicy(cx, row),
      target_id: `policy/${row.policy_version}`,
      ...(current.revision > 0 ? { revision_before: current.revision } : {}),
      fields: Object.keys(policy),
    };
  },

  *loyalty_earn(cx, input) {
    const { account, policy, policy_version } = yield* openEnabled(cx, input.customer_id);
    const points = priceEarn(policy, account, input);
    const now = ledgerTime(cx, account);
    const expires_at = expiryOf(policy, earnedAt(now, input.occurred_at));
    if (expires_at !== null && expires_at <= now) throw bornExpired();
    return yield* credit(cx, account, points, expires_at, {
      kind: 'earn',
      policy_version,
      reason: input.reason,
      source_ref: input.source_ref,
      lifetime: points,
    });
  },

  *loyalty_redeem(cx, input) {
    const { customer_id, reason, source_ref } = input;
    const [{ account, policy, policy_version, expired }, , before] = yield* together(
      openEnabled(cx, customer_id),
      requireNoHold(cx.orgcode, [customer_id], 'loyalty'),
      openLots(cx.orgcode, customer_id),
    );
    checkRedeem(policy, input.points, yield* redeemedToday(cx, account, policy));
    const lots = expired ? yield* openLots(cx.orgcode, customer_id) : before;
    const changes = take(lots, input.points, ledgerTime(cx, account));
    const written = yield* enter(cx, account, { kind: 'redeem', changes, policy_version, reason, source_ref });
    const value = pointsValue(policy, input.points);
    return value === undefined ? written : { ...written, data: { ...written.data, value } };
  },

  *loyalty_adjust(cx, input) {
    const { account, policy_version } = yield* open(cx, input.customer_id);
    const { points, reason } = input;
    if (points === 0) throw invalidRequest([{ path: 'points', message: 'must not be 0' }]);
    if (points < 0) {
      const changes = take(yield* openLots(cx.orgcode, input.customer_id), -points, ledgerTime(cx, account));
      return yield* enter(cx, account, { kind: 'adjust', changes, policy_version, reason });
    }
    const expires_at = futureInstant(input.expires_at, 'expires_at', ledgerTime(cx, account));
    return yield* credit(cx, account, points, expires_at, { kind: 'adjust', policy_version, reason });
  },

  *loyalty_expire(cx, input) {
    if (input.customer_id !== undefined) yield* activeLoyaltyAccount(cx.orgcode, input.customer_id);
    const swept = yield* expirePoints(cx, input);
    return {
      data: { ...swept, txns: swept.txns.map((txn) => showTxn(cx, txn)) },
      target_id: input.customer_id ?? '*',
      fields: swept.dry_run || swept.expired_lots === 0 ? [] : ['points_balance'],
    };
  },

  *loyalty_restore(cx, input) {
    const debit = yield* requireTxn(cx.orgcode, input.loyalty_txn_id);
    const { account, policy, policy_version } = yield* open(cx, debit.customer_id);
    if (debit.kind !== 'redeem') throw notARedeem(debit.kind);
    const correction = yield* giveBack(cx, account, debit, input.points, policy);
    const entry = {
      kind: 'restore',
      policy_version,
      reason: input.reason,
      related_txn_id: debit.loyalty_txn_id,
    } as const;
    return yield* correct(cx, account, entry, correction);
  },

  *loyalty_reverse(cx, input) {
    const txn = yield* requireTxn(cx.orgcode, input.loyalty_txn_id);
    const { account, policy, policy_version } = yield* open(cx, txn.customer_id);
    const [, correction] = yield* together(
      requireReversible(cx.orgcode, txn),
      txn.points < 0 ? giveBack(cx, account, txn, undefined, policy) : takeCreditBack(cx, account, txn, policy),
    );
    const entry = {
      kind: 'reverse',
      policy_version,
      reason: input.reason,
      related_txn_id: txn.loyalty_txn_id,
      lifetime: lifetimeUndone(txn),
    } as const;
    return yield* correct(cx, account, entry, correction);
  },

  *loyalty_ledger_list(cx, input) {
    const page = yield* listLedger(cx, input);
    return { ...page, items: page.items.map((txn) => showTxn(cx, txn)) };
  },
};

interface Opened {
  readonly account: LoyaltyAccount;
  readonly policy: LoyaltyPolicy;
  readonly policy_version: number;
  /** Whether opening the account posted an expiry, and so changed its lots. */
  readonly expired: boolean;
}

/** The account of an active customer, with all due expiries posted, and the policy in force. */
function* open(cx: Context, customerId: string): Steps<Opened> {
  const [found, { policy, policy_version }] = yield* together(
    activeLoyaltyAccount(cx.orgcode, customerId),
    currentPolicy(cx.orgcode),
  );
  const account = yield* settle(cx, found, policy_version);
  return { account, policy, policy_version, expired: account.last_seq !== found.last_seq };
}

/** The same, for what the policy must allow. @throws CrmError 409 when the programme is switched off. */
function* openEnabled(cx: Context, customerId: string): Steps<Opened> {
  const opened = yield* open(cx, customerId);
  requireEnabled(opened.policy);
  return opened;
}

function priceEarn(policy: LoyaltyPolicy, account: LoyaltyAccount, input: InputOf<'loyalty_earn'>): number {
  if (input.points !== undefined) {
    checkEarn(policy, input.points);
    return input.points;
  }
  if (input.purchase === undefined) throw invalidRequest([{ path: '', message: 'give points or purchase' }]);
  const multiplier = tierOf(policy, account.lifetime_points)?.multiplier ?? 1;
  const points = pricePurchase(policy, input.purchase, multiplier);
  if (points === 0) throw invalidState('crm.loyalty_no_points', 'The purchase is too small to earn a point.');
  return points;
}

function earnedAt(now: string, occurredAt: string | undefined): string {
  return pastInstant(occurredAt, 'occurred_at', now);
}

function bornExpired() {
  const message = 'is so long ago that the points would have expired already';
  return invalidRequest([{ path: 'occurred_at', message }]);
}

function* redeemedToday(cx: Context, account: LoyaltyAccount, policy: LoyaltyPolicy): Steps<number> {
  if (policy.redeem?.max_points_per_day === undefined) return 0;
  const owner = [cx.orgcode, account.customer_id] as const;
  const row = yield* one<{ points: number }>(REDEEMED_TODAY, ...owner, ...owner, dayStart(ledgerTime(cx, account)));
  return row?.points ?? 0;
}

type EntryWithoutChanges = Omit<LedgerPosting, 'changes' | 'born'>;

/** Pays debts first, and adds the remaining points in a new lot. */
function* credit(
  cx: Context,
  account: LoyaltyAccount,
  points: number,
  expires_at: string | null,
  entry: EntryWithoutChanges,
) {
  const born = cx.newId();
  const lots = account.debt_points > 0 ? yield* openLots(cx.orgcode, account.customer_id) : [];
  const changes = give(lots, points, { lot_id: born, expires_at });
  return yield* enter(cx, account, { ...entry, changes, born: new Set([born]) });
}

function* correct(
  cx: Context,
  account: LoyaltyAccount,
  entry: EntryWithoutChanges,
  { changes, born, unrestorable }: Correction,
) {
  const written = yield* enter(cx, account, {
    ...entry,
    changes,
    ...(born === undefined ? {} : { born: new Set([born]) }),
  });
  return unrestorable === 0 ? written : { ...written, data: { ...written.data, unrestorable_points: unrestorable } };
}

function* enter(cx: Context, account: LoyaltyAccount, entry: LedgerPosting): Steps<Written<LoyaltyTxn>> {
  const { txn } = yield* post(cx, account, entry);
  return { data: showTxn(cx, txn), target_id: txn.loyalty_txn_id, fields: ['points_balance'] };
}

function showTxn(cx: Context, txn: TxnRow): LoyaltyTxn {
  return { orgcode: cx.orgcode, ...txn, lots: [...txn.lots] };
}

function showPolicy(cx: Context, row: PolicyRow): PolicyRecord {
  return { orgcode: cx.orgcode, ...row, revision: row.policy_version };
}

function notARedeem(kind: string) {
  return invalidState('crm.loyalty_not_a_redeem', `Only a redeem can be restored; this entry is of kind ${kind}.`, {
    kind,
  });
}
