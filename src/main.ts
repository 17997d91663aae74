#!/usr/bin/env node
/** The entry point of the command line. Each command is defined in commands/. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgram } from './commands/program.js';
import { ConfigError } from './config.js';
import { DatabaseFileError } from './database-file/open-error.js';
import { AdminError } from './store/administration.js';

const program = createProgram(dirname(fileURLToPath(import.meta.url)));

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
  if (error instanceof DatabaseFileError) return 3;
  return usage ? 2 : 1;
}
