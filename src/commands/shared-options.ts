/** Options that several commands share, and their reading. Not: what is done with them. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { type ConfirmMode, readConfirmMode } from '../mcp/confirmation.js';

const DEFAULT_DB = '.data/crm.db';
const DEFAULT_GATEWAY_DB = '.data/gateway.db';
/** The vendor's live API. */
const LIVE_BASE = 'https://api.g3nretailstack.com/crm';
const DEFAULT_DEADLINE_MS = 10_000;
const MOST_MS = 600_000;

/** What `stdio`, `http` and `doctor` know of a gateway. */
export interface GatewayFlags {
  /** The upstream's base; without it the embedded store serves. */
  readonly gateway?: string;
  readonly gatewayDb: string;
  readonly deadlineMs: number;
  readonly gatewayIdempotency: boolean;
  readonly responseValidation: 'warn' | 'strict' | 'off';
  readonly openapi?: string;
  readonly proxy?: string;
}

/** What `stdio` and `http` know of calls that need to be confirmed. */
export interface ConfirmFlags {
  readonly confirm: ConfirmMode;
}

/** What `http` knows of callers who call too often. */
export interface LimitFlags {
  readonly maxCallsPerMinute: number;
  readonly maxFailuresPerMinute: number;
  readonly trustProxy?: number | true;
}

export interface StoreFlags {
  readonly db?: string;
  readonly demo: boolean;
}

/** The embedded database of a server: `--db`, default .data/crm.db; undefined as long as nobody says. */
export const dbOption = () => new Option('--db <file>', `the embedded database (default: ${DEFAULT_DB})`);

export const requiredDbOption = () => new Option('--db <file>', 'the database file').makeOptionMandatory();

export const gatewayDbOption = () =>
  new Option(
    '--gateway-db <file>',
    'where receipts of writes and held credentials are kept; :memory: for nowhere',
  ).default(DEFAULT_GATEWAY_DB);

/** The options of a command that can work through a gateway. */
export function gatewayOptions(): readonly Option[] {
  return [
    new Option('--gateway [url]', 'forward every call to this API instead of the embedded database').preset(LIVE_BASE),
    gatewayDbOption(),
    new Option('--deadline-ms <ms>', 'the longest a forwarded call may take, retries included')
      .argParser(parseMilliseconds)
      .default(DEFAULT_DEADLINE_MS),
    new Option('--gateway-idempotency', 'the gateway honours idempotency_key: writes with one may be retried').default(
      false,
    ),
    new Option('--response-validation <mode>', 'what to do with an answer that is not as the contract says')
      .choices(['warn', 'strict', 'off'])
      .default('warn'),
    new Option('--openapi <source>', 'derive the tools from this OpenAPI 3.0 or 3.1 file or URL (needs --gateway)'),
    new Option('--proxy <url>', 'the HTTP proxy on the way to the gateway (default: HTTPS_PROXY, NO_PROXY)'),
  ];
}

export const confirmOption = () =>
  new Option(
    '--confirm <mode>',
    'which calls of agents a user has to agree to: off, destructive, money=AMOUNT (that move so much value) or all',
  )
    .argParser(parsed(readConfirmMode))
    .default('off' satisfies ConfirmMode);

/** The options of a door that many come through. */
export function limitOptions(): readonly Option[] {
  const count = parsed(readCount);
  return [
    new Option('--max-calls-per-minute <count>', 'calls of one credential; 0 for no limit')
      .argParser(count)
      .default(6000),
    new Option('--max-failures-per-minute <count>', 'refused credentials from one address; 0 for no limit')
      .argParser(count)
      .default(30),
    new Option(
      '--trust-proxy [count]',
      'take addresses from x-forwarded-for, as so many proxies of your own in front of this server write it (1)',
    ).argParser(count),
  ];
}

/** The embedded database's path, ready to be opened: relative to where the program was started, its directory made. */
export function databasePath(db: string = DEFAULT_DB): string {
  if (db === ':memory:') return db;
  const path = resolve(db);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/** Proxies in front of the server, as the flags say. */
export function trustedProxies({ trustProxy }: LimitFlags): number {
  return trustProxy === true ? 1 : (trustProxy ?? 0);
}

/** A reader whose complaints commander understands. */
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
