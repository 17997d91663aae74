/** The `admin backup` and `admin restore` commands. PostgreSQL has tools of its own, which are checked. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigError, type DatabaseFlags, type Environment, readEnvironment } from '../config.js';
import { checkArchiving } from '../doctor/check-archiving.js';
import { linesOf } from '../doctor/finding.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { createProgress } from '../terminal/progress.js';
import type { FileReport } from './file-backup.js';
import { jsonOption, print, printRecord, wantsJson } from './output.js';
import { onDatabase, requireOneDatabase, resolvedPath } from './shared-options.js';

/** Adds the commands to `admin`. */
export function addAdminBackup(admin: Command): void {
  onDatabase(admin.command('backup'))
    .description(
      'copy a database file while servers write, and verify the copy; for PostgreSQL, check that its own backup is set up',
    )
    .option('--to <file>', 'the new file; nothing is overwritten')
    .option('--gateway-db <file>', 'the database of a gateway, instead of that of a CRM')
    .option('--with-key', 'also copy the server key, to the new file with .key appended', false)
    .addOption(jsonOption())
    .action(backup);
  onDatabase(admin.command('restore'))
    .description(
      'copy a backup to where there is no database, if the server key belongs to it and verify finds nothing',
    )
    .requiredOption('--from <file>', 'the backup')
    .option('--gateway-db <file>', 'where the database of a gateway shall be, instead of that of a CRM')
    .addOption(jsonOption())
    .action(restoreFile);
}

interface BackupFlags extends DatabaseFlags {
  readonly to?: string;
  readonly gatewayDb?: string;
  readonly withKey: boolean;
  readonly json: boolean;
}

async function backup({ to, withKey, json, ...flags }: BackupFlags): Promise<void> {
  requireOneDatabase(flags);
  const environment = readEnvironment(process.env, flags);
  if (flags.gatewayDb !== undefined) {
    if (to === undefined) throw new ConfigError(NO_TARGET);
    const { backUpGateway } = await import('./gateway-backup.js');
    return printRecord(await backUpGateway(flags.gatewayDb, resolve(to), environment, withKey), { json });
  }
  const from = resolvedPath(environment.db);
  if (isPostgresUrl(from)) {
    if (to !== undefined || withKey) throw new ConfigError(POSTGRES_BACKUP);
    return checkServers(from, environment, json);
  }
  if (to === undefined) throw new ConfigError(NO_TARGET);
  const { backUp } = await import('./file-backup.js');
  const progress = createProgress(process.stderr, 'backup');
  const copy = { from, to: resolve(to), environment, progress };
  report(await backUp(copy, withKey).finally(progress.done), json);
}

/** Each group of databases is a server of its own. Exit code 1 when one of them is not set up. */
async function checkServers(url: string, { groups }: Environment, json: boolean): Promise<void> {
  const { inspectArchiving } = await import('../store/postgres/inspect-archiving.js');
  const { readGroupsFile } = await import('../store/groups/groups-file.js');
  const servers = [url, ...(groups === undefined ? [] : readGroupsFile(groups).values())];
  const checked = [];
  for (const server of servers) {
    const state = await inspectArchiving(server);
    checked.push({ database: state.shown, findings: checkArchiving(state) });
  }
  const isSetUp = checked.every(({ findings }) => findings.every(({ verdict }) => verdict !== 'fail'));
  if (!isSetUp) process.exitCode = 1;
  if (wantsJson({ json })) return print({ set_up: isSetUp, databases: checked });
  for (const { database, findings } of checked) process.stdout.write(`${database}\n${linesOf(findings)}`);
  process.stdout.write(isSetUp ? `\nSet up. ${KEY_APART}\n` : `\nNot set up: see FAIL above. ${KEY_APART}\n`);
}

interface RestoreFlags extends DatabaseFlags {
  readonly from: string;
  readonly gatewayDb?: string;
  readonly json: boolean;
}

async function restoreFile({ from, json, ...flags }: RestoreFlags): Promise<void> {
  requireOneDatabase(flags);
  const environment = readEnvironment(process.env, flags);
  const to = resolvedPath(environment.db);
  if (flags.gatewayDb !== undefined) {
    const { restoreGateway } = await import('./gateway-backup.js');
    return printRecord(await restoreGateway(resolve(from), flags.gatewayDb, environment), { json });
  }
  if (isPostgresUrl(to)) throw new ConfigError(POSTGRES_RESTORE);
  const { restoreBackup } = await import('./file-backup.js');
  const progress = createProgress(process.stderr, 'restore');
  report(await restoreBackup({ from: resolve(from), to, environment, progress }).finally(progress.done), json);
}

/** Discrepancies are the database's own: the backup is there, and the exit code says that there are some. */
function report({ disagreements, ...result }: FileReport, json: boolean): void {
  printRecord(wantsJson({ json }) ? { ...result, disagreements } : result, { json });
  if (result.content === 'discrepancies') process.exitCode = 1;
}

const NO_TARGET = '--to names the file of the backup: give it';
const KEY_APART = 'The server key is not in the database: keep a copy of it elsewhere.';
const POSTGRES_BACKUP =
  'PostgreSQL is backed up by its own tools (pg_basebackup with an archived log, pgBackRest, barman): leave --to and --with-key out to check whether they are set up. See docs/backup.md';
const POSTGRES_RESTORE =
  'PostgreSQL is restored by its own tools: stop the servers, restore the base backup and the archived log (pg_basebackup with recovery_target_time, pgbackrest restore, barman recover), start PostgreSQL, then run verify with the server key of that database. See docs/backup.md';
