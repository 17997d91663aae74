#!/usr/bin/env node
/** The entry point of the command line. Each command is defined in commands/. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodeOf, isOfCommander } from './commands/exit-codes.js';
import { createProgram } from './commands/program.js';
import { ConfigError } from './config.js';
import { AdminError } from './store/administration.js';
import { endOnClosedPipe } from './terminal/closed-pipe.js';
import { colored } from './terminal/color.js';

const program = createProgram(dirname(fileURLToPath(import.meta.url)));

// Only the user who runs the program can read its databases, keys and logs.
process.umask(0o077);
endOnClosedPipe();
await run();

async function run(): Promise<void> {
  try {
    await program.parseAsync();
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
