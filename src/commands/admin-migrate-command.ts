/** The `admin migrate` command: brings a database up to date, or says what that would do. */
import type { Command } from 'commander';
import { readEnvironment } from '../config.js';
import { explainOpenFailure, requireDatabase } from '../database-file/open-error.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { pendingMigrations } from '../store/sqlite/migrations/migrate.js';
import { openSqlite } from '../store/sqlite/sqlite-driver.js';
import { onAdmin } from './admin-options.js';
import type { AdminFlags } from './administer.js';
import { printRecord } from './output.js';
import { resolvedPath } from './shared-options.js';

/** A change of the schema that a database lacks. */
interface DueMigration {
  readonly version: number;
  readonly name: string;
}

/** Adds the command to `admin`. */
export function addAdminMigrate(admin: Command): void {
  onAdmin(admin.command('migrate'))
    .description('bring the schema of a database up to date, as opening it does; back up first')
    .option('--check', 'only say which migrations are due; exit code 1 if any is', false)
    .option('--dry-run', 'the same as --check', false)
    .action(migrate);
}

type MigrateFlags = AdminFlags & { readonly check: boolean; readonly dryRun: boolean };

async function migrate({ check, dryRun, ...flags }: MigrateFlags): Promise<void> {
  const environment = readEnvironment(process.env, flags);
  const database = resolvedPath(environment.db);
  if (!isPostgresUrl(database)) requireDatabase(database);
  const databases = [database, ...(await otherGroups(environment.groups))];
  const due = [];
  for (const each of databases) due.push(...(await dueIn(each)));
  const isCheck = check || dryRun;
  if (isCheck && due.length > 0) process.exitCode = 1;
  if (!isCheck) {
    await (await openBackend({ database, environment, log: createLog(environment.logLevel), asOwner: true })).close();
  }
  const names = due.map(({ version, name }) => `${version} ${name}`);
  printRecord(isCheck ? { up_to_date: due.length === 0, due: names } : { up_to_date: true, applied: names }, flags);
}

async function otherGroups(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined) return [];
  const { readGroupsFile } = await import('../store/groups/groups-file.js');
  return [...readGroupsFile(file).values()];
}

/** @throws DatabaseFileError or DatabaseServerError when the database is of a newer version of this program. */
async function dueIn(database: string): Promise<readonly DueMigration[]> {
  if (isPostgresUrl(database)) {
    const { onSchema } = await import('../store/postgres-store.js');
    const { pendingPostgres } = await import('../store/postgres/migrations/migrate-postgres.js');
    return await onSchema(database, (client) => pendingPostgres(client));
  }
  try {
    const driver = openSqlite(database, true);
    try {
      return pendingMigrations(driver);
    } finally {
      await driver.close();
    }
  } catch (error) {
    throw explainOpenFailure(database, error);
  }
}
