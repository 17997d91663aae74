/** Reads the records of an export page by page, in the form of the wire: amounts in major units, JSON decoded. */
import { toMajor } from '../../domain/money.js';
import type { JournalNumbering } from '../engine/dialect.js';
import { all, one, type Scalar, type Steps } from '../engine/step.js';
import type { StoredTable } from '../engine/stored-tables.js';
import { type ExportedTable, JOURNAL } from './exported-tables.js';

export type ExportRow = Readonly<Record<string, Scalar>>;

const PAGE_ROWS = 500;
/** The most customers that are one person: their ids are in every statement. */
export const MOST_MERGED = 1000;
const SURVIVOR = `SELECT COALESCE(merged_into_customer_id, customer_id) AS id FROM customer
  WHERE orgcode = ? AND customer_id = ?`;
const IDS = `SELECT customer_id FROM customer WHERE orgcode = ? AND (customer_id = ? OR merged_into_customer_id = ?)
  ORDER BY customer_id LIMIT ${MOST_MERGED + 1}`;

/**
 * A customer and those merged into it, whichever of them is named; empty when there is no such customer. More than
 * `MOST_MERGED` are too many.
 */
export function* customerWithMerged(orgcode: string, named: string): Steps<readonly string[]> {
  const survivor = yield* one<{ id: string }>(SURVIVOR, orgcode, named);
  if (survivor === undefined) return [];
  const rows = yield* all<{ customer_id: string }>(IDS, orgcode, survivor.id, survivor.id);
  return rows.map(({ customer_id }) => customer_id);
}

/** What is read: a table of an org, or the rows of it about customers. */
export interface ExportScope {
  readonly orgcode: string;
  readonly customerIds: readonly string[] | undefined;
}

/** The next rows of a table in the order of its key. @param after the last row of the page before */
export function* exportPage(
  exported: ExportedTable,
  table: StoredTable,
  { orgcode, customerIds }: ExportScope,
  after: ExportRow | undefined,
): Steps<readonly ExportRow[]> {
  const order = table.key.filter((column) => column !== 'orgcode');
  const ids = customerIds ?? [];
  const filter = exported.ofCustomer?.replaceAll('IDS', ids.map(() => '?').join(', '));
  const conditions = [
    't.orgcode = ?',
    ...(after === undefined ? [] : [`(${order.map(inTable).join(', ')}) > (${order.map(() => '?').join(', ')})`]),
    ...(customerIds === undefined || filter === undefined ? [] : [filter]),
    ...(exported.where === undefined ? [] : [exported.where]),
  ];
  const columns = table.columns.filter((column) => exported.omit?.includes(column) !== true).map(inTable);
  const currency = exported.currency === undefined ? [] : [`${exported.currency} AS currency`];
  return yield* all<ExportRow>(
    `SELECT ${[...columns, ...currency].join(', ')} FROM ${exported.table} t WHERE ${conditions.join(' AND ')}
      ORDER BY ${order.map(inTable).join(', ')} LIMIT ${PAGE_ROWS}`,
    orgcode,
    ...(after === undefined ? [] : order.map((column) => after[column] ?? null)),
    ...(customerIds === undefined ? [] : ids),
  );
}

/** A part of a table, with the key that orders its rows. */
export type ExportedPart = readonly [ExportedTable, StoredTable];

/** The journal in its order: the rows with a number, then those that wait for one, where an engine has such. */
export function journalParts(
  table: StoredTable,
  { unnumberedKey }: Pick<JournalNumbering, 'unnumberedKey'>,
): readonly ExportedPart[] {
  if (unnumberedKey === undefined) return [[JOURNAL, table]];
  const waiting = { ...table, columns: [...table.columns, unnumberedKey], key: [unnumberedKey] };
  return [
    [{ ...JOURNAL, where: 't.journal_no IS NOT NULL' }, table],
    [{ ...JOURNAL, where: 't.journal_no IS NULL', hide: [unnumberedKey] }, waiting],
  ];
}

function inTable(column: string): string {
  return `t.${column}`;
}

/** A row as a line of the file: its kind, and its data in the form of the wire. */
export function exportedRecord(
  { kind, json = [], flags = [], money = [], hide = [] }: ExportedTable,
  row: ExportRow,
): object {
  const data: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    if (hide.includes(column)) continue;
    const amount = column.endsWith('_minor') ? column.slice(0, -'_minor'.length) : undefined;
    if (json.includes(column)) data[column] = value === null ? null : inMajorUnits(JSON.parse(String(value)));
    else if (flags.includes(column)) data[column] = value === 1;
    else if (amount !== undefined && money.includes(amount))
      data[amount] = value === null || row.currency == null ? null : toMajor(Number(value), String(row.currency));
    else data[column] = value;
  }
  return { kind, data };
}

/** The amount of a JSON object, if it has one, in major units, too. */
function inMajorUnits(value: Readonly<Record<string, unknown>> | null): unknown {
  if (value === null || !Object.hasOwn(value, 'amount_minor')) return value;
  const { amount_minor, ...rest } = value;
  return { ...rest, amount: amount_minor === null ? null : toMajor(Number(amount_minor), String(rest.currency)) };
}
