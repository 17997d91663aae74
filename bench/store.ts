/** Measures earn in the store against the same statements on bare better-sqlite3, one by one and in groups. */
import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import { readCredentials } from '../src/pipeline/credentials.js';
import { parseHeaders } from '../src/pipeline/headers.js';
import type { StoreCall } from '../src/store/store.js';
import { type BenchOrg, openBenchOrg } from './bench-org.js';
import { type Row, rateOf, takeTurns } from './measure.js';

const ROUNDS = 7;
const CUSTOMERS = 1000;
const GROUP = 64;

/** Section (a): earn in the store at 1 and at 64 in flight. */
export async function measureStore(): Promise<readonly Row[]> {
  const ours = await openBenchOrg();
  const byHand = await openBenchOrg();
  const customers = await Promise.all([ours, byHand].map(customersOf));
  const earn = await earner(ours, customers[0] ?? []);
  const hand = handWritten(byHand, customers[1] ?? []);
  const alone = await takeTurns(
    [
      { name: 'ours', round: () => rateOf(earn, 1000, 1) },
      { name: 'by hand', round: () => hand.rate(1000, 1) },
    ],
    ROUNDS,
  );
  const together = await takeTurns(
    [
      { name: 'ours', round: () => rateOf(earn, 6400, GROUP) },
      { name: 'by hand, grouped', round: () => hand.rate(6400, GROUP) },
      { name: 'by hand, one by one', round: () => hand.rate(1000, 1) },
    ],
    ROUNDS,
  );
  hand.close();
  await Promise.all([ours.remove(), byHand.remove()]);
  return [
    row('earn, 1 in flight', alone, 'by hand', 0.85),
    row(`earn, ${GROUP} in flight`, together, 'by hand, grouped', 0.9),
  ];
}

function row(what: string, figures: Record<string, number>, reference: string, least: number): Row {
  return { what, unit: '/s', figures, ratio: (figures.ours ?? 0) / (figures[reference] ?? 1), goal: { least } };
}

async function customersOf(bench: BenchOrg): Promise<string[]> {
  const make = (_: unknown, index: number) =>
    bench.data('crm_customer_create', { customer: { caption: `Customer ${index}` } });
  const made = await Promise.all(Array.from({ length: CUSTOMERS }, make));
  return made.map(({ customer_id }) => customer_id as string);
}

/** Calls the store's port: a complete earn except credentials, roles and schema. */
async function earner({ store, application, headers: raw }: BenchOrg, customers: readonly string[]) {
  const headers = parseHeaders(raw);
  const { pipeline, catalogue } = application;
  const operation = catalogue.find('crm_loyalty_earn')?.operation;
  if (operation === undefined) throw new Error('no earn');
  const caller = await pipeline.backend.identify(readCredentials(headers), pipeline.makeStamp(headers));
  const context = { logical_guid: 'store-1', channel_code: 'pos' };
  let count = 0;
  return () => {
    count += 1;
    const input = { customer_id: customers[count % CUSTOMERS], points: 5, idempotency_key: `key ${count}` };
    const stamp = pipeline.makeStamp(headers);
    return store.perform({ operation, input, caller, context, stamp } satisfies StoreCall);
  };
}

