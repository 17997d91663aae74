/** Asks before a call that moves value or cannot be undone. */
import type { Operation } from '../contract/operation.js';
import { CliError } from './cli-error.js';
import { DECLINED } from './client-exit-codes.js';
import type { Io } from './io.js';
import { lineOf } from './line-of.js';
import { oneLine } from './terminal-text.js';

/** Whether an operation takes value away, moves it, or cannot be undone. */
export function needsConfirmation({ effect, moves }: Operation): boolean {
  return effect === 'destroy' || moves !== undefined;
}

export interface CallQuestion {
  /** The words of the command. */
  readonly command: string;
  readonly summary: string;
  /** What is sent, a line each. */
  readonly facts: readonly string[];
  /** Where it is sent. */
  readonly target: string;
}

/** @throws CliError when the answer is no, or when there is nobody to ask. */
export async function confirm({ command, summary, facts, target }: CallQuestion, io: Io): Promise<void> {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true)
    throw new CliError(`${command} moves value or cannot be undone, and there is no terminal to ask on: add --yes`);
  io.stderr.write(`${summary}, at ${target}:\n${facts.map((fact) => `  ${oneLine(fact)}\n`).join('')}`);
  io.stderr.write('Go on? [y/N] ');
  if (!/^y(es)?$/i.test(((await lineOf(io.stdin)) ?? '').trim())) throw new CliError('nothing was sent', DECLINED);
}
