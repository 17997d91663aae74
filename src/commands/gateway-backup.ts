/** Backs up the database of a gateway while gateways write, and restores it. */
import type { Environment } from '../config.js';
import { requireFree, writeComplete } from '../database-file/complete-file.js';
import { requireDatabase } from '../database-file/open-error.js';
import { createLog } from '../log.js';
import { copyKeyFile } from '../secrets/keys.js';
import { copyAnyFile } from '../store/sqlite/copy-file.js';
import { createProgress } from '../terminal/progress.js';
import { keyForRestore, pages } from './file-backup.js';
import { openGatewayDatabase } from './open-gateway-database.js';
import { resolvedPath } from './shared-options.js';

interface CopiedGateway {
  readonly bytes: number;
  /** SQLite's own checks: a damaged copy is never kept. */
  readonly file: 'ok';
  readonly server_key: string;
}

export interface GatewayRestoreReport extends CopiedGateway {
  readonly restored: string;
}

export interface GatewayBackupReport extends CopiedGateway {
  readonly backup: string;
  /** When the state was taken: it has every write that was sent before. */
  readonly taken_at: string;
}

/**
 * Copies it to a new file, mode 0600.
 * @throws DatabaseFileError when a file is there already, cannot be written, is damaged, or the key is not its own.
 */
export async function backUpGateway(
  file: string,
  to: string,
  environment: Environment,
  withKey: boolean,
): Promise<GatewayBackupReport> {
  const from = resolvedPath(file);
  const key = environment.keyFile ?? `${from}.key`;
  await checkOpens(file, environment);
  if (withKey) requireFree(`${to}.key`);
  const taken_at = new Date().toISOString();
  const bytes = await copied({ from, to, isBackup: false, name: 'backup' });
  if (withKey) copyKeyFile(key, `${to}.key`);
  const server_key = withKey ? `${to}.key: keep it apart from the backup` : `not in the backup: keep a copy of ${key}`;
  return { backup: to, taken_at, bytes, file: 'ok', server_key };
}

/**
 * Copies a backup to where the database of a gateway shall be.
 * @throws DatabaseFileError as `backUpGateway`; then nothing is restored.
 */
export async function restoreGateway(
  from: string,
  file: string,
  environment: Environment,
): Promise<GatewayRestoreReport> {
  requireDatabase(from, 'Correct --from: it names the backup.');
  const to = resolvedPath(file);
  requireFree(to);
  const { key, source } = keyForRestore(from, to, environment);
  const bytes = await copied({ from, to, isBackup: true, name: 'restore' }, (partial) =>
    checkOpens(partial, { keyFile: source }),
  );
  if (source !== key) copyKeyFile(source, key);
  return { restored: to, bytes, file: 'ok', server_key: key };
}

interface GatewayCopy {
  readonly from: string;
  readonly to: string;
  readonly isBackup: boolean;
  readonly name: string;
}

/** Returns the size in bytes. */
async function copied({ from, to, isBackup, name }: GatewayCopy, check?: (partial: string) => Promise<void>) {
  const { step, done } = createProgress(process.stderr, name);
  const copy = { from, isBackup, onPages: pages(from, step), onStep: step };
  return await writeComplete(to, async (partial) => {
    const bytes = await copyAnyFile({ ...copy, to: partial });
    await check?.(partial);
    return bytes;
  }).finally(done);
}

/** Opens it as a gateway does: it must be the database of one, and the key its own. */
async function checkOpens(file: string, environment: Pick<Environment, 'keyFile'>): Promise<void> {
  await openGatewayDatabase(file, environment, createLog('silent'), { mustExist: true }).close();
}
