#!/usr/bin/env node
/** The program: the command line. What each command does stands in commands/. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { addAdmin } from './commands/admin-command.js';
import { addAdminUpstream } from './commands/admin-upstream-command.js';
import { addDoctor } from './commands/doctor-command.js';
import { addHttp } from './commands/http-command.js';
import { addStdio } from './commands/stdio-command.js';
import { addVerify } from './commands/verify-command.js';
import { ConfigError } from './config.js';
import { VERSION } from './contract/version.js';
import { AdminError } from './store/administration.js';

const program = new Command('g3n-crm-mcp')
  .description(
    'A retail CRM as an MCP server: every endpoint a typed tool, on an embedded SQLite database or a gateway.',
  )
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
  $ G3N_ORGCODE=ACME G3N_API_KEY=… g3n-crm-mcp stdio --gateway

Environment:
  G3N_ORGCODE, G3N_API_KEY or G3N_SESSION_GUID         who calls (stdio; over HTTP these are headers)
  G3N_LOGICAL_GUID, G3N_CHANNEL_CODE, G3N_CCCODE       where: facility, sales channel, cost code (stdio)
  G3N_KEY_FILE                 the server key; default: the database file with .key behind it
  G3N_DEFAULT_REGION           country of phone numbers without a country code; default US
  G3N_UNIQUE_CUSTOMER_FIELDS   email, phone, email,phone or none; default email
  G3N_LOG_LEVEL                debug, info, warn, error or silent; default info; logs go to stderr

Exit codes: 0 done, 1 failed or disagreements found, 2 wrong usage.`,
  );

/** Where this file is: dist when built, src when not. */
const directory = dirname(fileURLToPath(import.meta.url));
addStdio(program, directory);
addHttp(program, directory);
addAdminUpstream(addAdmin(program));
addVerify(program);
addDoctor(program, directory);

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

/** Tells the operator what to do, without a stack unless the fault is ours. */
function exitCodeOf(error: unknown): number {
  const { exitCode, code } = error as { exitCode?: number; code?: string };
  if (typeof exitCode === 'number' && code?.startsWith('commander.')) return exitCode === 0 ? 0 : 2;
  const usage = error instanceof ConfigError;
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  if (!usage && !(error instanceof AdminError) && process.env.G3N_LOG_LEVEL === 'debug') console.error(error);
  return usage ? 2 : 1;
}
