/** Writes text to stdout, a long one on a terminal through the pager. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Io, TextStream } from './io.js';

const DEFAULT_PAGER = 'less';
/** Ends at once when all fits, keeps colours, and leaves the text on the screen. */
const LESS = 'FRX';

/** Waits until a slow reader has taken the text. */
export async function write(stream: TextStream, text: string): Promise<void> {
  if (stream.write(text) === false && 'once' in stream) await once(stream as unknown as NodeJS.WritableStream, 'drain');
}

/** Shows a text: in the pager when it is longer than the terminal, and `pages` allows it. */
export async function show(text: string, pages: boolean, io: Io): Promise<void> {
  const { stdout, env } = io;
  const isLong = text.split('\n').length > (stdout.rows ?? Infinity);
  if (!pages || stdout.isTTY !== true || !isLong || env.PAGER === '' || !(await paged(text, env)))
    await write(stdout, text);
}

/** Whether a pager could be started. */
async function paged(text: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const [command = DEFAULT_PAGER, ...args] = (env.PAGER ?? DEFAULT_PAGER).split(/\s+/).filter((word) => word !== '');
  const pager = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'], env: { LESS, ...env } });
  return new Promise((done) => {
    pager.once('error', () => done(false));
    pager.once('close', () => done(true));
    pager.stdin.once('error', () => {}); // it was closed before the end
    pager.once('spawn', () => pager.stdin.end(text));
  });
}
