/** Opens the gateway database that the flags and the environment configure. */
import type { Environment } from '../config.js';
import { explainOpenFailure } from '../database-file/open-error.js';
import { type GatewayDb, openGatewayDb } from '../gateway/gateway-db.js';
import { type Log, reportOutage, warnOfKeyFile } from '../log.js';
import { databasePath } from './shared-options.js';

/** @throws DatabaseFileError or Error when the database cannot be opened; the message states why and what to do. */
export function openGatewayDatabase(file: string, { keyFile }: Environment, log: Log): GatewayDb {
  const path = databasePath(file);
  try {
    const onOutage = reportOutage(log, path);
    const db = openGatewayDb({ path, onOutage, ...(keyFile === undefined ? {} : { keyPath: keyFile }) });
    warnOfKeyFile(log, keyFile ?? `${path}.key`);
    return db;
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}
