/** Opens the gateway database that the flags and the environment configure. */
import type { Environment } from '../config.js';
import { explainOpenFailure, makeDirectory, requireDatabase } from '../database-file/open-error.js';
import { type GatewayDb, openGatewayDb } from '../gateway/gateway-db.js';
import { type Log, reportOutage, warnOfKeyFile } from '../log.js';
import { resolvedPath } from './shared-options.js';

/**
 * Makes the database where there is none, unless it must exist.
 * @throws DatabaseFileError or Error when the database cannot be opened; the message states why and what to do.
 */
export function openGatewayDatabase(
  file: string,
  { keyFile }: Pick<Environment, 'keyFile'>,
  log: Log,
  { mustExist = false } = {},
): GatewayDb {
  const path = resolvedPath(file);
  if (mustExist) requireDatabase(path, 'Correct --gateway-db; admin upstream add makes one.');
  else makeDirectory(path);
  try {
    const onOutage = reportOutage(log, path);
    const db = openGatewayDb({ path, onOutage, ...(keyFile === undefined ? {} : { keyPath: keyFile }) });
    warnOfKeyFile(log, keyFile ?? `${path}.key`);
    return db;
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}
