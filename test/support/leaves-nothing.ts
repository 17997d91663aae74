/** A command that fails, and leaves nothing behind. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Ended } from './program.js';

/** `DB` among the arguments is a file that is not there, in a directory that is not there either. */
export type FailingCommand = readonly [
  args: readonly string[],
  code: number,
  message: RegExp,
  env?: Record<string, string>,
];

/** Runs the command in a new directory, and expects its exit code, one line on stderr, and an empty directory. */
export async function expectNothingLeft(
  directory: string,
  [args, expected, message, env]: FailingCommand,
  run: (args: readonly string[], env?: Record<string, string>) => Promise<Ended>,
): Promise<void> {
  mkdirSync(directory);
  const db = join(directory, 'data', 'crm.db');
  const { code, stdout, stderr } = await run(
    args.map((arg) => (arg === 'DB' ? db : arg)),
    env,
  );
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^error: .+\n$/);
  expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  expect(readdirSync(directory)).toEqual([]);
}
