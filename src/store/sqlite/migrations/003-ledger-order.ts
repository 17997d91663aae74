/** Schema, third part: a sequence number for the entries of each ledger, so that their order is that of the commits. */
import { appendOnly } from './append-only.js';

interface Ledger {
  readonly table: string;
  readonly owner: string;
  readonly ownerId: string;
}

const LEDGERS: readonly Ledger[] = [
  { table: 'loyalty_txn', owner: 'loyalty_account', ownerId: 'customer_id' },
  { table: 'giftcard_txn', owner: 'giftcard', ownerId: 'giftcard_id' },
  { table: 'account_credit_txn', owner: 'account', ownerId: 'account_id' },
];

/** Before the entries are numbered: the columns, and no triggers that would reject the numbering. */
export const LEDGER_ORDER_COLUMNS = LEDGERS.map(
  ({ table, owner }) => `
DROP TRIGGER ${table}_no_update;
DROP TRIGGER ${table}_no_delete;
ALTER TABLE ${table} ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ${owner} ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ${owner} ADD COLUMN last_entry_at TEXT;`,
).join('\n');

/** Fixed statistics for the query planner: see the first part. */
const STATISTICS = `
DELETE FROM sqlite_stat1 WHERE idx = 'loyalty_txn_by_customer';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('loyalty_txn', 'loyalty_txn_by_seq', '20000000 2000000 40 1'),
  ('giftcard_txn', 'giftcard_txn_by_seq', '3000000 300000 3 1'),
  ('account_credit_txn', 'account_credit_txn_by_seq', '3000000 300000 30 1');
ANALYZE sqlite_schema;`;

/** After the numbering: the order is unique and append-only, and each owner knows its newest entry. */
export const LEDGER_ORDER_INDEXES = [
  'DROP INDEX loyalty_txn_by_customer;',
  ...LEDGERS.map(
    ({ table, owner, ownerId }) => `
CREATE UNIQUE INDEX ${table}_by_seq ON ${table} (orgcode, ${ownerId}, seq);
UPDATE ${owner} SET (last_seq, last_entry_at) = (SELECT COALESCE(MAX(t.seq), 0), MAX(t.created_at) FROM ${table} t
  WHERE t.orgcode = ${owner}.orgcode AND t.${ownerId} = ${owner}.${ownerId});
${appendOnly(table)}`,
  ),
  STATISTICS,
].join('\n');
