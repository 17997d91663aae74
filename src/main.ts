#!/usr/bin/env node
/** The entry point of the command line. Each command is defined in commands/. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgram } from './commands/program.js';
import { runProgram } from './commands/run-program.js';
import { endOnClosedPipe } from './terminal/closed-pipe.js';

const program = createProgram(dirname(fileURLToPath(import.meta.url)));

// Only the user who runs the program can read its databases, keys and logs.
process.umask(0o077);
endOnClosedPipe();
await runProgram(program);
