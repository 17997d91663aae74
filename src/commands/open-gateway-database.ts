/** The gateway's database, opened as the flags and the environment say. */
import type { Environment } from '../config.js';
import { type GatewayDb, openGatewayDb } from '../gateway/gateway-db.js';
import { databasePath } from './shared-options.js';

/** @throws Error when it cannot be opened; the message says why. */
export function openGatewayDatabase(path: string, { keyFile }: Environment): GatewayDb {
  return openGatewayDb({ path: databasePath(path), ...(keyFile === undefined ? {} : { keyPath: keyFile }) });
}
