/** The ordered list of migrations, forward only, and the function that applies them. */
import { createHash } from 'node:crypto';
import { DatabaseFileError } from '../../../database-file/open-error.js';
import { all, run, type Steps } from '../../engine/step.js';
import type { SqliteDriver } from '../sqlite-driver.js';
import { SPINE } from './001-spine.js';
import { FAMILIES } from './002-families.js';
import { LEDGER_ORDER_COLUMNS, LEDGER_ORDER_INDEXES } from './003-ledger-order.js';
import { DERIVED_DATA } from './004-derived-data.js';
import { CREDENTIALS } from './005-credentials.js';
import { POINTS_BY_MONTH } from './006-points-by-month.js';
import { OAUTH_ORGS } from './007-oauth-orgs.js';
import { numberLedgers } from './number-ledgers.js';

export interface SqliteMigration {
  readonly version: number;
  readonly name: string;
  /** Scripts, whose text is checked, and steps for what SQL alone cannot do; in this order, in one transaction. */
  readonly parts: readonly (string | (() => Steps<void>))[];
}

const MIGRATIONS: readonly SqliteMigration[] = [
  { version: 1, name: 'spine', parts: [SPINE] },
  { version: 2, name: 'families', parts: [FAMILIES] },
  { version: 3, name: 'ledger-order', parts: [LEDGER_ORDER_COLUMNS, numberLedgers, LEDGER_ORDER_INDEXES] },
  { version: 4, name: 'derived-data', parts: [DERIVED_DATA] },
  { version: 5, name: 'credentials', parts: [CREDENTIALS] },
  { version: 6, name: 'points-by-month', parts: [POINTS_BY_MONTH] },
  { version: 7, name: 'oauth-orgs', parts: [OAUTH_ORGS] },
];

/** The schema version that this program needs. */
export const NEWEST_SCHEMA = MIGRATIONS.length;

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

const LEDGER = `CREATE TABLE IF NOT EXISTS schema_migration (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL
)`;

/**
 * Migrates a database to this version's schema, each migration in one transaction. It is safe to interrupt, and to run
 * in two processes at once.
 * @throws Error when the file was made by a newer version, or an applied migration has been altered since.
 */
export function migrate(driver: SqliteDriver, now: string): void {
  if (pendingMigrations(driver).length === 0) return;
  driver.script(LEDGER);
  for (const migration of pendingMigrations(driver)) apply(driver, migration, now);
}

/**
 * Checks that no migration is due, where none can be applied. @throws Error as `migrate`, or when migrations are due.
 */
export function requireSchema(driver: SqliteDriver): void {
  if (pendingMigrations(driver).length > 0) {
    throw new Error('the database is of an older schema: start once without --read-only, which brings it up to date');
  }
}

/** The schema version of a database file; 0 when it is empty. */
export function schemaVersion(driver: SqliteDriver): number {
  return applied(driver).at(-1)?.version ?? 0;
}

/** The migrations that a file lacks. @throws Error when it was made by a newer version, or one has been altered. */
export function pendingMigrations(driver: SqliteDriver): readonly SqliteMigration[] {
  const done = new Map(applied(driver).map((row) => [row.version, row]));
  for (const [version, row] of done) {
    const known = MIGRATIONS.find((migration) => migration.version === version);
    if (known === undefined)
      throw new Error(`the database is of schema ${version}, made by a newer g3n-crm-mcp: upgrade`);
    if (checksum(known) !== row.checksum)
      throw new Error(`schema change ${version} (${row.name}) is not the one applied`);
  }
  return MIGRATIONS.filter((migration) => !done.has(migration.version));
}

function applied(driver: SqliteDriver): readonly Applied[] {
  return driver.read(appliedRows);
}

function* appliedRows() {
  const tables = yield* all<{ name: string }>(
    `SELECT name FROM sqlite_master WHERE name IN ('schema_migration', 'held_credential') LIMIT 2`,
  );
  if (tables.length === 0) return [];
  if (tables.some(({ name }) => name === 'held_credential'))
    throw new DatabaseFileError('this is the database of a gateway, not of a CRM', 'Name it with --gateway-db.');
  return yield* all<Applied>('SELECT version, name, checksum FROM schema_migration ORDER BY version LIMIT 1000');
}

/** Two processes may start at once: the second waits for the lock, then finds the row and does nothing. */
function apply(driver: SqliteDriver, migration: SqliteMigration, now: string): void {
  driver.script('BEGIN IMMEDIATE');
  try {
    if (!pendingMigrations(driver).some(({ version }) => version === migration.version)) {
      driver.script('COMMIT');
      return;
    }
    for (const part of migration.parts) {
      if (typeof part === 'string') driver.script(part);
      else driver.direct(part());
    }
    driver.direct(
      run(
        'INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)',
        migration.version,
        migration.name,
        checksum(migration),
        now,
      ),
    );
    driver.script('COMMIT');
  } catch (error) {
    driver.script('ROLLBACK');
    throw error;
  }
}

function checksum(migration: SqliteMigration): string {
  return createHash('sha256')
    .update(migration.parts.filter((part) => typeof part === 'string').join('\n'))
    .digest('hex');
}
