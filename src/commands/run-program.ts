/** Runs a command line to its end: shows what a command throws, and sets the exit code of the process. */
import type { Command } from 'commander';
import { ConfigError } from '../config.js';
import { AdminError } from '../store/administration.js';
import { colored } from '../terminal/color.js';
import { exitCodeOf, isOfCommander } from './exit-codes.js';

/** @param args default: those of the process */
export async function runProgram(program: Command, args?: readonly string[]): Promise<void> {
  try {
    await (args === undefined ? program.parseAsync() : program.parseAsync(args, { from: 'user' }));
  } catch (error) {
    if (!isOfCommander(error)) show(error);
    process.exitCode = exitCodeOf(error);
  }
}

/** Prints the error; the stack only of unexpected errors at log level debug. */
function show(error: unknown): void {
  process.stderr.write(
    `${colored('error:', 'red', process.stderr)} ${error instanceof Error ? error.message : String(error)}\n`,
  );
  const expected = error instanceof ConfigError || error instanceof AdminError;
  if (!expected && process.env.G3N_LOG_LEVEL === 'debug') console.error(error);
}
