/** Writes all records of an org, or those about one customer, as JSON lines from one snapshot of the database. */
import type { Driver, SnapshotRead } from '../store/engine/driver.js';
import { statusOfOrg } from '../store/engine/org-status.js';
import type { StoredTable } from '../store/engine/stored-tables.js';
import { EXPORTED, JOURNAL, LEFT_OUT } from '../store/export/exported-tables.js';
import {
  customerWithMerged,
  type ExportedPart,
  type ExportRow,
  type ExportScope,
  exportedRecord,
  exportPage,
  journalParts,
  MOST_MERGED,
} from '../store/export/read-export.js';

/** The version of the format. Raise it when a line changes its meaning. */
const EXPORT_FORMAT = 1;

/** An export of what is not there. */
export class ExportError extends Error {}

export interface OrgExport {
  readonly driver: Pick<Driver, 'inSnapshot' | 'dialect'>;
  readonly orgcode: string;
  /** Only what is about this customer. */
  readonly customerId?: string | undefined;
  /** Also the journal, of an org alone. */
  readonly withJournal?: boolean | undefined;
  /** ISO-8601. */
  readonly now: string;
  /** Takes text in the order of the file, and resolves when more may come. */
  readonly write: (text: string) => Promise<void>;
  readonly onProgress: (lines: number, kind: string) => void;
}

export type ExportCounts = Readonly<Record<string, number>>;

/** Returns the number of lines of each kind. @throws ExportError for no such org or customer, or too many merged. */
export async function exportOrg(options: OrgExport): Promise<ExportCounts> {
  return await options.driver.inSnapshot((read) => exportFrom(options, read));
}

async function exportFrom(options: OrgExport, read: SnapshotRead): Promise<ExportCounts> {
  const { driver, orgcode, customerId, now, write } = options;
  const status = await read(() => statusOfOrg(orgcode));
  if (status === undefined) throw new ExportError(`there is no org ${orgcode}`);
  const customerIds = customerId === undefined ? undefined : await read(() => customerWithMerged(orgcode, customerId));
  if (customerIds?.length === 0) throw new ExportError(`the org ${orgcode} has no customer with that id`);
  if (customerIds !== undefined && customerIds.length > MOST_MERGED)
    throw new ExportError(`more than ${MOST_MERGED} customers are merged into that one: export the whole org`);
  const about = customerIds === undefined ? {} : { customer_ids: customerIds };
  await write(
    lineOf({
      kind: 'export',
      format: EXPORT_FORMAT,
      orgcode,
      org_status: status,
      exported_at: now,
      ...about,
      left_out: leftOut(options),
    }),
  );
  const tables = await read(() => driver.dialect.catalogue.tables());
  const counts: Record<string, number> = {};
  for (const exported of EXPORTED) {
    if (customerIds !== undefined && exported.ofCustomer === undefined) continue;
    const part = [exported, tableNamed(tables, exported.table)] as const;
    counts[exported.kind] = await exportPart(options, read, part, { orgcode, customerIds });
  }
  for (const part of options.withJournal ? journalParts(tableNamed(tables, 'journal'), driver.dialect.journal) : []) {
    const lines = await exportPart(options, read, part, { orgcode, customerIds });
    counts[JOURNAL.kind] = (counts[JOURNAL.kind] ?? 0) + lines;
  }
  await write(lineOf({ kind: 'end', lines: total(counts), counts }));
  return counts;
}

function tableNamed(tables: readonly StoredTable[], wanted: string): StoredTable {
  const table = tables.find(({ name }) => name === wanted);
  if (table === undefined) throw new Error(`the database has no table ${wanted}`);
  return table;
}

async function exportPart(
  { write, onProgress }: OrgExport,
  read: SnapshotRead,
  [exported, table]: ExportedPart,
  scope: ExportScope,
): Promise<number> {
  let lines = 0;
  for (let after: ExportRow | undefined; ; ) {
    const previous = after;
    const rows = await read(() => exportPage(exported, table, scope, previous));
    if (rows.length === 0) return lines;
    await write(rows.map((row) => lineOf(exportedRecord(exported, row))).join(''));
    lines += rows.length;
    after = rows.at(-1);
    onProgress(lines, exported.kind);
  }
}

const NOT_OF_CUSTOMERS = 'not about one customer, or how fraud is found';

function leftOut({ customerId, withJournal }: OrgExport): Record<string, string> {
  const { journal, ...others } = LEFT_OUT;
  return {
    ...others,
    ...(withJournal || journal === undefined ? {} : { journal }),
    ...(customerId === undefined ? {} : notOfCustomers()),
  };
}

function notOfCustomers(): Record<string, string> {
  const others = EXPORTED.filter(({ ofCustomer }) => ofCustomer === undefined);
  return Object.fromEntries(others.map(({ table }) => [table, NOT_OF_CUSTOMERS]));
}

function total(counts: ExportCounts): number {
  return Object.values(counts).reduce((sum, lines) => sum + lines, 0);
}

function lineOf(record: object): string {
  return `${JSON.stringify(record)}\n`;
}
