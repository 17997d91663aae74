/** Asks for a secret on a terminal, without showing what is typed. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CliError } from './cli-error.js';
import type { Io } from './io.js';

/** What was typed. `question` ends in a colon. @throws CliError when there is no terminal, or nothing was typed. */
export async function askSecret(question: string, { stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>): Promise<string> {
  if (stdin.isTTY !== true) throw new CliError('there is no terminal to type a secret on: use a file or stdin');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: true });
  stderr.write(`${question} `); // now that nothing which is typed is shown
  try {
    const closed = new Promise<string>((done) => lines.once('close', () => done('')));
    const text = (await Promise.race([lines.question(''), closed])).trim();
    if (text === '') throw new CliError('nothing was typed');
    return text;
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
