#!/usr/bin/env node
/** The program: the command line, and the only file that knows every room. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { createApplication, openBackend } from './application.js';
import { ConfigError, headersFromEnvironment, parsePort, readEnvironment } from './config.js';
import type { OrgStatus } from './contract/backend.js';
import { CONTRACT } from './contract/generated/contract.js';
import { VERSION } from './contract/version.js';
import { createLog, describe } from './log.js';
import { createCallTool, createServerFactory } from './server.js';
import { AdminError, createKey, createOrg, createSession, revokeKey, setOrgStatus } from './store/admin.js';
import type { Steps } from './store/step.js';
import type { Store } from './store/store.js';
import { verifyStore } from './store/verify.js';
import type { Headers } from './tools/headers.js';

const DEFAULT_DB = '.data/crm.db';
const DEFAULT_TTL_SECONDS = 3600;
/** Made by the build beside this file; absent when running from src. */
const VALIDATORS = fileURLToPath(new URL('validators', import.meta.url));

const program = new Command('g3n-crm-mcp')
  .description('A retail CRM as an MCP server: every endpoint a typed tool, on an embedded SQLite database.')
  .version(VERSION)
  .exitOverride() // before the commands, which take it over: every wrong usage must exit 2
  .showHelpAfterError('(run with --help for the options)')
  .addHelpText(
    'after',
    `
Examples:
  $ g3n-crm-mcp http --demo                     try it: demo data and keys, MCP on http://127.0.0.1:8787/mcp
  $ g3n-crm-mcp admin org create ACME --db crm.db
  $ g3n-crm-mcp admin key create ACME --owner --name backoffice --db crm.db
  $ G3N_ORGCODE=ACME G3N_API_KEY=… g3n-crm-mcp stdio --db crm.db

Environment:
  G3N_ORGCODE, G3N_API_KEY or G3N_SESSION_GUID         who calls (stdio; over HTTP these are headers)
  G3N_LOGICAL_GUID, G3N_CHANNEL_CODE, G3N_CCCODE       where: facility, sales channel, cost code (stdio)
  G3N_KEY_FILE                 the server key; default: the database file with .key behind it
  G3N_DEFAULT_REGION           country of phone numbers without a country code; default US
  G3N_UNIQUE_CUSTOMER_FIELDS   email, phone, email,phone or none; default email
  G3N_LOG_LEVEL                debug, info, warn, error or silent; default info; logs go to stderr

Exit codes: 0 done, 1 failed or disagreements found, 2 wrong usage.`,
  );

const dbOption = () => new Option('--db <file>', 'the database file, made when it does not exist').default(DEFAULT_DB);
const adminDbOption = () => new Option('--db <file>', 'the database file').makeOptionMandatory();

program
  .command('stdio')
  .description('serve one MCP client over stdin and stdout')
  .addOption(dbOption())
  .option('--demo', 'fill an empty database with org DEMO, and work as its owner unless credentials are given', false)
  .action(serveStdio);

program
  .command('http')
  .description('serve MCP clients over Streamable HTTP at /mcp')
  .addOption(dbOption())
  .option('--demo', 'fill an empty database with org DEMO, and print its keys', false)
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .option('--port <port>', 'port to listen on; 0 for any', '8787')
  .option('--allow-host <host...>', 'host names clients may use besides loopback; needed to listen beyond loopback')
  .option('--allow-origin <host...>', 'host names of web pages that may call, besides loopback')
  .action(serveHttp);

const admin = program.command('admin').description('orgs, keys and sessions; works while a server runs on the file');
const adminOrg = admin.command('org').description('create or change an org');
adminOrg
  .command('create <orgcode>')
  .option('--unverified', 'the org may be read but not written', false)
  .addOption(adminDbOption())
  .action((orgcode: string, options: { unverified: boolean; db: string }) =>
    administer(options.db, (cx) => createOrg(cx, orgcode, options.unverified ? 'unverified' : 'verified')),
  );
adminOrg
  .command('set <orgcode>')
  .addOption(statusOption())
  .addOption(adminDbOption())
  .action((orgcode: string, options: { status: OrgStatus; db: string }) =>
    administer(options.db, (cx) => setOrgStatus(cx, orgcode, options.status)),
  );
const adminKey = admin.command('key').description('create or revoke an API key');
adminKey
  .command('create <orgcode>')
  .option('--roles <roles>', 'comma-separated roles', parseRoles, [])
  .option('--owner', 'passes every role check', false)
  .option('--name <name>', 'what the key is for', 'key')
  .addOption(adminDbOption())
  .action(
    (orgcode: string, { roles, owner, name, db }: { roles: string[]; owner: boolean; name: string; db: string }) =>
      administer(db, (cx) => createKey(cx, orgcode, name, { roles, owner })),
  );
adminKey
  .command('revoke <fingerprint>')
  .addOption(adminDbOption())
  .action((fingerprint: string, { db }: { db: string }) => administer(db, (cx) => revokeKey(cx, fingerprint)));
admin
  .command('session')
  .description('create a session of a user')
  .command('create <orgcode>')
  .requiredOption('--user <name>', 'the user; made on first mention')
  .option('--roles <roles>', 'comma-separated roles', parseRoles, [])
  .option('--owner', 'passes every role check', false)
  .option('--ttl <seconds>', 'sliding life of the session', parseTtl, DEFAULT_TTL_SECONDS)
  .addOption(adminDbOption())
  .action((orgcode: string, options: { user: string; roles: string[]; owner: boolean; ttl: number; db: string }) =>
    administer(options.db, (cx) => createSession(cx, orgcode, options.user, options, options.ttl)),
  );

