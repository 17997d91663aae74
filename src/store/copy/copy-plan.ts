/** What is copied, in which order: every table that both databases have. */
import { DatabaseFileError } from '../../database-file/open-error.js';
import type { Dialect } from '../engine/dialect.js';
import { COPY_PROGRESS, type StoredTable } from '../engine/stored-tables.js';

/** What each database keeps for itself. */
const OF_THE_DATABASE: readonly string[] = [
  COPY_PROGRESS,
  'database_group',
  'derived_data',
  'loyalty_month', // made from the entries that are copied
  'loyalty_month_noted',
  'org_directory',
  'org_home',
  'own_group',
  'rate_limit',
  'schema_migration',
  'server_key',
];
/** The search index of SQLite needs the orgs, and the rows of the journal need to know which of them are sealed. */
const FIRST: readonly string[] = ['org', 'journal_seal'];

/** Rows of one table that are read in one order. */
export interface CopyPart {
  readonly name: string;
  readonly table: StoredTable;
  /** Whether the table belongs to an org: the part is then copied once for each org. */
  readonly ofOrg: boolean;
  /** The columns that order the rows of the part, without the org. Empty: there is one row. */
  readonly order: readonly string[];
  /** A condition besides the org. */
  readonly where?: string;
}

/** The tables to copy, by name. @throws DatabaseFileError when the databases do not have the same tables. */
export function tablesToCopy(source: readonly StoredTable[], receiver: readonly StoredTable[]): readonly StoredTable[] {
  const [ours, theirs] = [source, receiver].map((tables) =>
    tables.filter(({ name }) => !OF_THE_DATABASE.includes(name)),
  );
  const [one, other] = [ours, theirs].map((tables = []) => new Set(tables.map(shape)));
  const different = [...(one ?? [])].filter((text) => !other?.has(text));
  if (different.length > 0 || one?.size !== other?.size)
    throw new DatabaseFileError(
      `the databases have different tables: ${different.join('; ') || 'the receiver has more'}`,
      'Bring both up to date with the same version of this program.',
    );
  return ours ?? [];
}

function shape({ name, columns, key }: StoredTable): string {
  return `${name} (${[...columns].sort().join(', ')}; key ${key.join(', ')})`;
}

/** The parts in the order in which they are copied. Credentials come last: with them, callers could come in. */
export function planCopy(tables: readonly StoredTable[], { journal }: Dialect): readonly CopyPart[] {
  const parts = tables.flatMap((table): readonly CopyPart[] => {
    const ofOrg = table.key[0] === 'orgcode' && table.name !== 'org';
    const part = { name: table.name, table, ofOrg, order: table.key.slice(ofOrg ? 1 : 0) };
    if (table.name !== 'journal' || journal.unnumberedKey === undefined) return [part];
    return [
      { ...part, where: 'journal_no IS NOT NULL' },
      { ...part, name: 'journal, not sealed', order: [journal.unnumberedKey], where: 'journal_no IS NULL' },
    ];
  });
  const place = ({ name, ofOrg }: CopyPart) => (FIRST.includes(name) ? FIRST.indexOf(name) : ofOrg ? 2 : 3);
  return parts.sort((a, b) => place(a) - place(b));
}