const STATEMENTS = {
  findRecord: `SELECT request_mac, answer, expires_at FROM receipt
    WHERE orgcode = ? AND actor = ? AND endpoint = ? AND idempotency_key = ?`,
  policy: `SELECT policy_version, policy FROM loyalty_policy WHERE orgcode = ? ORDER BY policy_version DESC LIMIT 1`,
  customer: `SELECT c.status, COALESCE(a.points_balance, 0) AS points_balance,
      COALESCE(a.lifetime_points, 0) AS lifetime_points, COALESCE(a.last_seq, 0) AS last_seq, a.next_expiry_at
    FROM customer c LEFT JOIN loyalty_account a ON a.orgcode = c.orgcode AND a.customer_id = c.customer_id
    WHERE c.orgcode = ? AND c.customer_id = ?`,
  lot: 'INSERT INTO loyalty_lot VALUES (?, ?, ?, ?, ?, 0, NULL)',
  txn: `INSERT INTO loyalty_txn (orgcode, loyalty_txn_id, customer_id, seq, kind, points, balance_after, lots,
    policy_version, logical_guid, channel_code, actor, created_at) VALUES (?, ?, ?, ?, 'earn', ?, ?, ?, 0, ?, ?, ?, ?)`,
  account: `INSERT INTO loyalty_account (orgcode, customer_id, points_balance, lifetime_points, debt_points,
      last_seq, last_entry_at)
    VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT (orgcode, customer_id) DO UPDATE SET
    points_balance = excluded.points_balance, lifetime_points = excluded.lifetime_points,
    last_seq = excluded.last_seq, last_entry_at = excluded.last_entry_at`,
  journal: `INSERT INTO journal (orgcode, journal_no, request_id, actor, roles, context, endpoint, target_id, fields,
      reason, reason_code, revision_before, revision_after, written_at)
    SELECT ?, COALESCE(MAX(journal_no), 0) + 1, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, ?
    FROM journal WHERE orgcode = ?`,
  storeRecord: `INSERT INTO receipt (orgcode, actor, endpoint, idempotency_key, request_mac, answer, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
};

interface Account {
  readonly points_balance: number;
  readonly lifetime_points: number;
  readonly last_seq: number;
}

/** The minimal code that writes these rows: no checks, no identity, no generators. */
function handWritten(bench: BenchOrg, customers: readonly string[]) {
  const db = new Database(bench.path);
  db.pragma('synchronous = FULL');
  db.pragma('secure_delete = ON');
  db.pragma('cache_size = -32000');
  const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)] as const);
  const sql = Object.fromEntries(prepared) as Record<keyof typeof STATEMENTS, Database.Statement>;
  let count = 0;
  const earn = () => {
    count += 1;
    const customer_id = customers[count % CUSTOMERS];
    const key = `key ${count}`;
    const now = new Date().toISOString();
    sql.findRecord.get('BENCH', 'hand', 'POST /loyalty/earn', key);
    sql.policy.get('BENCH');
    const account = sql.customer.get('BENCH', customer_id) as Account;
    const [lot_id, loyalty_txn_id, request_id] = [randomUUID(), randomUUID(), randomUUID()];
    const balance = account.points_balance + 5;
    const lots = [{ lot_id, points: 5, expires_at: null }];
    sql.lot.run('BENCH', customer_id, lot_id, 5, 5);
    const json = JSON.stringify(lots);
    const seq = account.last_seq + 1;
    sql.txn.run('BENCH', loyalty_txn_id, customer_id, seq, 5, balance, json, 'store-1', 'pos', 'hand', now);
    sql.account.run('BENCH', customer_id, balance, account.lifetime_points + 5, seq, now);
    const context = '{"logical_guid":"store-1","channel_code":"pos"}';
    sql.journal.run(
      'BENCH',
      request_id,
      'hand',
      '[]',
      context,
      'POST /loyalty/earn',
      loyalty_txn_id,
      '[]',
      now,
      'BENCH',
    );
    const response = JSON.stringify({
      data: { loyalty_txn_id, customer_id, kind: 'earn', points: 5, lots, balance, now },
    });
    sql.storeRecord.run('BENCH', 'hand', 'POST /loyalty/earn', key, randomUUID() + randomUUID(), response, now);
  };
  const group = db.transaction((size: number) => {
    for (let index = 0; index < size; index += 1) earn();
  }).immediate;
  return {
    rate(total: number, size: number): number {
      const started = performance.now();
      for (let done = 0; done < total; done += size) group(size);
      return total / ((performance.now() - started) / 1000);
    },
    close: () => db.close(),
  };
}
