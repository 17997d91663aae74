/** Pages of a customer's ledger, with the balance of the account. */
import { justAfter, normalDateTime } from '../../contract/date-time.js';
import { idFloor } from '../../ids.js';
import { requireCustomer } from '../customer/customer-identity.js';
import { pointsAvailable } from '../customer/customers.js';
import type { Context, InputOf } from '../engine/handler.js';
import { makeToken, pageLimit, readToken, toPage } from '../engine/page-token.js';
import { all, type Scalar, type Steps } from '../engine/step.js';
import { customerAccount, decodeTxn, openLots, TXN_COLUMNS, type TxnRow } from './ledger.js';

type LedgerInput = InputOf<'loyalty_ledger_list'>;

const ENDPOINT = 'loyalty/ledger/list';
/** The most open lots shown; the response has their total number, too. */
const MAX_LOTS = 100;

/** Entries, newest first; the balance; the open lots, earliest expiry first. */
export function* listLedger(cx: Context, input: LedgerInput) {
  yield* requireCustomer(cx, input.customer_id);
  const limit = pageLimit(input);
  const rows = yield* entries(cx, input, limit);
  const account = yield* customerAccount(cx.orgcode, input.customer_id);
  const lots = [...(yield* openLots(cx.orgcode, input.customer_id))].sort(byExpiry);
  return {
    ...toPage(rows, limit, decodeTxn, (last) => makeToken(cx, ENDPOINT, input, { id: last.loyalty_txn_id })),
    points_balance: account.points_balance,
    points_available: yield* pointsAvailable(cx, account),
    open_lots: lots.slice(0, MAX_LOTS).map(({ expired: _, ...lot }) => lot),
    open_lots_total: lots.length,
  };
}

function* entries(
  cx: Context,
  input: LedgerInput,
  limit: number,
): Steps<readonly (Omit<TxnRow, 'lots'> & { lots: string })[]> {
  const after = readToken<{ id: string }>(cx, ENDPOINT, input);
  const where = ['orgcode = ?', 'customer_id = ?'];
  const args: Scalar[] = [cx.orgcode, input.customer_id];
  const add = (condition: string, value: Scalar | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    args.push(value);
  };
  add('loyalty_txn_id < ?', after?.id);
  const { from, to } = input;
  add('loyalty_txn_id >= ?', from === undefined ? undefined : idFloor(normalDateTime(from, 'from')));
  add('loyalty_txn_id < ?', to === undefined ? undefined : idFloor(justAfter(normalDateTime(to, 'to'))));
  add('kind = ?', input.kind);
  const sql = `SELECT ${TXN_COLUMNS} FROM loyalty_txn WHERE ${where.join(' AND ')} ORDER BY loyalty_txn_id DESC LIMIT ?`;
  return yield* all(sql, ...args, limit + 1);
}

function byExpiry(
  a: { expires_at: string | null; lot_id: string },
  b: { expires_at: string | null; lot_id: string },
): number {
  const [left, right] = [a.expires_at ?? '~', b.expires_at ?? '~'];
  if (left !== right) return left < right ? -1 : 1;
  return a.lot_id < b.lot_id ? -1 : 1;
}
