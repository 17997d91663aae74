/** The `verify` command: checks the file, recomputes every balance from its ledger and checks the journal's hash chain. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { openBackend } from '../application.js';
import { ConfigError, readEnvironment } from '../config.js';
import { DatabaseFileError, missingFileTrouble } from '../database-file/open-error.js';
import { createLog } from '../log.js';
import { checkDatabaseFile, type FileFault, isDamage } from '../store/sqlite/check-file.js';
import { type Verification, verifyStore } from '../store/verify-store.js';
import { print } from './output.js';
import { createProgress, type Progress } from './progress.js';
import { requiredDbOption, resolvedPath } from './shared-options.js';

/** Adds the `verify` command. */
export function addVerify(program: Command): void {
  program
    .command('verify')
    .description(
      'check the file, recompute every balance from its ledger and check the journal; list discrepancies and exit 1 if there are any',
    )
    .option('--quick', 'do not compare tables with their indexes and the search index', false)
    .addOption(requiredDbOption())
    .action(verify);
}

async function verify({ db, quick }: { db: string; quick: boolean }): Promise<void> {
  const path = resolvedPath(db);
  if (!existsSync(path)) {
    throw missingFileTrouble(path) ?? new ConfigError(`there is no database ${path}`);
  }
  const progress = createProgress(process.stderr, 'verify');
  const faults = checkDatabaseFile(path, { quick, onStep: progress.step });
  const verification = faults.length > 0 ? faults : await verifyContent(path, quick, progress);
  progress.done();
  if ('disagreements' in verification) {
    print({ file: 'ok', ...verification });
    if (verification.disagreements.length > 0) process.exitCode = 1;
  } else {
    print({ file: 'damaged', disagreements: verification.map(toDisagreement) });
    process.stderr.write('The file is damaged: restore it from a backup. What it contains was not checked.\n');
    process.exitCode = 1;
  }
}

/** Returns damage that shows only now as faults of the file. */
async function verifyContent(
  path: string,
  quick: boolean,
  { step }: Progress,
): Promise<Verification | readonly FileFault[]> {
  const environment = readEnvironment(process.env);
  try {
    const store = openBackend({ path, environment, log: createLog(environment.logLevel) });
    try {
      const { search } = store.driver;
      return await store.driver.read(() => verifyStore(store.keys, { ...(quick ? {} : { search }), onStep: step }));
    } finally {
      await store.close();
    }
  } catch (error) {
    const cause = error instanceof DatabaseFileError ? error.cause : error;
    if (!isDamage(cause)) throw error;
    return [{ check: 'open', found: String((cause as { readonly code: string }).code) }];
  }
}

function toDisagreement({ check, found }: FileFault) {
  return { check, orgcode: '', id: '', stored: found, computed: 'ok' };
}
