/** Expires due points. It is resumable and idempotent, because points that were posted as expired are no longer due. */
import { pastInstant } from '../../domain/instant.js';
import { sweep } from '../../domain/lots.js';
import type { Context, InputOf } from '../engine/handler.js';
import { all, lockRows, type Scalar, type Steps } from '../engine/step.js';
import { customerAccount, openLots, post, type TxnRow } from './ledger.js';
import { currentPolicy } from './policies.js';

const DEFAULT_LOTS = 500;
const MAX_LOTS = 1000;
const MAX_TXNS_SHOWN = 100;

const DUE = `SELECT customer_id FROM loyalty_lot
  WHERE orgcode = ? AND remaining > 0 AND expires_at IS NOT NULL AND expires_at <= ?`;
const DUE_ALL = `${DUE} ORDER BY expires_at, customer_id, lot_id LIMIT ?`;
const DUE_ONE = `${DUE} AND customer_id = ? ORDER BY expires_at, customer_id, lot_id LIMIT ?`;

export interface Swept {
  readonly as_of: string;
  readonly dry_run: boolean;
  readonly expired_points: number;
  readonly expired_lots: number;
  readonly customers: number;
  readonly txns: readonly TxnRow[];
  readonly complete: boolean;
}

/**
 * Expires the lots due at `as_of`, whole customers at a time, until `limit` lots are reached.
 * @throws CrmError 400 when `as_of` is in the future.
 */
export function* expirePoints(cx: Context, input: InputOf<'loyalty_expire'>): Steps<Swept> {
  const asOf = pastInstant(input.as_of, 'as_of', cx.stamp.now);
  const limit = Math.min(MAX_LOTS, Math.max(1, Math.trunc(input.limit ?? DEFAULT_LOTS)));
  const due = yield* dueCustomers(cx.orgcode, asOf, limit, input.customer_id);
  const dry_run = input.dry_run ?? false;
  const total = { expired_points: 0, expired_lots: 0, customers: 0 };
  const txns: TxnRow[] = [];
  const { policy_version } = yield* currentPolicy(cx.orgcode);
  if (!dry_run) yield* lockCustomers(cx.orgcode, due.customers);
  for (const customerId of due.customers) {
    const changes = sweep(yield* openLots(cx.orgcode, customerId), asOf);
    if (changes.length === 0) continue; // somebody else expired or moved them before they were locked
    total.expired_points -= changes.reduce((sum, change) => sum + change.points, 0);
    total.expired_lots += changes.length;
    total.customers += 1;
    if (dry_run) continue;
    const account = yield* customerAccount(cx.orgcode, customerId);
    const { txn } = yield* post(cx, account, { kind: 'expire', changes, policy_version, reason: input.reason });
    if (txns.length < MAX_TXNS_SHOWN) txns.push(txn);
  }
  return { as_of: asOf, dry_run, ...total, txns, complete: due.complete };
}

/** By id, so that two sweeps do not wait for each other. */
function* lockCustomers(orgcode: string, ids: readonly string[]): Steps<void> {
  const sql = 'SELECT 1 FROM customer WHERE orgcode = ? AND customer_id = ?';
  if (ids.length > 0) yield [...ids].sort().map((id) => lockRows(sql, orgcode, id));
}

function* dueCustomers(orgcode: string, asOf: string, limit: number, customerId: string | undefined) {
  const only: readonly Scalar[] = customerId === undefined ? [] : [customerId];
  const sql = customerId === undefined ? DUE_ALL : DUE_ONE;
  const rows = yield* all<{ customer_id: string }>(sql, orgcode, asOf, ...only, limit + 1);
  const customers = [...new Set(rows.slice(0, limit).map((row) => row.customer_id))];
  return { customers, complete: rows.length <= limit };
}
