#!/usr/bin/env node
/** The entry point of the client `g3n`. Its commands are in cli/. */
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runClient } from './cli/client-program.js';
import { processIo } from './cli/io.js';
import { endOnClosedPipe } from './terminal/closed-pipe.js';

// What it writes, a profile or an export, only the user may read.
process.umask(0o077);
endOnClosedPipe();
process.exitCode = await runClient(process.argv.slice(2), dirname(fileURLToPath(import.meta.url)), processIo());
