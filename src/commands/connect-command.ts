/** The `connect` command: writes the server's entry into the configuration of an MCP client. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Argument, type Command, Option } from 'commander';
import { ConfigError } from '../config.js';
import {
  CLIENT_NAMES,
  type ClientKind,
  type ClientName,
  clientKind,
  ENTRY_NAME,
  KEY_PLACEHOLDER,
  type Target,
} from '../connect/client-entries.js';
import { readConfig, replaceConfig } from '../connect/client-file.js';
import { hasEntry, shownChange, withEntry } from '../connect/client-text.js';
import { type Machine, projectFile, traceOf, userFile } from '../connect/config-paths.js';
import { ConnectError } from '../connect/connect-error.js';
import { variableOf } from '../settings/setting.js';
import { settingOf } from '../settings/setting-table.js';
import { CALLER_FLAGS, CONNECT_SETTINGS, type ConnectFlags, targetOf } from './connect-target.js';
import { jsonOption, type OutputFlags, printRecord, printRows } from './output.js';
import { addSettings } from './setting-options.js';

const SERVER_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/** Adds the `connect` command, and `connect list`. */
export function addConnect(program: Command): void {
  const connect = program
    .command('connect')
    .description('write the server into the configuration of an MCP client, after showing the change')
    .addArgument(new Argument('<client>', 'the client').choices(CLIENT_NAMES))
    .addOption(new Option('--url <url>', 'connect to the server that runs there').default(DEFAULT_URL))
    .option('--stdio', 'let the client start the program, with npx: on --db, or with --gateway', false);
  addSettings(connect, CONNECT_SETTINGS);
  for (const [flag, { takes, setting }] of Object.entries(CALLER_FLAGS))
    connect.option(`--${flag} ${takes}`, `${settingOf(setting).description} (env: ${variableOf(setting)})`);
  connect
    .option('--name <name>', 'name of the entry', ENTRY_NAME)
    .option('--project [directory]', "write to the project's file, not the user's")
    .option('--print', 'show the change and write nothing', false)
    .option('--yes', 'write without asking', false)
    .addOption(jsonOption())
    .addHelpText('after', EPILOGUE)
    .action(connectClient);
  connect
    .command('list')
    .description('list the clients, and which are installed here')
    .option('--name <name>', 'name of the entry', ENTRY_NAME)
    .addOption(jsonOption())
    .action((_flags: object, command: Command) => list(command.optsWithGlobals()));
}

const DEFAULT_URL = 'http://127.0.0.1:8787/mcp';
const EPILOGUE = `
The key is not written: the client reads it from G3N_API_KEY or asks for it. Only
claude-desktop and jetbrains have no other place: replace ${KEY_PLACEHOLDER} in their file.
The old file is kept beside the new one, with the time in its name.`;

interface Change {
  readonly kind: ClientKind;
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

async function connectClient(client: ClientName, flags: ConnectFlags & OutputFlags, command: Command): Promise<void> {
  if (!SERVER_PATTERN.test(flags.name))
    throw new ConfigError(`--name ${flags.name}: 1 to 64 letters, digits, - and _ are allowed`);
  if (!flags.stdio) refuseFlagsOfStdio(command);
  const kind = clientKind(client);
  const file = fileOf(kind, flags);
  const change = planned(kind, file, flags.name, targetOf(client, flags, process.env, process.platform));
  const { before, after } = change;
  const diff = shownChange(before, after, kind, flags.name);
  const isWritten = before !== after && !flags.print && (await isWanted(file, diff, flags));
  const copy = isWritten ? forFile(file, () => replaceConfig(file, before, after, new Date())) : undefined;
  report(change, { diff, isWritten, copy, flags });
}

/** In the environment they are for the server; on the command line they would do nothing. */
function refuseFlagsOfStdio(command: Command): void {
  if (['db', 'keyFile', 'gateway'].some((flag) => command.getOptionValueSource(flag) === 'cli'))
    throw new ConfigError('--db, --key-file and --gateway are for a program that the client starts: add --stdio');
}

/** The change of the file. @throws ConfigError that names the file when it cannot be merged; nothing is written */
function planned(kind: ClientKind, file: string, name: string, target: Target): Change {
  return forFile(file, () => {
    const before = readConfig(file);
    return { kind, file, before, after: withEntry(before, kind, name, kind.entry(target)) };
  });
}

function forFile<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConnectError) throw new ConfigError(`${file} is left as it is: ${error.message}`);
    throw error;
  }
}

function fileOf({ name, label }: ClientKind, { project }: ConnectFlags): string {
  if (project === undefined) return userFile(name, machine());
  const directory = project === true ? process.cwd() : project;
  const file = projectFile(name, process.platform, directory);
  if (file === undefined) throw new ConfigError(`${label} has no file per project: leave out --project`);
  return file;
}

const machine = (): Machine => ({ platform: process.platform, home: homedir(), env: process.env });

/** Shows the change and asks. @throws ConfigError when nobody can be asked */
async function isWanted(file: string, diff: readonly string[], { yes }: ConnectFlags): Promise<boolean> {
  if (yes) return true;
  process.stderr.write(`${file}\n${diff.join('\n')}\n`);
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new ConfigError('no terminal to ask on: --yes writes the change, --print only shows it');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question('Write this? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}

interface Outcome {
  readonly diff: readonly string[];
  readonly isWritten: boolean;
  readonly copy: string | undefined;
  readonly flags: ConnectFlags & OutputFlags;
}

function report({ kind, file, before, after }: Change, { diff, isWritten, copy, flags }: Outcome): void {
  const result = isWritten ? 'written' : before === after ? 'unchanged' : 'not written';
  const next = `${kind.label} ${kind.keySource}; then restart it`;
  if (flags.print && flags.json !== true) process.stdout.write(`${file}\n${diff.join('\n')}\n`);
  else {
    const shown = flags.print || flags.yes ? { diff } : {};
    printRecord({ client: kind.name, file, result, copy, ...shown, next }, flags);
  }
  if (result === 'not written' && !flags.print) process.exitCode = 1;
}

function list(flags: OutputFlags & { readonly name: string }): void {
  const rows = CLIENT_NAMES.map((name) => {
    const kind = clientKind(name);
    const file = userFile(name, machine());
    const isInstalled = existsSync(traceOf(name, machine()));
    return { client: name, label: kind.label, installed: isInstalled, entry: stateOf(kind, file, flags.name), file };
  });
  printRows({ name: 'clients', rows }, flags);
}

/** Whether the file has an entry of this name. */
function stateOf(kind: ClientKind, file: string, name: string): 'yes' | 'no' | 'file not readable' {
  try {
    return hasEntry(readConfig(file), kind, name) ? 'yes' : 'no';
  } catch {
    return 'file not readable';
  }
}
