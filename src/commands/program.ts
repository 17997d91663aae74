/** The command line: all commands with their options, and the help that follows them. */
import { Command } from 'commander';
import { VERSION } from '../contract/version.js';
import { COMMON_SETTINGS } from '../settings/setting-table.js';
import { addAdmin } from './admin-command.js';
import { addConfig } from './config-command.js';
import { addConnect } from './connect-command.js';
import { addDoctor } from './doctor-command.js';
import { exitCodesHelp } from './exit-codes.js';
import { addHttp } from './http-command.js';
import { addSettings, applySettings, describeOption, variablesHelp } from './setting-options.js';
import { addStdio } from './stdio-command.js';
import { addVerify } from './verify-command.js';

/** The command line. @param directory where the program's files are: dist when built, src otherwise */
export function createProgram(directory: string): Command {
  const program = new Command('g3n-crm-mcp')
    .description(DESCRIPTION)
    .version(VERSION)
    .exitOverride() // before the commands are added, which inherit it: every usage error must exit 2
    .configureHelp({ optionDescription: describeOption, showGlobalOptions: true })
    .showHelpAfterError('(run with --help for the options)')
    .addHelpText('afterAll', ({ command }) => variablesHelp(command))
    .addHelpText('after', EPILOGUE)
    .hook('preAction', (_program, command) => applySettings(program, command, process.env));
  addSettings(program, COMMON_SETTINGS);
  addStdio(program, directory);
  addHttp(program, directory);
  addAdmin(program, directory);
  addConfig(program);
  addVerify(program);
  addConnect(program);
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
  Connect Claude Code to it:
    $ g3n-crm-mcp connect claude-code --org DEMO
  Forward every call to the live API:
    $ G3N_ORGCODE=ACME G3N_API_KEY=… g3n-crm-mcp stdio --gateway

Settings:
  --help of a command lists its settings, with their environment variables. Each
  can stand in a configuration file too, by its name: port: 8080. A flag wins
  over a variable, that over the file, and that over the default.
${exitCodesHelp()}`;
