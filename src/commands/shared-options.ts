/** Options that several commands share, and the parsers of their values. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { IN_MEMORY } from '../database-file/file-identity.js';
import { explainOpenFailure } from '../database-file/open-error.js';
import { type ConfirmMode, readConfirmMode } from '../mcp/confirmation.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';

const DEFAULT_DB = '.data/crm.db';
const DEFAULT_GATEWAY_DB = '.data/gateway.db';
/** The vendor's live API. */
const LIVE_BASE = 'https://api.g3nretailstack.com/crm';
const DEFAULT_DEADLINE_MS = 10_000;
const MOST_MS = 600_000;

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
  readonly trustProxy?: number | true;
}

export interface StoreFlags {
  readonly db?: string;
  readonly keyFile?: string;
  readonly groups?: string;
  readonly demo: boolean;
}

/** Other users of the machine can read its command lines. */
const POSTGRES = 'postgres://user@host/database with the password in PGPASSWORD, ~/.pgpass or G3N_DB';
const KEY_FILE =
  'server key file, which all servers on a PostgreSQL database share (default: the database file with .key appended; env: G3N_KEY_FILE)';

/** Where several PostgreSQL databases share the orgs among them. */
const groupsOption = () =>
  new Option(
    '--groups <file>',
    'JSON file with the PostgreSQL URLs of the other groups, by name, where --db is the first of several (env: G3N_GROUPS)',
  );

const GATEWAY_KEY_FILE = 'server key file (default: the database file with .key appended; env: G3N_KEY_FILE)';

/** The database of a server. `databasePath` applies the default: undefined means that no flag was given. */
export function databaseOptions(): readonly Option[] {
  return [
    new Option(
      '--db <database>',
      `a file, or ${POSTGRES}; :memory: with --demo for one that ends with the server (default: ${DEFAULT_DB}; env: G3N_DB)`,
    ),
    new Option('--key-file <file>', KEY_FILE),
    groupsOption(),
  ];
}

/** Adds the options of a command that must be told its database. */
export function onDatabase(command: Command): Command {
  const db = new Option('--db <database>', `a file, or ${POSTGRES}`).env('G3N_DB').argParser(parseDatabase);
  return command
    .addOption(db.makeOptionMandatory())
    .addOption(new Option('--key-file <file>', KEY_FILE))
    .addOption(groupsOption());
}

/** Adds the options of a command on the database of a gateway. */
export function onGatewayDatabase(command: Command): Command {
  return command.addOption(gatewayDbOption()).addOption(new Option('--key-file <file>', GATEWAY_KEY_FILE));
}

export const gatewayDbOption = () =>
  new Option(
    '--gateway-db <file>',
    'database of idempotency records and held credentials; :memory: to persist nothing',
  ).default(DEFAULT_GATEWAY_DB);

/** The options of a command that can forward calls through a gateway. */
export function gatewayOptions(): readonly Option[] {
  return [
    new Option('--gateway [url]', 'forward every call to this API instead of using the embedded database').preset(
      LIVE_BASE,
    ),
    gatewayDbOption(),
    new Option('--deadline-ms <ms>', 'deadline of a forwarded call, including retries')
      .argParser(parseMilliseconds)
      .default(DEFAULT_DEADLINE_MS),
    new Option(
      '--gateway-idempotency',
      'the API honours idempotency_key, so that writes with a key can be retried',
    ).default(false),
    new Option('--response-validation <mode>', 'what to do with an upstream response that violates the contract')
      .choices(['warn', 'strict', 'off'])
      .default('warn'),
    new Option(
      '--openapi <source>',
      'derive the tools from this OpenAPI 3.0 or 3.1 document, a file or URL (needs --gateway)',
    ),
    new Option('--proxy <url>', 'HTTP proxy for requests to the API (default: from HTTPS_PROXY and NO_PROXY)'),
  ];
}

export const confirmOption = () =>
  new Option(
    '--confirm <mode>',
    'agent calls that a user must confirm: off, destructive, money=AMOUNT (calls that move at least AMOUNT) or all',
  )
    .argParser(parsed(readConfirmMode))
    .default('off' satisfies ConfirmMode);

/** Rate limit options of the HTTP transport. */
export function limitOptions(): readonly Option[] {
  const count = parsed(readCount);
  return [
    new Option('--max-calls-per-minute <count>', 'rate limit per credential; 0 for no limit')
      .argParser(count)
      .default(6000),
    new Option('--max-failures-per-minute <count>', 'rejected credentials allowed per client address; 0 for no limit')
      .argParser(count)
      .default(30),
    new Option(
      '--rate-limits <scope>',
      'count over all servers of a PostgreSQL database, or for this process alone (default: shared on PostgreSQL, else per-process)',
    ).choices(['shared', 'per-process']),
    new Option(
      '--trust-proxy [count]',
      'take client addresses from x-forwarded-for, written by this many proxies of yours (1 if no count is given)',
    ).argParser(count),
  ];
}

/** Resolves the path of a database file against the working directory; other databases have none. */
export function resolvedPath(db: string = DEFAULT_DB): string {
  return db === IN_MEMORY || isPostgresUrl(db) ? db : resolve(db);
}

/**
 * Resolves the path of a database file, and creates its directory if only that is missing: a longer path that does not
 * exist is rather a mistake. @throws DatabaseFileError when the directory cannot be created.
 */
export function databasePath(db?: string): string {
  const path = resolvedPath(db);
  if (path === IN_MEMORY || isPostgresUrl(path) || existsSync(dirname(path))) return path;
  try {
    mkdirSync(dirname(path));
  } catch (error) {
    throw explainOpenFailure(dirname(path), error);
  }
  return path;
}

function parseDatabase(db: string): string {
  if (db === IN_MEMORY) throw new InvalidArgumentError('a database in memory ends with its server: give a file');
  return db;
}

/** The number of trusted proxies in front of the server. */
export function trustedProxies({ trustProxy }: LimitFlags): number {
  return trustProxy === true ? 1 : (trustProxy ?? 0);
}

/** Wraps a parser so that commander reports its errors as invalid arguments. */
function parsed<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

function readCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,9}$/.test(text)) throw new Error('must be a whole number, at most 999999999');
  return count;
}

function parseMilliseconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST_MS) {
    throw new InvalidArgumentError(`must be a whole number of milliseconds from 1 to ${MOST_MS}`);
  }
  return value;
}
