/**
 * All settings. Flags, environment variables, the configuration file, the help and docs/configuration.md are made from
 * this table: a new setting is a row here, and its name in the commands that have it (commands/setting-options.ts).
 */
import { LIVE_BASE } from '../contract/base-url.js';
import { readConfirmMode } from '../mcp/confirmation.js';
import { DEFAULT_ANSWER_TOKENS, MIN_ANSWER_TOKENS } from '../mcp/response-budget.js';
import { splitNames } from '../pipeline/headers.js';
import { OAUTH } from './oauth-rows.js';
import type { Setting } from './setting.js';
import { anyText, country, nonEmpty, oneOf, someOf, wholeNumber, yesOrNo } from './setting-values.js';

const MAX_COUNT = 999_999_999;
const MAX_CONNECTIONS = 1_000_000;
const MAX_WORKERS = 64;
const MAX_SECONDS = 24 * 3600;
const MAX_DEADLINE_MS = 600_000;

/** The database, its key, and what its servers must agree on. */
const DATABASE = {
  db: {
    takes: '<database>',
    description:
      'a file, or postgres://user@host/database with the password in PGPASSWORD, ~/.pgpass or G3N_DB; ' +
      ':memory: with --demo for one that ends with the server',
    defaultText: '.data/crm.db',
    isSecret: true,
    parse: nonEmpty,
  },
  'key-file': {
    takes: '<file>',
    description: 'server key file, which all servers on a PostgreSQL database share',
    defaultText: 'the database file with .key appended',
    parse: nonEmpty,
  },
  'server-key': {
    hasFlag: false,
    description: 'the server key itself instead of its file: 32 bytes in hex or base64, or the lines of a key file',
    isSecret: true,
    parse: anyText,
  },
  groups: {
    takes: '<file>',
    description: 'JSON file with the PostgreSQL URLs of the other groups, by name, where --db is the first of several',
    parse: nonEmpty,
  },
  'default-region': {
    hasFlag: false,
    description: 'country of phone numbers without a country code',
    default: 'US',
    parse: country,
  },
  'unique-customer-fields': {
    hasFlag: false,
    description: 'customer fields that must be unique: email, phone, both (email,phone) or none',
    default: ['email'],
    defaultText: 'email',
    parse: someOf('email', 'phone'),
  },
} as const satisfies Table;

/** The caller and the operating context of a stdio server. Over HTTP these are headers. */
const CALLER = {
  orgcode: { hasFlag: false, description: 'org code', isRequired: true, parse: anyText },
  'api-key': {
    hasFlag: false,
    description: 'API key of the org; this or G3N_SESSION_GUID',
    isSecret: true,
    parse: anyText,
  },
  'session-guid': {
    hasFlag: false,
    description: 'session of a user; takes precedence over a key',
    isSecret: true,
    parse: anyText,
  },
  'logical-guid': {
    hasFlag: false,
    description: 'facility, required for loyalty and gift card actions',
    parse: anyText,
  },
  'channel-code': {
    hasFlag: false,
    description: 'sales channel, required for loyalty and gift card actions',
    parse: anyText,
  },
  cccode: { hasFlag: false, description: 'cost code, XXXX-XXXX-XXXX', parse: anyText },
} as const satisfies Table;

/** What agents see. */
const AGENTS = {
  demo: {
    description:
      'create the demo org DEMO if it does not exist; http prints its keys, and stdio acts as its owner unless ' +
      'credentials are given',
    default: false,
    parse: yesOrNo,
  },
  toolsets: { takes: '<names>', description: 'only the tools of these families, comma-separated', parse: splitNames },
  tools: {
    takes: '<names>',
    description: 'only these tools, comma-separated; with --toolsets, these in addition',
    parse: splitNames,
  },
  exclude: { takes: '<names>', description: 'all tools except these, comma-separated', parse: splitNames },
  'read-only': {
    description: 'reject every write: offer no tools that write, and open the database read-only',
    default: false,
    parse: yesOrNo,
  },
  lean: {
    description: 'three tools that find, describe and call any operation, not one tool each',
    default: false,
    parse: yesOrNo,
  },
  'max-answer-tokens': {
    takes: '<count>',
    description: 'response budget: maximum tokens per tool result',
    default: DEFAULT_ANSWER_TOKENS,
    parse: wholeNumber(MIN_ANSWER_TOKENS, MAX_COUNT),
  },
  confirm: {
    takes: '<mode>',
    description:
      'agent calls that a user must confirm: off, destructive, money=AMOUNT (calls that move at least AMOUNT) or all',
    default: 'off',
    parse: readConfirmMode,
  },
} as const satisfies Table;