program
  .command('verify')
  .description(
    'recompute every balance from its ledger and check the journal; exit 1 and a list when anything disagrees',
  )
  .addOption(adminDbOption())
  .action(verify);

// Databases, keys and logs of this program are nobody else's business.
process.umask(0o077);
await run();

async function run(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

async function serveStdio(options: { db: string; demo: boolean }): Promise<void> {
  const environment = readEnvironment(process.env);
  const log = createLog(environment.logLevel);
  const store = openBackend({ path: databasePath(options.db), environment, log });
  const headers = { ...(options.demo ? await demoHeaders(store) : {}), ...headersFromEnvironment(process.env) };
  const { openStdio } = await import('./transport/stdio.js');
  const factory = createServerFactory(createApplication(store, log, { validators: VALIDATORS }), () => headers);
  const door = openStdio(factory, (error) => log.warn({ cause: describe(error) }, 'stdio'));
  await Promise.race([door.closed, signalled()]);
  await door.close();
  await store.close();
}

interface HttpCommand {
  readonly db: string;
  readonly demo: boolean;
  readonly host: string;
  readonly port: string;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
}

async function serveHttp(options: HttpCommand): Promise<void> {
  const environment = readEnvironment(process.env);
  const log = createLog(environment.logLevel);
  const { headersOf, isLoopback, openHttp } = await import('./transport/http.js');
  if (!isLoopback(options.host) && (options.allowHost ?? []).length === 0) {
    throw new ConfigError(`--host ${options.host} is not loopback: name the hosts clients will use with --allow-host`);
  }
  const port = parsePort(options.port);
  const store = openBackend({ path: databasePath(options.db), environment, log });
  const demo = options.demo ? await seedDemo(store) : undefined;
  const application = createApplication(store, log, { validators: VALIDATORS });
  const face = {
    factory: createServerFactory(application, headersOf),
    callTool: createCallTool(application),
    serverInfo: application.info,
  };
  const door = await openHttp(face, {
    host: options.host,
    port,
    allowedHosts: options.allowHost ?? [],
    allowedOrigins: options.allowOrigin ?? [],
    onError: (error) => log.warn({ cause: describe(error) }, 'http'),
  });
  const { welcome } = await import('./welcome.js');
  process.stdout.write(welcome(door.url, demo));
  await signalled();
  await door.close();
  await store.close();
}

/** A path, ready to be opened: relative to where the program was started, its directory made. */
function databasePath(db: string): string {
  const path = resolve(db);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

async function seedDemo(store: Store) {
  const { ensureDemo } = await import('./demo/demo.js');
  return ensureDemo(store, new Date());
}

async function demoHeaders(store: Store): Promise<Headers> {
  const { headers } = await seedDemo(store);
  return headers;
}

type AdminSteps = (cx: { keys: Store['keys']; now: string; newId: () => string }) => Steps<object>;

async function administer(db: string, steps: AdminSteps): Promise<void> {
  const environment = readEnvironment(process.env);
  const store = openBackend({ path: databasePath(db), environment, log: createLog(environment.logLevel) });
  try {
    const { createIdMint } = await import('./store/ids.js');
    const now = new Date();
    const mint = createIdMint();
    const cx = { keys: store.keys, now: now.toISOString(), newId: () => mint(now.getTime()) };
    print(await store.driver.write({ steps: () => steps(cx) }));
  } finally {
    await store.close();
  }
}

async function verify({ db }: { db: string }): Promise<void> {
  if (!existsSync(db)) throw new ConfigError(`there is no database ${db}`);
  const environment = readEnvironment(process.env);
  const store = openBackend({ path: databasePath(db), environment, log: createLog(environment.logLevel) });
  try {
    const verification = store.driver.read(verifyStore(store.keys));
    print(verification);
    if (verification.disagreements.length > 0) process.exitCode = 1;
  } finally {
    await store.close();
  }
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

function signalled(): Promise<void> {
  return new Promise((done) => {
    process.once('SIGINT', () => done()).once('SIGTERM', () => done());
  });
}

function statusOption(): Option {
  return new Option('--status <status>').choices(['verified', 'unverified', 'suspended']).makeOptionMandatory();
}

function parseRoles(text: string): string[] {
  const known = new Set(Object.values(CONTRACT.roles).flat());
  const roles = text.split(',').filter((role) => role !== '');
  const wrong = roles.filter((role) => !known.has(role));
  if (wrong.length > 0) throw new ConfigError(`no such role: ${wrong.join(', ')}; there are ${[...known].join(', ')}`);
  return roles;
}

function parseTtl(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1) throw new ConfigError(`--ttl ${text} is not a number of seconds`);
  return seconds;
}

/** Tells the operator what to do, without a stack unless the fault is ours. */
function exitCodeOf(error: unknown): number {
  const { exitCode, code } = error as { exitCode?: number; code?: string };
  if (typeof exitCode === 'number' && code?.startsWith('commander.')) return exitCode === 0 ? 0 : 2;
  const usage = error instanceof ConfigError;
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  if (!usage && !(error instanceof AdminError) && process.env.G3N_LOG_LEVEL === 'debug') console.error(error);
  return usage ? 2 : 1;
}
