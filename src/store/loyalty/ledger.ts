/**
 * The rows of the loyalty ledger: accounts, lots and entries, and `post`, the only function that adds an entry. What an
 * entry changes is decided in domain/lots.ts.
 */
import { invalidState } from '../../contract/errors.js';
import { type Lot, type LotChange, sweep } from '../../domain/lots.js';
import type { Context } from '../engine/handler.js';
import { ledgerTime } from '../engine/ledger-time.js';
import { all, one, run, type Steps, together } from '../engine/step.js';

export interface LoyaltyAccount {
  readonly customer_id: string;
  readonly points_balance: number;
  readonly lifetime_points: number;
  /** Points owed, because they were reversed after they had been spent. */
  readonly debt_points: number;
  /** No open lot expires earlier than this; null when none expires. */
  readonly next_expiry_at: string | null;
  /** The `seq` of the newest entry; 0 without entries. */
  readonly last_seq: number;
  /** The `created_at` of the newest entry; null without entries. */
  readonly last_entry_at: string | null;
}

export type TxnKind = 'earn' | 'redeem' | 'adjust' | 'expire' | 'restore' | 'reverse' | 'merge_in' | 'merge_out';

export interface TxnRow {
  readonly loyalty_txn_id: string;
  readonly customer_id: string;
  readonly kind: TxnKind;
  readonly points: number;
  readonly balance_after: number;
  readonly lots: readonly LotChange[];
  readonly related_txn_id: string | null;
  readonly source_ref: string | null;
  readonly reason: string | null;
  readonly policy_version: number;
  readonly logical_guid: string | null;
  readonly channel_code: string | null;
  readonly actor: string;
  /** The ledger's time: see `ledgerTime`. */
  readonly created_at: string;
}

/** The parts of an entry that a handler decides. */
export interface LedgerPosting {
  readonly kind: TxnKind;
  readonly changes: readonly LotChange[];
  /** The lots among `changes` that this entry creates. */
  readonly born?: ReadonlySet<string>;
  readonly policy_version: number;
  readonly reason?: string | undefined;
  readonly related_txn_id?: string | undefined;
  readonly source_ref?: string | undefined;
  /** The change to the lifetime points. */
  readonly lifetime?: number;
}

const MAX_POINTS = 1e12;

export const TXN_COLUMNS = `loyalty_txn_id, customer_id, kind, points, balance_after, lots, related_txn_id, source_ref,
  reason, policy_version, logical_guid, channel_code, actor, created_at`;

export const ACCOUNT_COLUMNS =
  'customer_id, points_balance, lifetime_points, debt_points, next_expiry_at, last_seq, last_entry_at';
const ACCOUNT = `SELECT ${ACCOUNT_COLUMNS} FROM loyalty_account WHERE orgcode = ? AND customer_id = ?`;
const LOTS = `SELECT lot_id, points, remaining, expired, expires_at FROM loyalty_lot
  WHERE orgcode = ? AND customer_id = ? AND remaining <> 0 ORDER BY lot_id`;
const LOT = `SELECT lot_id, points, remaining, expired, expires_at FROM loyalty_lot
  WHERE orgcode = ? AND customer_id = ? AND lot_id = ?`;
const INSERT_LOT = `INSERT INTO loyalty_lot (orgcode, customer_id, lot_id, points, remaining, expired, expires_at)
  VALUES (?, ?, ?, ?, ?, 0, ?)`;
const CHANGE_LOT = `UPDATE loyalty_lot SET remaining = remaining + ?, expired = expired + ?, expires_at = ?
  WHERE orgcode = ? AND customer_id = ? AND lot_id = ?`;
