/** The program `g3n`: its commands, its help and its exit codes. */
import { Command, type OutputConfiguration } from 'commander';
import type { Contract } from '../contract/operation.js';
import { VERSION } from '../contract/version.js';
import { addApiCommand } from './api-command.js';
import { CliError } from './cli-error.js';
import { clientExitCodesHelp } from './client-exit-codes.js';
import { commandsOf } from './commands.js';
import { addCompletion } from './completion/completion-command.js';
import { addCrmCommands } from './crm-command.js';
import type { Io } from './io.js';
import { addProfileCommands } from './profiles/profile-commands.js';
import { profileDependencies } from './profiles/standing.js';
import type { CallContext } from './send-call.js';

/** Runs a command line without its first two words. Returns the exit code; errors are shown. */
export async function runClient(args: readonly string[], directory: string, io: Io): Promise<number> {
  let exitCode = 0;
  const onExit = (code: number) => {
    exitCode = code;
  };
  try {
    const { source, rest } = withoutOpenapi(args);
    const program = await createClientProgram(source, directory, io, onExit);
    await program.parseAsync(rest, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CliError) {
      io.stderr.write(`error: ${error.message}\n`);
      return error.exitCode;
    }
    const { code, exitCode: ofCommander = 1 } = error as { readonly code?: string; readonly exitCode?: number };
    if (code?.startsWith('commander.') === true) return ofCommander === 0 ? 0 : 2;
    throw error;
  }
}

async function createClientProgram(
  source: string | undefined,
  directory: string,
  io: Io,
  onExit: (code: number) => void,
): Promise<Command> {
  const program = new Command('g3n')
    .description('Calls the CRM API from the command line.')
    .version(VERSION)
    .exitOverride()
    .configureOutput(outputTo(io))
    .enablePositionalOptions()
    .showHelpAfterError('(run with --help for the options)')
    .addHelpText('after', EPILOGUE);
  const crm = program
    .command('crm')
    .description('call an operation: g3n crm customer get CUSTOMER_ID')
    .enablePositionalOptions();
  const context = await contextOf(source, directory, io);
  addCrmCommands(crm, context, onExit);
  crm.addHelpText('after', '\n--openapi FILE has the commands of that OpenAPI document instead.');
  addApiCommand(program, async () => context, onExit);
  addCompletion(program, context);
  addProfileCommands(program, profileDependencies(io, directory));
  return program;
}

async function contextOf(source: string | undefined, directory: string, io: Io): Promise<CallContext> {
  const contract = await contractOf(source);
  return { contract, commands: commandsOf(contract), io, directory };
}

async function contractOf(source: string | undefined): Promise<Pick<Contract, 'operations'>> {
  if (source === undefined) return (await import('../contract/generated/contract.js')).CONTRACT;
  const { importedContract } = await import('./imported-contract.js');
  return importedContract(source);
}

/** Takes --openapi out of the arguments: it decides what commands there are, so it is read before the others. */
function withoutOpenapi(args: readonly string[]): { readonly source?: string; readonly rest: readonly string[] } {
  const at = args.findIndex((arg) => arg === '--openapi' || arg.startsWith('--openapi='));
  const found = args[at];
  if (found === undefined) return { rest: args };
  if (found !== '--openapi') return { source: found.slice('--openapi='.length), rest: args.toSpliced(at, 1) };
  const source = args[at + 1];
  if (source === undefined) throw new CliError('--openapi needs a file');
  return { source, rest: args.toSpliced(at, 2) };
}

function outputTo({ stdout, stderr }: Io): OutputConfiguration {
  return {
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void stderr.write(text),
    getOutHelpWidth: () => stdout.columns ?? 100,
    getErrHelpWidth: () => stderr.columns ?? 100,
  };
}

const EPILOGUE = `
Examples:
  $ g3n login --base-url http://127.0.0.1:8787/crm --orgcode DEMO
  $ g3n crm customer search 'ann sm'
  $ g3n crm loyalty earn CUSTOMER_ID --points 100 --reason purchase
  $ g3n crm customer list --all -o csv > customers.csv
${clientExitCodesHelp()}`;
