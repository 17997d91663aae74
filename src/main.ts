#!/usr/bin/env node
/** The entry point of the command line. Each command is defined in commands/. */
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
    'A retail CRM as an MCP server: one typed tool per endpoint, on an embedded SQLite database or through a gateway.',
  )
  .version(VERSION)
  .exitOverride() // before the commands are added, which inherit it: every usage error must exit 2
  .showHelpAfterError('(run with --help for the options)')
  .addHelpText(
    'after',
    `
Examples:
  Try it with demo data and keys; MCP is served on http://127.0.0.1:8787/mcp:
    $ g3n-crm-mcp http --demo
  Create an org and an API key, then serve one client:
    $ g3n-crm-mcp admin org create ACME --db crm.db
    $ g3n-crm-mcp admin key create ACME --owner --name backoffice --db crm.db
    $ G3N_ORGCODE=ACME G3N_API_KEY=… g3n-crm-mcp stdio --db crm.db
  Forward every call to the live API:
    $ G3N_ORGCODE=ACME G3N_API_KEY=… g3n-crm-mcp stdio --gateway

Caller of a stdio server (HTTP clients send these as request headers):
  G3N_ORGCODE                 org code
  G3N_API_KEY                 API key
  G3N_SESSION_GUID            session of a user; takes precedence over an API key
  G3N_LOGICAL_GUID            facility
  G3N_CHANNEL_CODE            sales channel
  G3N_CCCODE                  cost code

Environment variables:
  G3N_KEY_FILE                server key file (default: the database file with
                              .key appended)
  G3N_DEFAULT_REGION          country of phone numbers without a country code
                              (default: US)
  G3N_UNIQUE_CUSTOMER_FIELDS  customer fields that must be unique: email, phone,
                              both (email,phone) or none (default: email)
  G3N_LOG_LEVEL               debug, info, warn, error or silent; logs go to
                              stderr (default: info)
  Some options of stdio and http have a variable too: see their --help.

Exit codes:
  0  success
  1  failure; also if verify finds discrepancies or a check of doctor fails
  2  usage error`,
  );

/** The directory of this file: dist when built, src otherwise. */
const directory = dirname(fileURLToPath(import.meta.url));
addStdio(program, directory);
addHttp(program, directory);
addAdminUpstream(addAdmin(program));
addVerify(program);
addDoctor(program, directory);

// Only the user who runs the program can read its databases, keys and logs.
process.umask(0o077);
await run();

async function run(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

/** Prints the error and returns the exit code. The stack is printed only for unexpected errors at log level debug. */
function exitCodeOf(error: unknown): number {
  const { exitCode, code } = error as { exitCode?: number; code?: string };
  if (typeof exitCode === 'number' && code?.startsWith('commander.')) return exitCode === 0 ? 0 : 2;
  const usage = error instanceof ConfigError;
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  if (!usage && !(error instanceof AdminError) && process.env.G3N_LOG_LEVEL === 'debug') console.error(error);
  return usage ? 2 : 1;
}
