/**
 * Recomputes what is stored twice, from the side that cannot be changed: balances from ledgers, seals from the
 * journal.
 */
import type { LotChange } from '../domain/lots.js';
import type { Keys } from '../secrets/keys.js';
import { verifyComments } from './comment/verify-comments.js';
import { chainHash, type JournalRow, type SealRow } from './engine/journal.js';
import { all, type Scalar, type Steps } from './engine/step.js';

export interface Disagreement {
  readonly check: string;
  readonly orgcode: string;
  readonly id: string;
  readonly stored: unknown;
  readonly computed: unknown;
}

export interface Verification {
  readonly orgs: number;
  readonly ledger_entries: number;
  readonly giftcard_entries: number;
  readonly credit_entries: number;
  readonly journal_rows: number;
  readonly unsealed_rows: number;
  readonly disagreements: readonly Disagreement[];
}

const MAX_TOLD = 1000;
const BATCH = 1000;

/** Checks the whole file in the caller's snapshot. Memory grows with one org's open lots, not with its ledger. */
export function* verifyStore(keys: Keys): Steps<Verification> {
  const orgs = yield* all<{ orgcode: string }>('SELECT orgcode FROM org ORDER BY orgcode');
  const found: Disagreement[] = [];
  const totals = { ledger_entries: 0, giftcard_entries: 0, credit_entries: 0, journal_rows: 0, unsealed_rows: 0 };
  for (const { orgcode } of orgs) {
    const tell = (check: string, id: string, stored: unknown, computed: unknown) => {
      if (stored !== computed && found.length < MAX_TOLD) found.push({ check, orgcode, id, stored, computed });
    };
    totals.ledger_entries += yield* verifyLoyalty(orgcode, tell);
    totals.giftcard_entries += yield* verifyGiftcards(orgcode, tell);
    totals.credit_entries += yield* verifyCredit(orgcode, tell);
    yield* verifyConsents(orgcode, tell);
    yield* verifyComments(orgcode, tell);
    const journal = yield* verifyJournal(orgcode, keys, tell);
    totals.journal_rows += journal.rows;
    totals.unsealed_rows += journal.unsealed;
  }
  return { orgs: orgs.length, ...totals, disagreements: found };
}

export type ReportDisagreement = (check: string, id: string, stored: unknown, computed: unknown) => void;

interface Replayed {
  points: number;
  lifetime: number;
  readonly lots: Map<string, { remaining: number; expired: number; expires_at: string | null; born: number }>;
}

function* verifyLoyalty(orgcode: string, tell: ReportDisagreement): Steps<number> {
  const entries = `SELECT t.loyalty_txn_id, t.customer_id, t.kind, t.points, t.balance_after, t.lots, r.kind AS related_kind,
      r.points AS related_points, a.lifetime_points AS related_lifetime
    FROM loyalty_txn t LEFT JOIN loyalty_txn r ON r.orgcode = t.orgcode AND r.loyalty_txn_id = t.related_txn_id
    LEFT JOIN loyalty_account a ON a.orgcode = r.orgcode AND a.customer_id = r.customer_id
    WHERE t.orgcode = ? AND t.customer_id = ? ORDER BY t.loyalty_txn_id`;
  let count = 0;
  for (const customerId of yield* customersWithPoints(orgcode)) {
    const state: Replayed = { points: 0, lifetime: 0, lots: new Map() };
    const rows = yield* all<EntryRow>(entries, orgcode, customerId);
    for (const row of rows) replay(state, row, tell);
    count += rows.length;
    yield* compareAccount(orgcode, customerId, state, tell);
    yield* compareLots(orgcode, customerId, state, tell);
  }
  return count;
}

interface EntryRow {
  readonly loyalty_txn_id: string;
  readonly kind: string;
  readonly points: number;
  readonly balance_after: number;
  readonly lots: string;
  readonly related_kind: string | null;
  readonly related_points: number | null;
  /** Ever earned by the customer of the related entry; frozen once that customer is merged. */
  readonly related_lifetime: number | null;
}

function* customersWithPoints(orgcode: string): Steps<readonly string[]> {
  const sql = `SELECT customer_id FROM loyalty_account WHERE orgcode = ?
    UNION SELECT customer_id FROM loyalty_txn WHERE orgcode = ? UNION SELECT customer_id FROM loyalty_lot WHERE orgcode = ?`;
  return (yield* all<{ customer_id: string }>(sql, orgcode, orgcode, orgcode)).map((row) => row.customer_id);
}

