/** Asks for text at the terminal, and reads a secret that comes from another program. */
import { CliError } from '../cli-error.js';
import { DECLINED } from '../client-exit-codes.js';
import type { Io } from '../io.js';
import { lineOf } from '../line-of.js';

const MAX_CHARACTERS = 4096;

/** Whether there is somebody to ask. */
export function hasTerminal({ stdin, stderr }: Io): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** A line of text; what stands in brackets if nothing is typed. @throws CliError when the input ends */
export async function askText(question: string, standard: string, { stdin, stderr }: Io): Promise<string> {
  stderr.write(`${question}${standard === '' ? '' : ` [${standard}]`}: `);
  const line = await lineOf(stdin);
  if (line === undefined) throw new CliError('nothing was stored', DECLINED);
  return line.trim() || standard;
}

/** The first line of an input that is not a terminal. @throws CliError when there is none */
export async function readSecret({ stdin }: Io): Promise<string> {
  let text = '';
  for await (const chunk of stdin) {
    text += String(chunk);
    if (text.includes('\n') || text.length > MAX_CHARACTERS) break;
  }
  const line = text.split(/\r?\n/, 1)[0]?.trim() ?? '';
  if (line === '' || line.length > MAX_CHARACTERS) throw new CliError('there is no credential on stdin');
  return line;
}
