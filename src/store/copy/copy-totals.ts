/** What two databases must agree in: rows of every table, sums of points and money, and the heads of the journals. */
import { createHash } from 'node:crypto';
import { all, enterOrg, one, type Steps } from '../engine/step.js';
import type { StoredTable } from '../engine/stored-tables.js';

/** Columns whose values are added up. */
const ADDED: Readonly<Record<string, readonly string[]>> = {
  loyalty_account: ['points_balance', 'lifetime_points', 'debt_points'],
  loyalty_lot: ['points', 'remaining', 'expired'],
  loyalty_txn: ['points'],
  giftcard: ['balance_minor', 'initial_minor'],
  giftcard_txn: ['amount_minor', 'balance_after_minor'],
  account: ['credit_used_minor', 'credit_limit_minor'],
  account_credit_txn: ['amount_minor', 'used_after_minor'],
};

/** Numbers by what they count: `org/table`, `org/table.column` for a sum. */
export interface CopyTotals {
  readonly orgs: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly sums: ReadonlyMap<string, number>;
  /** By org: rows of the journal, how many of them are sealed, and the hash of the last seal. */
  readonly heads: ReadonlyMap<string, string>;
}

const ORGS = 'SELECT orgcode FROM org ORDER BY orgcode';
const ROWS = 'SELECT COUNT(*) AS count FROM journal WHERE orgcode = ?';
const HEAD = `SELECT last_no, chain_hash FROM journal_seal WHERE orgcode = ? ORDER BY first_no DESC LIMIT 1`;

/** Reads the totals of a database. `onStep` is called before each org. */
export function* readTotals(tables: readonly StoredTable[], onStep: (text: string) => void): Steps<CopyTotals> {
  const orgs = (yield* all<{ orgcode: string }>(ORGS)).map(({ orgcode }) => orgcode);
  const counts = new Map<string, number>();
  const sums = new Map<string, number>();
  const heads = new Map<string, string>();
  const isOfOrg = ({ key, name }: StoredTable) => key[0] === 'orgcode' && name !== 'org';
  for (const [index, orgcode] of ['', ...orgs].entries()) {
    if (orgcode !== '') {
      onStep(`counting, org ${index} of ${orgs.length}`);
      yield* enterOrg(orgcode);
      heads.set(orgcode, yield* headOf(orgcode));
    }
    for (const table of tables.filter((each) => isOfOrg(each) === (orgcode !== ''))) {
      const { name } = table;
      const added = ADDED[name] ?? [];
      const row = yield* one<Record<string, number>>(
        `SELECT COUNT(*) AS count${added.map((column) => `, COALESCE(SUM(${column}), 0) AS ${column}`).join('')}
          FROM ${name} ${orgcode === '' ? '' : 'WHERE orgcode = ?'}`,
        ...(orgcode === '' ? [] : [orgcode]),
      );
      counts.set(`${orgcode}/${name}`, row?.count ?? 0);
      for (const column of added) sums.set(`${orgcode}/${name}.${column}`, row?.[column] ?? 0);
    }
  }
  return { orgs, counts, sums, heads };
}

function* headOf(orgcode: string): Steps<string> {
  const rows = yield* one<{ count: number }>(ROWS, orgcode);
  const head = yield* one<{ last_no: number; chain_hash: string }>(HEAD, orgcode);
  return `${rows?.count ?? 0} rows, ${head?.last_no ?? 0} sealed ${head?.chain_hash ?? ''}`;
}

/** A text that changes with the contents of the database: of two equal ones, the other can be copied further. */
export function digestOf(totals: CopyTotals, keyCheck: string): string {
  const { counts, sums, heads } = totals;
  return createHash('sha256')
    .update(JSON.stringify([keyCheck, ...counts, ...sums, ...heads]))
    .digest('hex');
}

/** All rows. */
export function rowsOf({ counts }: CopyTotals): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** A line of the comparison: what it is about, and the numbers of both databases, added up over all orgs. */
export interface ComparedTotal {
  readonly name: string;
  readonly source: number;
  readonly receiver: number;
  /** False also when the numbers of single orgs differ. */
  readonly equal: boolean;
}

/** Compares the totals of both databases: tables, sums, and last the journals, of which equal ones are counted. */
export function compareTotals(source: CopyTotals, receiver: CopyTotals): readonly ComparedTotal[] {
  const orgs = [...new Set([...source.heads.keys(), ...receiver.heads.keys()])];
  const same = orgs.filter((orgcode) => source.heads.get(orgcode) === receiver.heads.get(orgcode)).length;
  return [
    ...compared(source.counts, receiver.counts),
    ...compared(source.sums, receiver.sums),
    { name: 'heads of journals', source: source.heads.size, receiver: same, equal: same === orgs.length },
  ];
}

type Numbers = ReadonlyMap<string, number>;

function compared(source: Numbers, receiver: Numbers): readonly ComparedTotal[] {
  const keys = [...new Set([...source.keys(), ...receiver.keys()])];
  const nameOf = (key: string) => key.slice(key.indexOf('/') + 1);
  return [...new Set(keys.map(nameOf))].map((name) => {
    const own = keys.filter((key) => nameOf(key) === name);
    const total = (numbers: Numbers) => own.reduce((sum, key) => sum + (numbers.get(key) ?? 0), 0);
    const equal = own.every((key) => source.get(key) === receiver.get(key));
    return { name, source: total(source), receiver: total(receiver), equal };
  });
}
