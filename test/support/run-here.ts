/** Runs commands in this process, for tests in which its start is not the point: it takes half a second. */
import { resolve } from 'node:path';
import { vi } from 'vitest';
import { createProgram } from '../../src/commands/program.js';
import { runProgram } from '../../src/commands/run-program.js';
import { cleanEnvironment, type Ended } from './program.js';

/**
 * Runs a command to its end, with the environment that a process would have. One at a time: output and environment of
 * this process are replaced meanwhile. Not for commands that get the server key in a variable, which a process keeps.
 */
export async function runHere(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const before = { ...process.env };
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  replaceEnvironment(cleanEnvironment(env));
  try {
    await runProgram(createProgram(resolve('dist')), args);
    return { code: Number(process.exitCode ?? 0), ...written };
  } finally {
    process.exitCode = undefined;
    replaceEnvironment(before);
    for (const spy of spies) spy.mockRestore();
  }
}

function replaceEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
}