/** A gateway, which forwards calls. */
const GATEWAY = {
  gateway: {
    takes: '[url]',
    description: 'forward every call to this API, or to the live one, instead of using the embedded database',
    preset: LIVE_BASE,
    parse: nonEmpty,
  },
  'gateway-db': {
    takes: '<file>',
    description: 'database of idempotency records and held credentials; :memory: to persist nothing',
    default: '.data/gateway.db',
    parse: nonEmpty,
  },
  'deadline-ms': {
    takes: '<ms>',
    description: 'deadline of a forwarded call, including retries',
    default: 10_000,
    parse: wholeNumber(1, MAX_DEADLINE_MS),
  },
  'gateway-idempotency': {
    description: 'the API honours idempotency_key, so that writes with a key can be retried',
    default: false,
    parse: yesOrNo,
  },
  'response-validation': {
    takes: '<mode>',
    description: 'what to do with an upstream response that violates the contract',
    choices: ['warn', 'strict', 'off'],
    default: 'warn',
    parse: oneOf('warn', 'strict', 'off'),
  },
  openapi: {
    takes: '<source>',
    description: 'derive the tools from this OpenAPI 3.0 or 3.1 document, a file or URL (needs --gateway)',
    parse: nonEmpty,
  },
  proxy: {
    takes: '<url>',
    description: 'HTTP proxy for requests to the API',
    defaultText: 'from HTTPS_PROXY and NO_PROXY',
    isSecret: true,
    parse: nonEmpty,
  },
  'upstream-auth': {
    takes: '<mode>',
    description: "credentials to send upstream: those held for the caller's key, or the caller's own",
    choices: ['held', 'direct'],
    default: 'held',
    parse: oneOf('held', 'direct'),
  },
  'upstream-credential': {
    hasFlag: false,
    description: 'the secret of the upstream credential; if it is not set, it is read from stdin',
    isSecret: true,
    parse: anyText,
  },
} as const satisfies Table;

/** The HTTP transport. */
const HTTP = {
  host: { takes: '<host>', description: 'address to listen on', default: '127.0.0.1', parse: nonEmpty },
  port: {
    takes: '<port>',
    description: 'port to listen on; 0 for any free port',
    default: 8787,
    parse: wholeNumber(0, 65_535),
  },
  'allow-host': {
    takes: '<host...>',
    description: 'host names that clients may use besides loopback; required to listen on other addresses',
    parse: splitNames,
  },
  'allow-origin': {
    takes: '<host...>',
    description: 'hosts of web pages that may call the server (CORS); null for pages opened from disk',
    parse: splitNames,
  },
  'max-calls-per-minute': {
    takes: '<count>',
    description: 'rate limit per credential; 0 for no limit',
    default: 6000,
    parse: wholeNumber(0, MAX_COUNT),
  },
  'max-failures-per-minute': {
    takes: '<count>',
    description: 'rejected credentials allowed per client address; 0 for no limit',
    default: 30,
    parse: wholeNumber(0, MAX_COUNT),
  },
  'rate-limits': {
    takes: '<scope>',
    description: 'count over all servers of a PostgreSQL database, or for this process alone',
    choices: ['shared', 'per-process'],
    defaultText: 'shared on PostgreSQL, else per-process',
    parse: oneOf('shared', 'per-process'),
  },
  'trust-proxy': {
    takes: '[count]',
    description:
      'take client addresses from x-forwarded-for, written by this many proxies of yours (1 if no count is given)',
    preset: '1',
    parse: wholeNumber(0, MAX_COUNT),
  },
  workers: {
    takes: '<count>',
    description:
      'processes that serve the port together, for reads on several cores; needs a database file and --stateless',
    default: 1,
    parse: wholeNumber(1, MAX_WORKERS),
  },
  stateless: {
    description: 'keep no state between requests, so that any of several servers can handle any request',
    default: false,
    parse: yesOrNo,
  },
  'max-sessions': {
    takes: '<count>',
    description:
      'concurrent sessions of clients with older protocol versions; at most a quarter of them per credential',
    default: 1000,
    parse: wholeNumber(1, MAX_CONNECTIONS),
  },
  'session-idle-seconds': {
    takes: '<s>',
    description: 'close a session after this many seconds without a request',
    default: 1800,
    parse: wholeNumber(1, MAX_SECONDS),
  },
  'max-connections': {
    takes: '<count>',
    description: 'open connections; a further one is answered 503',
    default: 4096,
    parse: wholeNumber(1, MAX_CONNECTIONS),
  },
  sse: { description: 'also serve the deprecated HTTP+SSE transport, at /sse', default: false, parse: yesOrNo },
  'drain-seconds': {
    takes: '<s>',
    description: 'drain timeout for in-flight calls on shutdown',
    default: 15,
    parse: wholeNumber(0, MAX_SECONDS),
  },
  'drain-grace-seconds': {
    takes: '<s>',
    description: 'on shutdown, accept new calls for this long while /readyz reports not ready',
    default: 0,
    parse: wholeNumber(0, MAX_SECONDS),
  },
} as const satisfies Table;

