/** Recomputes loyalty balances and lots from the ledger, which is append-only. */
import type { LotChange } from '../../domain/lots.js';
import { monthOf } from '../../domain/report.js';
import type { ReportDisagreement } from '../engine/disagreement.js';
import { eachOwner, OrderedRows } from '../engine/ordered-rows.js';
import { EXPIRING, type MonthSum } from '../engine/points-by-month.js';
import type { Steps } from '../engine/step.js';

interface Replayed {
  /** The `seq` of the entry replayed last. */
  seq: number;
  points: number;
  lifetime: number;
  readonly lots: Map<string, { remaining: number; expired: number; expires_at: string | null; initial: number }>;
}

const ENTRIES = `SELECT t.seq, t.loyalty_txn_id, t.customer_id, t.kind, t.points, t.balance_after, t.lots, t.created_at,
    r.kind AS related_kind, r.points AS related_points, a.lifetime_points AS related_lifetime
  FROM loyalty_txn t LEFT JOIN loyalty_txn r ON r.orgcode = t.orgcode AND r.loyalty_txn_id = t.related_txn_id
  LEFT JOIN loyalty_account a ON a.orgcode = r.orgcode AND a.customer_id = r.customer_id`;
const ACCOUNTS = `SELECT customer_id, points_balance, lifetime_points, debt_points, next_expiry_at, last_seq
  FROM loyalty_account a`;
const LOTS = 'SELECT customer_id, lot_id, points, remaining, expired, expires_at FROM loyalty_lot l';

/**
 * Checks the loyalty ledgers of an org: walks through entries, accounts and lots side by side, by customer. Memory
 * grows with the lots of one customer, and with the months of the ledger, whose sums are compared with those stored.
 * Returns the number of entries.
 */
export function* verifyLoyalty(
  orgcode: string,
  readSums: (orgcode: string) => Steps<readonly MonthSum[]>,
  report: ReportDisagreement,
): Steps<number> {
  const entries = new OrderedRows<EntryRow>({ orgcode, select: ENTRIES, alias: 't', key: ['customer_id', 'seq'] });
  const accounts = new OrderedRows<AccountRow>({ orgcode, select: ACCOUNTS, alias: 'a', key: ['customer_id'] });
  const lots = new OrderedRows<LotRow>({ orgcode, select: LOTS, alias: 'l', key: ['customer_id', 'lot_id'] });
  const sums = new Map<string, number>();
  let count = 0;
  yield* eachOwner(['customer_id'], [entries, accounts, lots], function* ({ customer_id: id }, isOwned) {
    const state: Replayed = { seq: 0, points: 0, lifetime: 0, lots: new Map() };
    yield* entries.visit(isOwned, (row) => {
      replay(state, row, report);
      add(sums, row.created_at, row.kind, row.points);
    });
    count += state.seq;
    const [account] = yield* accounts.take(isOwned);
    compareAccount(id, account, state, report);
    const stored = yield* lots.take(isOwned);
    for (const row of stored) {
      compareLot(row, state, report);
      if (row.expires_at !== null) add(sums, row.expires_at, EXPIRING, row.remaining);
    }
    report('loyalty_lot count', id, stored.length, state.lots.size);
  });
  compareSums(yield* readSums(orgcode), sums, report);
  return count;
}

function add(sums: Map<string, number>, instant: string, kind: string, points: number): void {
  const key = `${monthOf(instant)} ${kind}`;
  sums.set(key, (sums.get(key) ?? 0) + points);
}

function compareSums(
  stored: readonly MonthSum[],
  computed: ReadonlyMap<string, number>,
  report: ReportDisagreement,
): void {
  const found = new Map(stored.map(({ month, kind, points }) => [`${month} ${kind}`, points]));
  for (const key of new Set([...found.keys(), ...computed.keys()]))
    report('loyalty_month.points', key, found.get(key) ?? 0, computed.get(key) ?? 0);
}

interface AccountRow {
  readonly customer_id: string;
  readonly points_balance: number;
  readonly lifetime_points: number;
  readonly debt_points: number;
  readonly next_expiry_at: string | null;
  readonly last_seq: number;
}

interface LotRow {
  readonly customer_id: string;
  readonly lot_id: string;
  readonly points: number;
  readonly remaining: number;
  readonly expired: number;
  readonly expires_at: string | null;
}

interface EntryRow {
  readonly customer_id: string;
  readonly seq: number;
  readonly loyalty_txn_id: string;
  readonly kind: string;
  readonly points: number;
  readonly balance_after: number;
  readonly lots: string;
  readonly created_at: string;
  readonly related_kind: string | null;
  readonly related_points: number | null;
  /** Lifetime points of the customer of the related entry; constant once that customer is merged. */
  readonly related_lifetime: number | null;
}

function replay(state: Replayed, row: EntryRow, report: ReportDisagreement): void {
  const changes = JSON.parse(row.lots) as LotChange[];
  const sum = changes.reduce((total, change) => total + change.points, 0);
  state.points += row.points;
  state.seq += 1;
  report('loyalty_txn.seq', row.loyalty_txn_id, row.seq, state.seq);
  report('loyalty_txn.lots', row.loyalty_txn_id, row.points, sum);
  report('loyalty_txn.balance_after', row.loyalty_txn_id, row.balance_after, state.points);
  if (row.kind === 'earn') state.lifetime += row.points;
  if (row.kind === 'reverse' && row.related_kind === 'earn') state.lifetime -= row.related_points ?? 0;
  if (row.kind === 'merge_in') {
    state.lifetime += row.related_lifetime ?? 0;
    const left = row.related_kind === 'merge_out' ? -(row.related_points ?? 0) : null;
    report('loyalty_txn.points of a merge', row.loyalty_txn_id, row.points, left);
  }
  for (const change of changes) {
    const lot = state.lots.get(change.lot_id) ?? { remaining: 0, expired: 0, expires_at: null, initial: change.points };
    lot.remaining += change.points;
    if (row.kind === 'expire') lot.expired -= change.points;
    lot.expires_at = change.expires_at;
    state.lots.set(change.lot_id, lot);
  }
}

function compareAccount(
  customerId: string,
  account: AccountRow | undefined,
  state: Replayed,
  report: ReportDisagreement,
): void {
  const open = [...state.lots.values()].filter((lot) => lot.remaining !== 0);
  const debt = open.reduce((sum, lot) => sum + Math.max(0, -lot.remaining), 0);
  const remaining = open.reduce((sum, lot) => sum + lot.remaining, 0);
  report('loyalty_account.points_balance', customerId, account?.points_balance, state.points);
  report('loyalty_account.points_balance of open lots', customerId, account?.points_balance, remaining);
  report('loyalty_account.lifetime_points', customerId, account?.lifetime_points, state.lifetime);
  report('loyalty_account.debt_points', customerId, account?.debt_points, debt);
  report('loyalty_account.last_seq', customerId, account?.last_seq, state.seq);
  const earliest = open.map((lot) => lot.expires_at ?? '~').sort()[0] ?? '~';
  report('loyalty_account.next_expiry_at', customerId, (account?.next_expiry_at ?? '~') <= earliest, true);
}

function compareLot(row: LotRow, state: Replayed, report: ReportDisagreement): void {
  const lot = state.lots.get(row.lot_id);
  report('loyalty_lot.remaining', row.lot_id, row.remaining, lot?.remaining);
  report('loyalty_lot.points', row.lot_id, row.points, lot?.initial);
  report('loyalty_lot.expired', row.lot_id, row.expired, lot?.expired);
  report('loyalty_lot.expires_at', row.lot_id, row.expires_at, lot?.expires_at);
}
