/** The rows of a database that mean something, before and after, and what differs. */
import type Database from 'better-sqlite3';

/** The columns that identify a row, of each table that is compared. */
export const COMPARED: { readonly [table: string]: readonly string[] } = {
  org: ['orgcode'],
  membership: ['orgcode', 'principal_id'],
  customer: ['customer_id'],
  customer_consent: ['customer_id'],
  customer_consent_history: ['customer_id', 'revision', 'purpose'],
  hold: ['hold_id'],
  customer_flag: ['flag_id'],
  loyalty_policy: ['orgcode', 'policy_version'],
  loyalty_account: ['orgcode', 'customer_id'],
  loyalty_lot: ['customer_id', 'lot_id'],
  loyalty_txn: ['loyalty_txn_id'],
  giftcard: ['giftcard_id'],
  giftcard_txn: ['giftcard_txn_id'],
  giftcard_failure: ['subject', 'failure_id'],
  account: ['account_id'],
  account_credit_txn: ['credit_txn_id'],
  account_contact: ['account_contact_id'],
  certificate: ['certificate_id'],
  comment: ['comment_id'],
  comment_revision: ['comment_id', 'revision'],
  inbox: ['inbox_id'],
  fraud_assessment: ['assessment_id'],
  customer_merge: ['merge_id'],
};

/** Tables that follow from the compared ones, or keep what the server needs: credentials, journal, kept answers. */
const NOT_COMPARED = new Set([
  ...['principal', 'session', 'api_key', 'server_key', 'schema_migration', 'derived_data'],
  ...['journal', 'journal_seal', 'receipt', 'receipt_horizon', 'loyalty_month', 'fraud_identifier'],
  ...['customer_tag', 'customer_ref', 'customer_consent_granted', 'customer_block', 'customer_suspect'],
  ...['customer_merge_member', 'comment_hashtag', 'comment_total'],
]);
/** The tables of search indexes, of signing in, and of SQLite itself. */
const APART = /^(customer_search|account_search|oauth_|sqlite_)/;

/** Columns that only count or date a change. */
const BOOKKEEPING = new Set(['row_no', 'revision', 'updated_at', 'last_seq', 'last_entry_at', 'next_expiry_at']);

export type Row = { readonly [column: string]: unknown };
type Table = ReadonlyMap<string, Row>;
export type Snapshot = ReadonlyMap<string, Table>;

export interface Difference {
  readonly table: string;
  /** What identifies the row in its table. */
  readonly key: string;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
  /** The columns that differ, of a row that was there before and is there after. */
  readonly columns: readonly string[];
}

/** Reads all compared rows. @throws Error when the schema has a table that this file does not know */
export function takeSnapshot(database: Database.Database): Snapshot {
  const names = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all() as string[];
  const unknown = names.filter((name) => !(name in COMPARED) && !NOT_COMPARED.has(name) && !APART.test(name));
  if (unknown.length > 0) throw new Error(`evals/snapshot.ts does not know the table ${unknown.join(', ')}`);
  return new Map(Object.keys(COMPARED).map((table) => [table, readTable(database, table)]));
}

function readTable(database: Database.Database, table: string): Table {
  const rows = database.prepare(`SELECT * FROM "${table}"`).all() as Row[];
  return new Map(rows.map((row) => [keyOf(table, row), row]));
}

/** What changed, bookkeeping aside. */
export function compare(before: Snapshot, after: Snapshot): readonly Difference[] {
  return Object.keys(COMPARED).flatMap((table) => {
    const [old, now] = [before.get(table) as Table, after.get(table) as Table];
    return [...new Set([...old.keys(), ...now.keys()])].flatMap((key): Difference[] => {
      const [was, is] = [old.get(key), now.get(key)];
      if (was === undefined || is === undefined) return [{ table, key, before: was, after: is, columns: [] }];
      const columns = Object.keys(is).filter((name) => !BOOKKEEPING.has(name) && was[name] !== is[name]);
      return columns.length === 0 ? [] : [{ table, key, before: was, after: is, columns }];
    });
  });
}

/** A snapshot in which the rows that differ between two others are as in the later one. */
export function withChanges(base: Snapshot, before: Snapshot, after: Snapshot): Snapshot {
  const changed = new Map([...base].map(([table, rows]) => [table, new Map(rows)]));
  for (const { table, key, after: row } of compare(before, after)) {
    if (row === undefined) changed.get(table)?.delete(key);
    else changed.get(table)?.set(key, row);
  }
  return changed;
}

function keyOf(table: string, row: Row): string {
  return JSON.stringify((COMPARED[table] ?? []).map((column) => row[column]));
}

/** Where the record with an id is. */
export interface Place {
  readonly table: string;
  readonly key: string;
}

/** The place of a record with this id; undefined when there is none. */
export function findRow(snapshot: Snapshot, id: string): Place | undefined {
  const key = JSON.stringify([id]);
  const table = Object.keys(COMPARED).find((name) => snapshot.get(name)?.has(key));
  return table === undefined ? undefined : { table, key };
}
