/** Compares the side tables of customers (tags, references, consents given) with the customers themselves. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { missingRows } from '../engine/many-rows.js';
import { eachPage } from '../engine/ordered-rows.js';
import { one, type Scalar, type Steps } from '../engine/step.js';
import { columnsOf, decode } from '../engine/table.js';
import { CUSTOMER, type CustomerRow, isIndexed } from './customers.js';

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
  const select = `SELECT ${columnsOf(CUSTOMER, 'c')} FROM ${CUSTOMER.name} c`;
  const query = { orgcode, select, alias: 'c', key: ['customer_id'] };
  yield* eachPage<Record<string, Scalar>>(query, function* (rows) {
    const customers = rows.map((raw) => decode(CUSTOMER, raw)).filter(isIndexed);
    for (const side of SIDE_TABLES) {
      const entries = customers.flatMap((row) =>
        distinct(side.entries(row)).map((entry) => [...entry, row.customer_id]),
      );
      counts.set(side.name, (counts.get(side.name) ?? 0) + entries.length);
      for (const no of yield* missingRows(side.name, [...side.key, 'customer_id'], orgcode, entries))
        report(side.name, entries[no]?.at(-1) ?? '', 'missing', 'there');
    }
  });
  for (const [name, expected] of counts) {
    const counted = yield* one<{ entries: number }>(
      `SELECT COUNT(*) AS entries FROM ${name} WHERE orgcode = ?`,
      orgcode,
    );
    report(`${name} count`, orgcode, counted?.entries, expected);
  }
}

function distinct(entries: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
}
