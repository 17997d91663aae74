/** The ordered list of PostgreSQL migrations, forward only, and the functions that apply and check them. */
import { createHash } from 'node:crypto';
import type { SchemaClient } from '../schema-client.js';
import { DatabaseServerError } from '../server-error.js';
import { SCHEMA } from './001-schema.js';
import { RATE_LIMIT_TABLE } from './002-rate-limits.js';
import { GROUP_TABLES } from './003-groups.js';
import { CREDENTIAL_COLUMNS } from './004-credentials.js';
import { NOTED_ENTRIES } from './005-points-by-month.js';
import { OAUTH_ORG_TABLE } from './006-oauth-orgs.js';

/** A change of the schema, which is applied in one transaction. */
export interface PostgresMigration {
  readonly version: number;
  readonly name: string;
  /**
   * The oldest schema version whose servers may still run on the result, so that servers can be replaced one by one.
   * What a server of that version reads and writes must work as before: such a migration adds, and a later one removes.
   */
  readonly oldestServer: number;
  readonly script: string;
}

/** The first version whose servers ask where an org is at home. */
export const GROUPS_SCHEMA = 3;

/** In order of their versions, which count from 1. */
export const POSTGRES_MIGRATIONS: readonly PostgresMigration[] = [
  { version: 1, name: 'schema', oldestServer: 1, script: SCHEMA },
  { version: 2, name: 'rate limits', oldestServer: 1, script: RATE_LIMIT_TABLE },
  { version: GROUPS_SCHEMA, name: 'groups', oldestServer: 1, script: GROUP_TABLES },
  { version: 4, name: 'credentials', oldestServer: 1, script: CREDENTIAL_COLUMNS },
  { version: 5, name: 'points by month', oldestServer: 1, script: NOTED_ENTRIES },
  { version: 6, name: 'oauth orgs', oldestServer: 1, script: OAUTH_ORG_TABLE },
];

/** The key of the advisory lock that every migration holds: `g3nc` and `rm` in ASCII. */
const LOCK_KEY = 0x67336e63726d;
const TABLE = `CREATE TABLE IF NOT EXISTS schema_migration (
  version BIGINT PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  checksum TEXT COLLATE "C" NOT NULL,
  applied_at TEXT COLLATE "C" NOT NULL,
  oldest_server BIGINT NOT NULL
)`;
/** The timeouts of a role are for calls: a server may have to wait until another has migrated. */
const NO_TIMEOUTS =
  'SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0';
/**
 * While a migration waits for a table that a long transaction reads, all calls that come later wait behind it: so it
 * stops waiting soon, lets them through, and starts again.
 */
const WAIT_BRIEFLY = `SET LOCAL lock_timeout = '1s'`;
const LOCK_TIMEOUT = '55P03';
const LOCK_PAUSE_MS = 200;
const INSERT = `INSERT INTO schema_migration (version, name, checksum, applied_at, oldest_server)
  VALUES ($1, $2, $3, $4, $5)`;

/**
 * Migrates a database to this version's schema, each migration in one transaction. It is safe to interrupt, and to run
 * from several servers at once. The third parameter replaces the migrations in tests.
 * @throws DatabaseServerError when the database is of a newer schema on which this version cannot run, or an applied
 * migration has been altered since.
 */
export async function migratePostgres(
  client: SchemaClient,
  now: string,
  migrations: readonly PostgresMigration[] = POSTGRES_MIGRATIONS,
): Promise<void> {
  while ((await pendingPostgres(client, migrations)).length > 0) await applyNext(client, now, migrations);
}

/**
 * Checks that no migration is due, where none can be applied.
 * @throws DatabaseServerError as `migratePostgres`, or when migrations are due.
 */
export async function requirePostgresSchema(
  client: SchemaClient,
  migrations: readonly PostgresMigration[] = POSTGRES_MIGRATIONS,
): Promise<void> {
  if ((await pendingPostgres(client, migrations)).length === 0) return;
  throw new DatabaseServerError(
    'the database is of an older schema',
    'Run g3n-crm-mcp admin postgres migrate as the role that owns the tables.',
  );
}

/** The schema version of a database; 0 when it is empty. */
export async function postgresSchemaVersion(client: SchemaClient): Promise<number> {
  return (await applied(client)).at(-1)?.version ?? 0;
}

interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly oldestServer: number;
}

/** The migrations that the database lacks. @throws DatabaseServerError as `migratePostgres`. */
export async function pendingPostgres(
  client: SchemaClient,
  migrations: readonly PostgresMigration[] = POSTGRES_MIGRATIONS,
): Promise<readonly PostgresMigration[]> {
  const done = await applied(client);
  for (const row of done) {
    const known = migrations.find(({ version }) => version === row.version);
    if (known === undefined) requireRunsHere(row, migrations.length);
    else if (checksumOf(known) !== row.checksum) throw altered(row);
  }
  return migrations.filter(({ version }) => !done.some((row) => row.version === version));
}

/** A newer server has migrated: this one may go on when the migration allows it. */
function requireRunsHere({ version, oldestServer }: AppliedMigration, ours: number): void {
  if (oldestServer <= ours) return;
  throw new DatabaseServerError(
    `the database is of schema ${version}, made by a newer g3n-crm-mcp: upgrade`,
    `This version knows schema ${ours}; that one needs servers of schema ${oldestServer} or newer.`,
  );
}

function altered({ version, name }: AppliedMigration): DatabaseServerError {
  return new DatabaseServerError(
    `schema change ${version} (${name}) is not the one applied`,
    'Use the version that made this database, or a newer release.',
  );
}

async function applied(client: SchemaClient): Promise<readonly AppliedMigration[]> {
  const { rows: found } = await client.query(`SELECT to_regclass('schema_migration') IS NOT NULL AS found`);
  if (found[0]?.found !== true) return [];
  const { rows } = await client.query(
    'SELECT version, name, checksum, oldest_server FROM schema_migration ORDER BY version',
  );
  return rows.map(({ version, name, checksum, oldest_server }) => ({
    version: Number(version),
    name: String(name),
    checksum: String(checksum),
    oldestServer: Number(oldest_server),
  }));
}

/** Waits until nobody else changes the schema, and keeps others from it until the transaction ends. */
export async function lockSchema(client: SchemaClient): Promise<void> {
  await client.query(NO_TIMEOUTS);
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
}

/** Applies the first migration that is pending once the lock is held: another server may have applied it meanwhile. */
async function applyNext(client: SchemaClient, now: string, migrations: readonly PostgresMigration[]): Promise<void> {
  await client.query('BEGIN');
  try {
    await lockSchema(client);
    await client.query(TABLE);
    const [next] = await pendingPostgres(client, migrations);
    if (next !== undefined) {
      await client.query(WAIT_BRIEFLY);
      await client.query(next.script);
      await client.query(INSERT, [next.version, next.name, checksumOf(next), now, next.oldestServer]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // the connection may be gone; the first error says why
    if ((error as { readonly code?: unknown }).code !== LOCK_TIMEOUT) throw error;
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
}

function checksumOf(migration: PostgresMigration): string {
  return createHash('sha256').update(migration.script).digest('hex');
}
