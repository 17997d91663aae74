/** Settings that several commands share, and the databases that they name. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigError } from '../config.js';
import { IN_MEMORY } from '../database-file/file-identity.js';
import type { ConfirmMode } from '../mcp/confirmation.js';
import { variableOf } from '../settings/setting.js';
import { SETTINGS, type SettingName } from '../settings/setting-table.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { addSettings } from './setting-options.js';

export const NOT_IN_MEMORY = 'a database in memory ends with its server: give a file with --db';

/** Gateway flags of `stdio`, `http` and `doctor`. */
export interface GatewayFlags {
  /** Base URL of the upstream; if not given, the embedded store serves. */
  readonly gateway?: string;
  readonly gatewayDb: string;
  readonly deadlineMs: number;
  readonly gatewayIdempotency: boolean;
  readonly responseValidation: 'warn' | 'strict' | 'off';
  readonly openapi?: string;
  readonly proxy?: string;
}

/** Confirmation flags of `stdio` and `http`. */
export interface ConfirmFlags {
  readonly confirm: ConfirmMode;
}

/** Rate limit flags of `http`. */
export interface LimitFlags {
  readonly maxCallsPerMinute: number;
  readonly maxFailuresPerMinute: number;
  readonly rateLimits?: 'shared' | 'per-process';
  readonly trustProxy?: number;
}

export interface StoreFlags {
  readonly db?: string;
  readonly keyFile?: string;
  readonly groups?: string;
  readonly demo: boolean;
}

export const DATABASE_SETTINGS = [
  'db',
  'key-file',
  'server-key',
  'groups',
  'default-region',
  'unique-customer-fields',
] as const satisfies readonly SettingName[];

/** The settings of a command that can forward calls through a gateway. */
export const GATEWAY_SETTINGS = [
  'gateway',
  'gateway-db',
  'deadline-ms',
  'gateway-idempotency',
  'response-validation',
  'openapi',
  'proxy',
] as const satisfies readonly SettingName[];

/** The caller of a stdio server. */
export const CALLER_SETTINGS = [
  'orgcode',
  'api-key',
  'session-guid',
  'logical-guid',
  'channel-code',
  'cccode',
] as const satisfies readonly SettingName[];

/** Adds the settings of a command on a database that stays. */
export function onDatabase(command: Command): Command {
  return addSettings(command, DATABASE_SETTINGS).hook('preAction', (hooked) => {
    if ((hooked.opts().db ?? process.env[variableOf('db')]) === IN_MEMORY) throw new ConfigError(NOT_IN_MEMORY);
  });
}

/** Adds the settings of a command on the database of a gateway. */
export function onGatewayDatabase(command: Command): Command {
  return addSettings(command, ['gateway-db', 'key-file', 'server-key']);
}

/** @throws ConfigError when the flags name the database of a gateway and another one. */
export function requireOneDatabase(flags: {
  readonly gatewayDb?: string;
  readonly db?: string;
  readonly groups?: string;
}) {
  if (flags.gatewayDb !== undefined && (flags.db !== undefined || flags.groups !== undefined))
    throw new ConfigError('--gateway-db is another database than --db and --groups: give one of them');
}

/** Resolves the path of a database file against the working directory; other databases have none. */
export function resolvedPath(db: string = SETTINGS.db.defaultText): string {
  return db === IN_MEMORY || isPostgresUrl(db) ? db : resolve(db);
}
