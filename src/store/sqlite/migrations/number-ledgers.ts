/** Gives the entries of existing ledgers their `seq`, in the order of their commits. */
import { all, run, type Scalar, type Steps } from '../../engine/step.js';
import { type BalanceStep, commitOrder } from './commit-order.js';

interface Ledger {
  readonly table: string;
  readonly owner: string;
  readonly id: string;
  /** The signed effect of an entry on the balance, and the balance after it. */
  readonly change: string;
  readonly after: string;
}

const LEDGERS: readonly Ledger[] = [
  {
    table: 'loyalty_txn',
    owner: 'customer_id',
    id: 'loyalty_txn_id',
    change: 'points',
    after: 'balance_after',
  },
  {
    table: 'giftcard_txn',
    owner: 'giftcard_id',
    id: 'giftcard_txn_id',
    change: `CASE kind WHEN 'issue' THEN amount_minor ELSE -amount_minor END`,
    after: 'balance_after_minor',
  },
  {
    table: 'account_credit_txn',
    owner: 'account_id',
    id: 'credit_txn_id',
    change: `CASE kind WHEN 'consume' THEN amount_minor ELSE -amount_minor END`,
    after: 'used_after_minor',
  },
];

const JOURNAL_BATCH = 10_000;
const LOYALTY_ROWS = `SELECT journal_no, target_id FROM journal
  WHERE orgcode = ? AND journal_no > ? AND endpoint LIKE '/loyalty/%' ORDER BY journal_no LIMIT ${JOURNAL_BATCH}`;

/** Numbers every ledger by id, and then again those whose balances show that they were committed in another order. */
export function* numberLedgers(): Steps<void> {
  for (const ledger of LEDGERS) {
    yield* run(`UPDATE ${ledger.table} SET seq = n.seq
      FROM (SELECT orgcode AS org, ${ledger.owner} AS owner, ${ledger.id} AS entry,
          ROW_NUMBER() OVER (PARTITION BY orgcode, ${ledger.owner} ORDER BY ${ledger.id}) AS seq
        FROM ${ledger.table}) n
      WHERE orgcode = n.org AND ${ledger.owner} = n.owner AND ${ledger.id} = n.entry`);
    yield* renumberDisordered(ledger);
  }
}

interface Owner {
  readonly orgcode: string;
  readonly owner: string;
}

function* renumberDisordered(ledger: Ledger): Steps<void> {
  const owners = yield* all<Owner>(`SELECT DISTINCT orgcode, owner FROM (SELECT orgcode, ${ledger.owner} AS owner,
      ${ledger.after} AS stored,
      SUM(${ledger.change}) OVER (PARTITION BY orgcode, ${ledger.owner} ORDER BY seq) AS computed
    FROM ${ledger.table}) e WHERE stored <> computed ORDER BY orgcode`);
  const journals = new Map<string, ReadonlyMap<string, number>>();
  for (const { orgcode, owner } of owners) {
    const journal = journals.get(orgcode) ?? (yield* loyaltyJournal(orgcode));
    journals.set(orgcode, journal);
    const steps = yield* all<BalanceStep>(
      `SELECT ${ledger.id} AS id, ${ledger.after} - (${ledger.change}) AS "from", ${ledger.after} AS "to"
        FROM ${ledger.table} WHERE orgcode = ? AND ${ledger.owner} = ? ORDER BY ${ledger.id}`,
      orgcode,
      owner,
    );
    yield* save(ledger, { orgcode, owner }, commitOrder(steps, journal) ?? steps);
  }
}

/** The journal row of each entry that the journal names: the target of a loyalty operation is its entry. */
function* loyaltyJournal(orgcode: string): Steps<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  let after = 0;
  for (;;) {
    const rows = yield* all<{ journal_no: number; target_id: string }>(LOYALTY_ROWS, orgcode, after);
    for (const { journal_no, target_id } of rows) found.set(target_id, journal_no);
    after = rows.at(-1)?.journal_no ?? after;
    if (rows.length < JOURNAL_BATCH) return found;
  }
}

function* save(ledger: Ledger, { orgcode, owner }: Owner, order: readonly BalanceStep[]): Steps<void> {
  const sql = `UPDATE ${ledger.table} SET seq = ? WHERE orgcode = ? AND ${ledger.owner} = ? AND ${ledger.id} = ?`;
  for (const [index, { id }] of order.entries()) {
    const args: readonly Scalar[] = [index + 1, orgcode, owner, id];
    yield* run(sql, ...args);
  }
}
