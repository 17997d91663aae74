/** The `admin export` command: writes all records of an org, or those about one customer, as JSON lines. */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { ConfigError, type DatabaseFlags, readEnvironment } from '../config.js';
import { writeComplete } from '../database-file/complete-file.js';
import type { ExportCounts, OrgExport } from '../export/export-org.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import type { Driver } from '../store/engine/driver.js';
import type { GroupedStore } from '../store/groups/grouped-store.js';
import type { Store } from '../store/store.js';
import { createProgress, grouped } from '../terminal/progress.js';
import { printRecord } from './output.js';
import { onDatabase, resolvedPath } from './shared-options.js';

interface ExportFlags extends DatabaseFlags {
  readonly org: string;
  readonly to: string;
  readonly customer?: string;
  readonly withJournal: boolean;
}

type Write = (text: string) => Promise<void>;

/** Adds the command to `admin`. */
export function addAdminExport(admin: Command): void {
  onDatabase(admin.command('export'))
    .description('write all records of an org, or all about one customer, as JSON lines from one snapshot')
    .requiredOption('--org <orgcode>', 'the org')
    .addOption(new Option('--format <format>', 'the format').choices(['jsonl']).default('jsonl'))
    .option('--to <file>', 'the new file, which nobody else can read; - for stdout; nothing is overwritten', '-')
    .option('--customer <id>', 'only what is about this customer and those merged into it')
    .option('--with-journal', 'also the journal: who changed what, and when', false)
    .action(runExport);
}

async function runExport({ org, to, customer, withJournal, ...flags }: ExportFlags): Promise<void> {
  if (withJournal && customer !== undefined)
    throw new ConfigError('--with-journal is about the whole org: leave --customer out, or use admin audit --target');
  const environment = readEnvironment(process.env, flags);
  const file = to === '-' ? undefined : resolve(to);
  if (file !== undefined && existsSync(file)) throw new ConfigError(`${to} exists already: nothing is overwritten`);
  const database = resolvedPath(environment.db);
  const log = createLog(environment.logLevel);
  const store = await openBackend({ database, environment, log, readOnly: true, asOwner: true });
  try {
    const orgcode = org.trim().toUpperCase();
    const driver = await homeOf(store, orgcode);
    const work = (write: Write) => exportShown(driver, { orgcode, customerId: customer, withJournal, write });
    if (file === undefined) return void (await work(toStdout));
    const counts = await intoFile(file, work);
    printRecord({ orgcode, file, ...counts });
  } finally {
    await store.close();
  }
}

async function homeOf(store: Store, orgcode: string): Promise<Driver> {
  if (!('groups' in store)) return store.driver;
  const { driverAtHome } = await import('../store/groups/group-administration.js');
  return await driverAtHome(store as GroupedStore, orgcode);
}

async function exportShown(
  driver: Driver,
  wanted: Pick<OrgExport, 'orgcode' | 'customerId' | 'withJournal' | 'write'>,
) {
  const { ExportError, exportOrg } = await import('../export/export-org.js');
  const progress = createProgress(process.stderr, 'export');
  const onProgress = (lines: number, kind: string) => progress.step(`${grouped(lines)} lines of ${kind}`);
  const now = new Date().toISOString();
  try {
    return await exportOrg({ driver, ...wanted, now, onProgress });
  } catch (error) {
    throw error instanceof ExportError ? new ConfigError(error.message) : error;
  } finally {
    progress.done();
  }
}

/** Writes the file, which gets its name only when it is complete. An error of the database is thrown as it is. */
async function intoFile(file: string, work: (write: Write) => Promise<ExportCounts>): Promise<ExportCounts> {
  let ofDatabase: { readonly error: unknown } | undefined;
  const fill = async (partial: string) => {
    const handle = await open(partial, 'a');
    let isOfFile = false;
    const write = (text: string) =>
      handle.appendFile(text).catch((error: unknown) => {
        isOfFile = true;
        throw error;
      });
    try {
      return await work(write);
    } catch (error) {
      if (!isOfFile) ofDatabase = { error };
      throw error;
    } finally {
      await handle.close();
    }
  };
  return await writeComplete(file, fill).catch((error: unknown) => {
    throw ofDatabase === undefined ? error : ofDatabase.error;
  });
}

function toStdout(text: string): Promise<void> {
  return new Promise((written, failed) => {
    process.stdout.write(text, (error) => (error ? failed(error) : written()));
  });
}
