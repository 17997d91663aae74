/** Runs commands of the built program, as an operator does. */
import { execFile, execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import type { Books } from './books.js';

/** A build, and the database that it runs on. */
export interface Program {
  /** The path of its main.js. */
  readonly main: string;
  /** A file or a URL. Passed in the environment, because a URL may hold a password. */
  readonly db: string;
  readonly env: Readonly<Record<string, string>>;
}

export const BUILT = 'dist/main.js';

/** Runs a command. Returns what it printed. @throws Error when it fails */
export function runProgram({ main, db, env }: Program, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, G3N_DB: db, ...env },
  });
}

/** Creates an org, and its database if it is new. Returns an API key of its owner. */
export function createOrg(program: Program, orgcode: string): string {
  runProgram(program, 'admin', 'org', 'create', orgcode);
  return JSON.parse(runProgram(program, 'admin', 'key', 'create', orgcode, '--owner')).api_key;
}

/** Runs `verify`, and notes what it finds. Returns the seconds it took. */
export async function verify({ main, db, env }: Program, books: Books): Promise<number> {
  const started = performance.now();
  const failure = await promisify(execFile)(process.execPath, [main, 'verify'], {
    env: { ...process.env, G3N_DB: db, ...env },
    maxBuffer: 2 ** 28,
  }).then(
    () => undefined,
    ({ code, stdout, stderr }) =>
      `exit code ${code}: ${String(stdout).slice(0, 2000)} ${String(stderr).slice(0, 1000)}`,
  );
  if (failure !== undefined) books.fault('verify', failure);
  return (performance.now() - started) / 1000;
}