function replay(state: Replayed, row: EntryRow, tell: ReportDisagreement): void {
  const changes = JSON.parse(row.lots) as LotChange[];
  const sum = changes.reduce((total, change) => total + change.points, 0);
  state.points += row.points;
  tell('loyalty_txn.lots', row.loyalty_txn_id, row.points, sum);
  tell('loyalty_txn.balance_after', row.loyalty_txn_id, row.balance_after, state.points);
  if (row.kind === 'earn') state.lifetime += row.points;
  if (row.kind === 'reverse' && row.related_kind === 'earn') state.lifetime -= row.related_points ?? 0;
  if (row.kind === 'merge_in') {
    state.lifetime += row.related_lifetime ?? 0;
    const left = row.related_kind === 'merge_out' ? -(row.related_points ?? 0) : null;
    tell('loyalty_txn.points of a merge', row.loyalty_txn_id, row.points, left);
  }
  for (const change of changes) {
    const lot = state.lots.get(change.lot_id) ?? { remaining: 0, expired: 0, expires_at: null, born: change.points };
    lot.remaining += change.points;
    if (row.kind === 'expire') lot.expired -= change.points;
    lot.expires_at = change.expires_at;
    state.lots.set(change.lot_id, lot);
  }
}

function* compareAccount(orgcode: string, customerId: string, state: Replayed, tell: ReportDisagreement): Steps<void> {
  const sql = `SELECT points_balance, lifetime_points, debt_points, next_expiry_at FROM loyalty_account
    WHERE orgcode = ? AND customer_id = ?`;
  const [account] = yield* all<{
    points_balance: number;
    lifetime_points: number;
    debt_points: number;
    next_expiry_at: string | null;
  }>(sql, orgcode, customerId);
  const open = [...state.lots.values()].filter((lot) => lot.remaining !== 0);
  const debt = open.reduce((sum, lot) => sum + Math.max(0, -lot.remaining), 0);
  const remaining = open.reduce((sum, lot) => sum + lot.remaining, 0);
  tell('loyalty_account.points_balance', customerId, account?.points_balance, state.points);
  tell('loyalty_account.points_balance of open lots', customerId, account?.points_balance, remaining);
  tell('loyalty_account.lifetime_points', customerId, account?.lifetime_points, state.lifetime);
  tell('loyalty_account.debt_points', customerId, account?.debt_points, debt);
  const earliest = open.map((lot) => lot.expires_at ?? '~').sort()[0] ?? '~';
  tell('loyalty_account.next_expiry_at', customerId, (account?.next_expiry_at ?? '~') <= earliest, true);
}

function* compareLots(orgcode: string, customerId: string, state: Replayed, tell: ReportDisagreement): Steps<void> {
  const sql = `SELECT lot_id, points, remaining, expired, expires_at FROM loyalty_lot WHERE orgcode = ? AND customer_id = ?`;
  const rows = yield* all<{
    lot_id: string;
    points: number;
    remaining: number;
    expired: number;
    expires_at: string | null;
  }>(sql, orgcode, customerId);
  tell('loyalty_lot count', customerId, rows.length, state.lots.size);
  for (const row of rows) {
    const lot = state.lots.get(row.lot_id);
    tell('loyalty_lot.remaining', row.lot_id, row.remaining, lot?.remaining);
    tell('loyalty_lot.points', row.lot_id, row.points, lot?.born);
    tell('loyalty_lot.expired', row.lot_id, row.expired, lot?.expired);
    tell('loyalty_lot.expires_at', row.lot_id, row.expires_at, lot?.expires_at);
  }
}

function* verifyGiftcards(orgcode: string, tell: ReportDisagreement): Steps<number> {
  const sql = `SELECT g.giftcard_id, g.balance_minor, g.initial_minor, g.status,
      COALESCE(SUM(CASE t.kind WHEN 'issue' THEN t.amount_minor ELSE -t.amount_minor END), 0) AS computed,
      COALESCE(SUM(CASE t.kind WHEN 'issue' THEN t.amount_minor ELSE 0 END), 0) AS issued, COUNT(t.kind) AS entries
    FROM giftcard g LEFT JOIN giftcard_txn t ON t.orgcode = g.orgcode AND t.giftcard_id = g.giftcard_id
    WHERE g.orgcode = ? GROUP BY g.giftcard_id`;
  const rows = yield* all<Record<string, Scalar>>(sql, orgcode);
  for (const row of rows) {
    const id = String(row.giftcard_id);
    tell('giftcard.balance', id, row.balance_minor, row.computed);
    tell('giftcard.initial_amount', id, row.initial_minor, row.issued);
    if (row.status !== 'blocked') tell('giftcard.status', id, row.status === 'exhausted', row.balance_minor === 0);
  }
  return rows.reduce((sum, row) => sum + Number(row.entries), 0);
}

