/** Opens the gateway database that the flags and the environment configure. */
import type { Environment } from '../config.js';
import { type GatewayDb, openGatewayDb } from '../gateway/gateway-db.js';
import { databasePath } from './shared-options.js';

/** @throws Error when the database cannot be opened; the message states why. */
export function openGatewayDatabase(path: string, { keyFile }: Environment): GatewayDb {
  return openGatewayDb({ path: databasePath(path), ...(keyFile === undefined ? {} : { keyPath: keyFile }) });
}
