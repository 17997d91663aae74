/** The `verify` command: checks the database file, if it is one, recomputes every balance from its ledger and checks the journal's hash chain. */
import type { Command } from 'commander';
import { type DatabaseFlags, type Environment, readEnvironment } from '../config.js';
import { DatabaseFileError, requireDatabase } from '../database-file/open-error.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import type { Driver } from '../store/engine/driver.js';
import type { GroupedStore } from '../store/groups/grouped-store.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { checkDatabaseFile, type FileFault, isDamage } from '../store/sqlite/check-file.js';
import { type Verification, verifyStore } from '../store/verify-store.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { jsonOption, type OutputFlags, print, printRows, wantsJson } from './output.js';
import { onDatabase, resolvedPath } from './shared-options.js';

/** Adds the `verify` command. */
export function addVerify(program: Command): void {
  onDatabase(program.command('verify'))
    .description(
      'check the file, recompute every balance from its ledger and check the journal; list discrepancies and exit 1 if there are any',
    )
    .option('--quick', 'do not compare tables with their indexes and the search index', false)
    .option('--metrics-file <file>', "also write the result for Prometheus' node_exporter; FILE ends in .prom")
    .addOption(jsonOption())
    .action(verify);
}

interface VerifyFlags extends DatabaseFlags, OutputFlags {
  readonly quick: boolean;
  readonly metricsFile?: string;
}

async function verify({ quick, metricsFile, ...flags }: VerifyFlags): Promise<void> {
  const metrics = metricsFile === undefined ? undefined : await openMetricsFile(metricsFile);
  const environment = readEnvironment(process.env, flags);
  const database = resolvedPath(environment.db);
  const progress = createProgress(process.stderr, 'verify');
  const isFile = !isPostgresUrl(database);
  const faults = isFile ? checkFile(database, quick, progress) : [];
  const verification = faults.length > 0 ? faults : await verifyContent(database, environment, quick, progress);
  progress.done();
  if ('disagreements' in verification) {
    show({ ...(isFile ? { file: 'ok' } : {}), ...verification }, flags);
    if (verification.disagreements.length > 0) process.exitCode = 1;
  } else {
    const what = isFile ? 'file' : 'database';
    show({ [what]: 'damaged', disagreements: verification.map(toDisagreement) }, flags);
    process.stderr.write(`The ${what} is damaged: restore it from a backup. What it contains was not checked.\n`);
    process.exitCode = 1;
  }
  await metrics?.(verification); // last: the result is shown even if this fails
}

/** JSON with the discrepancies last; on a terminal a table of them, and below it what was checked. */
function show({ disagreements, ...more }: { readonly disagreements: readonly object[] }, flags: OutputFlags): void {
  if (wantsJson(flags)) print({ ...more, disagreements });
  else printRows({ name: 'disagreements', rows: disagreements, more }, flags);
}

/** Returns what writes the result. @throws ConfigError as `requireMetricsFile`. */
async function openMetricsFile(path: string): Promise<(found: Verification | readonly FileFault[]) => Promise<void>> {
  const { requireMetricsFile, writeMetricsFile } = await import('./verify-metrics-file.js');
  requireMetricsFile(path);
  const started = performance.now();
  return (found) =>
    writeMetricsFile(path, {
      discrepancies: 'disagreements' in found ? found.disagreements.length : found.length,
      durationMs: performance.now() - started,
      endedAt: Date.now(),
      ...('disagreements' in found ? { checked: found } : {}),
    });
}

function checkFile(path: string, quick: boolean, { step }: Progress): readonly FileFault[] {
  requireDatabase(path);
  return checkDatabaseFile(path, { quick, onStep: step });
}

/** Returns damage that shows only now as faults. A database of several servers is only read, as by any of them. */
async function verifyContent(
  database: string,
  environment: Environment,
  quick: boolean,
  { step }: Progress,
): Promise<Verification | readonly FileFault[]> {
  const readOnly = isPostgresUrl(database);
  try {
    const store = await openBackend({ database, environment, log: createLog(environment.logLevel), readOnly });
    try {
      const verified = (driver: Driver, onStep: (text: string) => void) => {
        const { search, dialect } = driver;
        return driver.read(() => verifyStore(store.keys, { ...(quick ? {} : { search }), dialect, onStep }), {
          isLong: true,
        });
      };
      if (!('groups' in store)) return await verified(store.driver, step);
      const { verifyGroups } = await import('../store/groups/verify-groups.js');
      return await verifyGroups(store as GroupedStore, verified, step);
    } finally {
      await store.close();
    }
  } catch (error) {
    const cause = error instanceof DatabaseFileError ? (error.cause ?? error) : error;
    if (!isDamage(cause) && !isDamagedOnServer(cause)) throw error;
    return [{ check: 'open', found: String((cause as { readonly code: string }).code) }];
  }
}

/** PostgreSQL's data_corrupted and index_corrupted. */
function isDamagedOnServer(error: unknown): boolean {
  return /^XX00[12]$/.test(String((error as { readonly code?: unknown }).code));
}

function toDisagreement({ check, found }: FileFault) {
  return { check, orgcode: '', id: '', stored: found, computed: 'ok' };
}