function* verifyCredit(orgcode: string, tell: ReportDisagreement): Steps<number> {
  const signed = `CASE t.kind WHEN 'consume' THEN t.amount_minor ELSE -t.amount_minor END`;
  const accounts = `SELECT a.account_id, a.credit_used_minor, COALESCE(SUM(${signed}), 0) AS computed,
      COUNT(t.kind) AS entries
    FROM account a LEFT JOIN account_credit_txn t ON t.orgcode = a.orgcode AND t.account_id = a.account_id
    WHERE a.orgcode = ? GROUP BY a.account_id`;
  const entries = `SELECT t.credit_txn_id, t.used_after_minor,
      SUM(${signed}) OVER (PARTITION BY t.account_id ORDER BY t.credit_txn_id) AS computed
    FROM account_credit_txn t WHERE t.orgcode = ?`;
  const wrong = `SELECT * FROM (${entries}) WHERE used_after_minor <> computed`;
  const rows = yield* all<Record<string, Scalar>>(accounts, orgcode);
  for (const row of rows) tell('account.credit_used', String(row.account_id), row.credit_used_minor, row.computed);
  for (const row of yield* all<Record<string, Scalar>>(wrong, orgcode)) {
    tell('account_credit_txn.used_after', String(row.credit_txn_id), row.used_after_minor, row.computed);
  }
  return rows.reduce((sum, row) => sum + Number(row.entries), 0);
}

function* verifyConsents(orgcode: string, tell: ReportDisagreement): Steps<void> {
  const sql = `SELECT c.customer_id, c.consents AS mirror, s.consents FROM customer_consent s
    JOIN customer c ON c.orgcode = s.orgcode AND c.customer_id = s.customer_id WHERE s.orgcode = ?`;
  for (const row of yield* all<{ customer_id: string; mirror: string; consents: string }>(sql, orgcode)) {
    const states = Object.entries(JSON.parse(row.consents) as Record<string, { state: string }>);
    const computed = JSON.stringify(Object.fromEntries(states.map(([purpose, { state }]) => [purpose, state])));
    tell('customer.consents', row.customer_id, row.mirror, computed);
  }
}

const SEALS = `SELECT first_no, last_no, chain_hash FROM journal_seal WHERE orgcode = ? ORDER BY first_no`;
const ROWS = `SELECT orgcode, journal_no, request_id, actor, roles, context, endpoint, target_id, fields, reason, reason_code,
    revision_before, revision_after, written_at
  FROM journal WHERE orgcode = ? AND journal_no BETWEEN ? AND ? ORDER BY journal_no LIMIT ${BATCH}`;

function* verifyJournal(
  orgcode: string,
  keys: Keys,
  tell: ReportDisagreement,
): Steps<{ rows: number; unsealed: number }> {
  let previous = '';
  let expected = 1;
  for (const seal of yield* all<SealRow>(SEALS, orgcode)) {
    const rows = yield* all<JournalRow>(ROWS, orgcode, seal.first_no, seal.last_no);
    tell('journal_seal.first_no', String(seal.first_no), seal.first_no, expected);
    tell('journal row count', String(seal.first_no), rows.length, seal.last_no - seal.first_no + 1);
    tell('journal_seal.chain_hash', String(seal.first_no), seal.chain_hash, chainHash(keys, previous, rows));
    previous = seal.chain_hash;
    expected = seal.last_no + 1;
  }
  const [last] = yield* all<{ rows: number; last_no: number | null }>(
    'SELECT COUNT(*) AS rows, MAX(journal_no) AS last_no FROM journal WHERE orgcode = ?',
    orgcode,
  );
  tell('journal count', orgcode, last?.rows ?? 0, last?.last_no ?? 0);
  return { rows: last?.rows ?? 0, unsealed: (last?.last_no ?? 0) - (expected - 1) };
}
