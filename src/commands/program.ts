/** The command line: all commands with their options, and the help that follows them. */
import { Command } from 'commander';
import { VERSION } from '../contract/version.js';
import { addAdminBackup } from './admin-backup-command.js';
import { addAdmin } from './admin-command.js';
import { addAdminCopy } from './admin-copy-command.js';
import { addAdminGroups } from './admin-groups-command.js';
import { addAdminPostgres } from './admin-postgres-command.js';
import { addAdminUpstream } from './admin-upstream-command.js';
import { addDoctor } from './doctor-command.js';
import { addHttp } from './http-command.js';
import { addStdio } from './stdio-command.js';
import { addVerify } from './verify-command.js';

/** The command line. @param directory where the program's files are: dist when built, src otherwise */
export function createProgram(directory: string): Command {
  const program = new Command('g3n-crm-mcp')
    .description(DESCRIPTION)
    .version(VERSION)
    .exitOverride() // before the commands are added, which inherit it: every usage error must exit 2
    .showHelpAfterError('(run with --help for the options)')
    .addHelpText('after', EPILOGUE);
  addStdio(program, directory);
  addHttp(program, directory);
  const admin = addAdmin(program);
  addAdminUpstream(admin);
  addAdminCopy(admin);
  addAdminBackup(admin);
  addAdminGroups(admin);
  addAdminPostgres(admin);
  addVerify(program);
  addDoctor(program, directory);
  return program;
}

const DESCRIPTION =
  'A retail CRM as an MCP server: one typed tool per endpoint, on SQLite, PostgreSQL or through a gateway.';

const EPILOGUE = `
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
  G3N_DB                      database: a file, or postgres://user@host/database;
                              what a URL leaves out comes from PGHOST, PGPORT,
                              PGUSER, PGPASSWORD, PGDATABASE and ~/.pgpass
  G3N_KEY_FILE                server key file (default: the database file with
                              .key appended; needed for PostgreSQL)
  G3N_GROUPS                  JSON file with the URLs of the other groups, where
                              several PostgreSQL databases share the orgs
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
  2  usage error
  3  a database or its key cannot be opened; the message says what to do`;