const TELEMETRY = {
  otel: {
    description:
      'record traces by OpenTelemetry and send them by OTLP (http/json); the standard variables OTEL_… say where and how many',
    default: false,
    parse: yesOrNo,
  },
  'metrics-port': {
    takes: '<port>',
    description: 'serve metrics for Prometheus at /metrics on this port; 0 for any free port',
    parse: wholeNumber(0, 65_535),
  },
  'metrics-host': {
    takes: '<host>',
    description: 'address of --metrics-port',
    defaultText: '127.0.0.1',
    parse: nonEmpty,
  },
  'metrics-token-file': {
    takes: '<file>',
    description:
      'serve metrics only to those who send the token in this file; without --metrics-port, on the main port',
    parse: nonEmpty,
  },
} as const satisfies Table;

/** Settings of every command. */
const EVERYWHERE = {
  config: {
    takes: '<file>',
    description: 'configuration file: YAML with settings by their names',
    parse: nonEmpty,
  },
  'log-level': {
    takes: '<level>',
    description: 'log level; logs go to stderr',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    parse: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  },
  'log-format': {
    takes: '<format>',
    description: 'JSON lines, or text for a person; auto: text on a terminal',
    choices: ['auto', 'json', 'pretty'],
    default: 'auto',
    parse: oneOf('auto', 'json', 'pretty'),
  },
  color: {
    takes: '<when>',
    description: 'colours of the output; auto: on a terminal, unless NO_COLOR is set',
    choices: ['auto', 'always', 'never'],
    default: 'auto',
    parse: oneOf('auto', 'always', 'never'),
  },
} as const satisfies Table;

type Table = { readonly [name: string]: Setting };

/** By group, as the documentation lists them. */
export const SETTING_GROUPS = {
  Database: DATABASE,
  'Caller of a stdio server': CALLER,
  Agents: AGENTS,
  HTTP,
  OAuth: OAUTH,
  Telemetry: TELEMETRY,
  Gateway: GATEWAY,
  'Every command': EVERYWHERE,
} as const;

export const SETTINGS = {
  ...DATABASE,
  ...CALLER,
  ...AGENTS,
  ...HTTP,
  ...OAUTH,
  ...TELEMETRY,
  ...GATEWAY,
  ...EVERYWHERE,
} as const;
export type SettingName = keyof typeof SETTINGS;
export type SettingValue<Name extends SettingName> = ReturnType<(typeof SETTINGS)[Name]['parse']>;

/** The settings that every command has. */
export const COMMON_SETTINGS = Object.keys(EVERYWHERE) as readonly SettingName[];

/** The row of a setting. */
export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}
