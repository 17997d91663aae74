/** Pages of a customer's ledger, with the balance of the account. */
import { normalDateTime } from '../../contract/date-time.js';
import { requireCustomer } from '../customer/customer-identity.js';
import { pointsAvailable } from '../customer/customers.js';
import type { Context, InputOf } from '../engine/handler.js';
import { makeToken, pageLimit, readToken, toPage } from '../engine/page-token.js';
import { all, type Scalar, type Steps } from '../engine/step.js';
import { customerAccount, decodeTxn, openLots, TXN_COLUMNS, type TxnRow } from './ledger.js';

type LedgerInput = InputOf<'loyalty_ledger_list'>;

/** Tokens continue after a `seq`. */
const ENDPOINT = 'loyalty/ledger/list by seq';
/** The most open lots shown; the response has their total number, too. */
const MAX_LOTS = 100;

/** Entries, last committed first; the balance; the open lots, earliest expiry first. */
export function* listLedger(cx: Context, input: LedgerInput) {
  yield* requireCustomer(cx, input.customer_id);
  const limit = pageLimit(input);
  const rows = yield* entries(cx, input, limit);
  const account = yield* customerAccount(cx.orgcode, input.customer_id);
  const lots = [...(yield* openLots(cx.orgcode, input.customer_id))].sort(byExpiry);
  return {
    ...toPage(rows, limit, withoutSeq, (last) => makeToken(cx, ENDPOINT, input, { seq: last.seq })),
    points_balance: account.points_balance,
    points_available: yield* pointsAvailable(cx, account),
    open_lots: lots.slice(0, MAX_LOTS).map(({ expired: _, ...lot }) => lot),
    open_lots_total: lots.length,
  };
}

type EntryRow = Omit<TxnRow, 'lots'> & { readonly lots: string; readonly seq: number };

function withoutSeq({ seq: _, ...row }: EntryRow): TxnRow {
  return decodeTxn(row);
}

function* entries(cx: Context, input: LedgerInput, limit: number): Steps<readonly EntryRow[]> {
  const after = readToken<{ seq: number }>(cx, ENDPOINT, input);
  const where = ['orgcode = ?', 'customer_id = ?'];
  const args: Scalar[] = [cx.orgcode, input.customer_id];
  const add = (condition: string, value: Scalar | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    args.push(value);
  };
  const { from, to } = input;
  add('seq < ?', after?.seq);
  add('created_at >= ?', from === undefined ? undefined : normalDateTime(from, 'from'));
  add('created_at <= ?', to === undefined ? undefined : normalDateTime(to, 'to'));
  add('kind = ?', input.kind);
  const sql = `SELECT seq, ${TXN_COLUMNS} FROM loyalty_txn WHERE ${where.join(' AND ')} ORDER BY seq DESC LIMIT ?`;
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