const ADD_TXN = `INSERT INTO loyalty_txn (orgcode, seq, ${TXN_COLUMNS})
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const SAVE_ACCOUNT = `INSERT INTO loyalty_account (orgcode, ${ACCOUNT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (orgcode, customer_id) DO UPDATE SET points_balance = excluded.points_balance,
    lifetime_points = excluded.lifetime_points, debt_points = excluded.debt_points,
    next_expiry_at = excluded.next_expiry_at, last_seq = excluded.last_seq, last_entry_at = excluded.last_entry_at`;
const NEXT_EXPIRY = `SELECT MIN(expires_at) AS next FROM loyalty_lot
  WHERE orgcode = ? AND customer_id = ? AND remaining <> 0`;
const TXN = `SELECT ${TXN_COLUMNS} FROM loyalty_txn WHERE orgcode = ? AND loyalty_txn_id = ?`;

/** A customer's account; all zero when it has no entries. */
export function* customerAccount(orgcode: string, customerId: string): Steps<LoyaltyAccount> {
  return (yield* one<LoyaltyAccount>(ACCOUNT, orgcode, customerId)) ?? noAccount(customerId);
}

/** The account of a customer without entries. */
export function noAccount(customerId: string): LoyaltyAccount {
  return {
    customer_id: customerId,
    points_balance: 0,
    lifetime_points: 0,
    debt_points: 0,
    next_expiry_at: null,
    last_seq: 0,
    last_entry_at: null,
  };
}

/** A customer's open lots, oldest first. */
export function* openLots(orgcode: string, customerId: string): Steps<readonly Lot[]> {
  return yield* all<Lot>(LOTS, orgcode, customerId);
}

/** The lots that an earlier entry changed, open or not. */
export function* lotsOf(orgcode: string, customerId: string, changes: readonly LotChange[]): Steps<readonly Lot[]> {
  const lots = yield* together(...changes.map(({ lot_id }) => one<Lot>(LOT, orgcode, customerId, lot_id)));
  return lots.filter((lot) => lot !== undefined);
}

/** One entry of the org's ledger, or undefined. */
export function* findTxn(orgcode: string, id: string): Steps<TxnRow | undefined> {
  const row = yield* one<TxnRow & { readonly lots: string }>(TXN, orgcode, id);
  return row === undefined ? undefined : decodeTxn(row);
}

/** A ledger row with its lots decoded. */
export function decodeTxn(row: Omit<TxnRow, 'lots'> & { readonly lots: string }): TxnRow {
  return { ...row, lots: JSON.parse(row.lots) as LotChange[] };
}

/** Posts what has expired by the ledger's time, before any other entry of the account (contract §3, Loyalty). */
export function* settle(cx: Context, account: LoyaltyAccount, policyVersion: number): Steps<LoyaltyAccount> {
  const asOf = ledgerTime(cx, account);
  if (account.next_expiry_at === null || account.next_expiry_at > asOf) return account;
  const changes = sweep(yield* openLots(cx.orgcode, account.customer_id), asOf);
  if (changes.length === 0) return { ...account, next_expiry_at: yield* nextExpiry(cx.orgcode, account.customer_id) };
  const entry: LedgerPosting = { kind: 'expire', changes, policy_version: policyVersion, reason: 'expired' };
  return (yield* post(cx, account, entry)).account;
}

/**
 * Posts one entry: writes its lots, its row and its account, in the caller's transaction.
 * @throws CrmError 409 `crm.loyalty_limit` when the balance would leave the bounds of contract §1.
 */
export function* post(
  cx: Context,
  account: LoyaltyAccount,
  entry: LedgerPosting,
): Steps<{ txn: TxnRow; account: LoyaltyAccount }> {
  const points = entry.changes.reduce((sum, change) => sum + change.points, 0);
  const balance = account.points_balance + points;
  if (Math.abs(balance) > MAX_POINTS) throw invalidState('crm.loyalty_limit', 'The balance would pass 10^12 points.');
  const moved = yield* moveLots(cx, account, entry);
  const txn = makeTxn(cx, account, entry, points, balance);
  const next = {
    ...moved,
    points_balance: balance,
    lifetime_points: account.lifetime_points + (entry.lifetime ?? 0),
    last_seq: account.last_seq + 1,
    last_entry_at: txn.created_at,
  };
  yield* addTxn(cx, next.last_seq, txn);
  yield* run(
    SAVE_ACCOUNT,
    cx.orgcode,
    next.customer_id,
    next.points_balance,
    next.lifetime_points,
    next.debt_points,
    next.next_expiry_at,
    next.last_seq,
    next.last_entry_at,
  );
  return { txn, account: next };
}

function* moveLots(cx: Context, account: LoyaltyAccount, entry: LedgerPosting): Steps<LoyaltyAccount> {
  let { debt_points, next_expiry_at } = account;
  for (const change of entry.changes) {
    const expired = entry.kind === 'expire' ? -change.points : 0;
    const key = [cx.orgcode, account.customer_id, change.lot_id] as const;
    if (entry.born?.has(change.lot_id)) {
      yield* run(INSERT_LOT, ...key, change.points, change.points, change.expires_at);
      if (change.points < 0) debt_points -= change.points;
    } else {
      yield* run(CHANGE_LOT, change.points, expired, change.expires_at, ...key);
      if (change.points > 0 && debt_points > 0) debt_points -= yield* debtPaid(key, change.points);
    }
    if (change.expires_at !== null && (next_expiry_at === null || change.expires_at < next_expiry_at)) {
      next_expiry_at = change.expires_at;
    }
  }
  if (entry.kind === 'expire' || entry.kind === 'merge_out')
    next_expiry_at = yield* nextExpiry(cx.orgcode, account.customer_id);
  return { ...account, debt_points, next_expiry_at };
}

function* nextExpiry(orgcode: string, customerId: string): Steps<string | null> {
  return (yield* one<{ next: string | null }>(NEXT_EXPIRY, orgcode, customerId))?.next ?? null;
}

/** A debt is a lot that was created below zero; points added to it pay the debt. */
function* debtPaid(key: readonly [string, string, string], points: number): Steps<number> {
  const lot = yield* one<Lot>(LOT, ...key);
  return lot !== undefined && lot.points < 0 ? points : 0;
}

function makeTxn(cx: Context, account: LoyaltyAccount, entry: LedgerPosting, points: number, balance: number): TxnRow {
  return {
    loyalty_txn_id: cx.newId(),
    customer_id: account.customer_id,
    kind: entry.kind,
    points,
    balance_after: balance,
    lots: entry.changes,
    related_txn_id: entry.related_txn_id ?? null,
    source_ref: entry.source_ref ?? null,
    reason: entry.reason ?? null,
    policy_version: entry.policy_version,
    logical_guid: cx.operatingContext.logical_guid ?? null,
    channel_code: cx.operatingContext.channel_code ?? null,
    actor: cx.caller.actor,
    created_at: ledgerTime(cx, account),
  };
}

function* addTxn(cx: Context, seq: number, txn: TxnRow): Steps<void> {
  yield* run(
    ADD_TXN,
    cx.orgcode,
    seq,
    txn.loyalty_txn_id,
    txn.customer_id,
    txn.kind,
    txn.points,
    txn.balance_after,
    JSON.stringify(txn.lots),
    txn.related_txn_id,
    txn.source_ref,
    txn.reason,
    txn.policy_version,
    txn.logical_guid,
    txn.channel_code,
    txn.actor,
    txn.created_at,
  );
  yield* cx.dialect.months.note(cx.orgcode, txn.loyalty_txn_id);
}
