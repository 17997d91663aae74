/** Compares the side tables of customers (tags, references, consents given) with the customers themselves. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, one, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode } from '../engine/table.js';
import { CUSTOMER, type CustomerRow, isIndexed } from './customers.js';

const BATCH = 500;
const CUSTOMERS = `SELECT ${columnsOf(CUSTOMER, 'c')} FROM ${CUSTOMER.name} c
  WHERE c.orgcode = ? AND c.customer_id > ? ORDER BY c.customer_id LIMIT ${BATCH}`;

interface SideTable {
  readonly name: string;
  /** The columns of its key between the org and the customer. */
  readonly key: readonly string[];
  entries(row: CustomerRow): readonly (readonly string[])[];
}

const SIDE_TABLES: readonly SideTable[] = [
  { name: 'customer_tag', key: ['tag'], entries: ({ tags }) => tags.map((tag) => [tag]) },
  {
    name: 'customer_ref',
    key: ['system', 'ref'],
    entries: ({ external_refs }) => external_refs.map(({ system, ref }) => [system, ref]),
  },
  {
    name: 'customer_consent_granted',
    key: ['purpose'],
    entries: ({ consents }) =>
      Object.keys(consents)
        .filter((purpose) => consents[purpose] === 'granted')
        .map((p) => [p]),
  },
];

/**
 * Checks that every customer is in the side tables with what its record says, and that they hold no more rows. The
 * report names the customer, not the tag or reference.
 */
export function* verifySideTables(orgcode: string, report: ReportDisagreement): Steps<void> {
  const counts = new Map(SIDE_TABLES.map(({ name }) => [name, 0]));
  let after = '';
  for (;;) {
    const rows = yield* all<Record<string, Scalar>>(CUSTOMERS, orgcode, after);
    for (const raw of rows) {
      const row = decode(CUSTOMER, raw);
      for (const side of SIDE_TABLES) {
        const entries = isIndexed(row) ? distinct(side.entries(row)) : [];
        counts.set(side.name, (counts.get(side.name) ?? 0) + entries.length);
        for (const entry of entries) {
          const stored = yield* one(findSql(side), orgcode, ...entry, row.customer_id);
          report(side.name, row.customer_id, stored === undefined ? 'missing' : 'there', 'there');
        }
      }
    }
    const last = rows.at(-1);
    if (last === undefined) break;
    after = String(last.customer_id);
  }
  for (const [name, expected] of counts) {
    const counted = yield* one<{ entries: number }>(
      `SELECT COUNT(*) AS entries FROM ${name} WHERE orgcode = ?`,
      orgcode,
    );
    report(`${name} count`, orgcode, counted?.entries, expected);
  }
}

function findSql({ name, key }: SideTable): string {
  const conditions = key.map((column) => `${column} = ?`).join(' AND ');
  return `SELECT 1 AS found FROM ${name} WHERE orgcode = ? AND ${conditions} AND customer_id = ?`;
}

function distinct(entries: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
}
