/** Checks in the database, past the servers, that each owner's ledger is numbered without a gap and adds up. */
import type { SoakDatabase } from './soak-database.js';

const SHOWN = 20;

interface Ledger {
  readonly table: string;
  readonly owner: string;
  readonly change: string;
  readonly balance: string;
}

const LEDGERS: readonly Ledger[] = [
  { table: 'loyalty_txn', owner: 'customer_id', change: 'points', balance: 'balance_after' },
  {
    table: 'giftcard_txn',
    owner: 'giftcard_id',
    change: `CASE kind WHEN 'issue' THEN amount_minor ELSE -amount_minor END`,
    balance: 'balance_after_minor',
  },
];

/** The first entries whose `seq` is not the next one of their owner, or whose balance does not follow. */
export async function ledgerOrderFaults(database: SoakDatabase): Promise<string[]> {
  const found = await Promise.all(LEDGERS.map((ledger) => faultsOf(database, ledger)));
  return found.flat();
}

async function faultsOf(database: SoakDatabase, { table, owner, change, balance }: Ledger): Promise<string[]> {
  const rows = await database.query(`SELECT * FROM (
      SELECT ${owner} AS owner, seq, ${change} AS change, ${balance} AS balance,
        lag(seq, 1, 0::bigint) OVER chain AS seq_before, lag(${balance}, 1, 0::bigint) OVER chain AS balance_before
      FROM ${table} WINDOW chain AS (PARTITION BY orgcode, ${owner} ORDER BY seq)) AS entry
    WHERE seq <> seq_before + 1 OR balance <> balance_before + change LIMIT ${SHOWN}`);
  return rows.map(
    ({ owner, seq, change, balance, seq_before, balance_before }) =>
      `${table} of ${owner}: ${seq} after ${seq_before}, ${change} on ${balance_before} leaves ${balance}`,
  );
}
