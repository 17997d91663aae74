/** Backs up the database of a gateway while gateways write. */
import type { Environment } from '../config.js';
import { requireFree, writeComplete } from '../database-file/complete-file.js';
import { createLog } from '../log.js';
import { copyKeyFile } from '../secrets/keys.js';
import { copyAnyFile } from '../store/sqlite/copy-file.js';
import { pages } from './file-backup.js';
import { openGatewayDatabase } from './open-gateway-database.js';
import { createProgress } from './progress.js';
import { resolvedPath } from './shared-options.js';

export interface GatewayBackupReport {
  readonly backup: string;
  /** When the state was taken: it has every write that was sent before. */
  readonly taken_at: string;
  readonly bytes: number;
  /** SQLite's own checks: a damaged copy is never kept. */
  readonly file: 'ok';
  readonly server_key: string;
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
  await openGatewayDatabase(file, environment, createLog('silent'), { mustExist: true }).close(); // it checks the key
  if (withKey) requireFree(`${to}.key`);
  const taken_at = new Date().toISOString();
  const { step, done } = createProgress(process.stderr, 'backup');
  const copy = { from, isBackup: false, onPages: pages(from, step), onStep: step };
  const bytes = await writeComplete(to, (partial) => copyAnyFile({ ...copy, to: partial })).finally(done);
  if (withKey) copyKeyFile(key, `${to}.key`);
  const server_key = withKey ? `${to}.key: keep it apart from the backup` : `not in the backup: keep a copy of ${key}`;
  return { backup: to, taken_at, bytes, file: 'ok', server_key };
}
