/** The `admin postgres` commands: the schema, the role of the servers, and distribution over several machines. */
import type { Command } from 'commander';
import { ConfigError, type DatabaseFlags, readEnvironment } from '../config.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import type { Distribution } from '../store/postgres/distribution.js';
import { print } from './output.js';
import { onDatabase, resolvedPath } from './shared-options.js';

/** Adds `postgres migrate|distribute` to `admin`. */
export function addAdminPostgres(admin: Command): void {
  const postgres = admin.command('postgres').description('change the schema of a PostgreSQL database, as its owner');
  onDatabase(postgres.command('migrate'))
    .description('bring the schema and the key file up to date, for servers whose role may not')
    .option('--grant-to <role>', 'give this role what a server needs, and take everything else from it')
    .action((flags: DatabaseFlags & { grantTo?: string }) => migrate(flags));
  onDatabase(postgres.command('distribute'))
    .description('distribute the tables by org over the machines of a Citus cluster; stop the servers first')
    .option('--dry-run', 'print the statements in order, and what is missing; change nothing', false)
    .action((flags: DatabaseFlags & { dryRun: boolean }) => distribute(flags));
}

async function migrate({ grantTo, ...flags }: DatabaseFlags & { grantTo?: string }): Promise<void> {
  const database = databaseOf(flags);
  const environment = readEnvironment(process.env, flags);
  const log = createLog(environment.logLevel);
  await (await openBackend({ database, environment, log, asOwner: true, mayCreate: true })).close();
  const { onSchema } = await import('../store/postgres-store.js');
  const { postgresSchemaVersion } = await import('../store/postgres/migrations/migrate-postgres.js');
  const { grantServing } = await import('../store/postgres/serving-role.js');
  const { ERASED_TABLES } = await import('../store/postgres/erasure-vacuum.js');
  const report = await onSchema(database, async (client) => ({
    schema: await postgresSchemaVersion(client),
    ...(grantTo === undefined ? {} : { granted: await grantServing(client, grantTo, ERASED_TABLES) }),
  }));
  print(report);
}

async function distribute({ dryRun, ...flags }: DatabaseFlags & { dryRun: boolean }): Promise<void> {
  const { onSchema } = await import('../store/postgres-store.js');
  const { distribute: run, distributionOf } = await import('../store/postgres/distribution.js');
  const database = databaseOf(flags);
  if (!dryRun) {
    const { pending, already, coordinator } = await onSchema(database, run);
    print({ distributed: pending, already_distributed: already, on_coordinator: coordinator });
    return;
  }
  const found = await onSchema(database, distributionOf);
  process.stdout.write(scriptOf(found));
  if (found.missing !== undefined) throw found.missing;
}

function scriptOf({ statements, already }: Distribution): string {
  if (statements.length === 0) return `-- all ${already.length} tables are distributed already\n`;
  return `${['BEGIN', ...statements, 'COMMIT'].map((statement) => `${statement};`).join('\n')}\n`;
}

/** @throws ConfigError when the database is a file. */
function databaseOf(flags: DatabaseFlags): string {
  const database = resolvedPath(readEnvironment(process.env, flags).db);
  if (!isPostgresUrl(database)) throw new ConfigError('admin postgres needs a PostgreSQL URL: --db postgres://…');
  return database;
}
