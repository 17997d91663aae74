/** The `verify` command: recomputes every balance from its ledger and checks the journal's hash chain. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { openBackend } from '../application.js';
import { ConfigError, readEnvironment } from '../config.js';
import { missingFileTrouble } from '../database-file/open-error.js';
import { createLog } from '../log.js';
import { verifyStore } from '../store/verify-store.js';
import { print } from './output.js';
import { requiredDbOption, resolvedPath } from './shared-options.js';

/** Adds the `verify` command. */
export function addVerify(program: Command): void {
  program
    .command('verify')
    .description(
      'recompute every balance from its ledger and check the journal; list discrepancies and exit 1 if there are any',
    )
    .addOption(requiredDbOption())
    .action(verify);
}

async function verify({ db }: { db: string }): Promise<void> {
  const path = resolvedPath(db);
  if (!existsSync(path)) {
    throw missingFileTrouble(path) ?? new ConfigError(`there is no database ${path}`);
  }
  const environment = readEnvironment(process.env);
  const store = openBackend({ path, environment, log: createLog(environment.logLevel) });
  try {
    const verification = await store.driver.read(() => verifyStore(store.keys));
    print(verification);
    if (verification.disagreements.length > 0) process.exitCode = 1;
  } finally {
    await store.close();
  }
}
