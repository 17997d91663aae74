/** Runs a profile's credential_command: without a shell, and for ten seconds at most. */
import { spawn } from 'node:child_process';
import { CliError } from '../cli-error.js';

const DEADLINE_MS = 10_000;
const MAX_BYTES = 64 * 1024;

/**
 * The first line that a command prints. What it prints to stderr is shown, and it can ask there; what it prints to
 * stdout never is. It reads nothing: the input of g3n may be meant for a call.
 * @throws CliError when it cannot be run, fails, takes too long or prints nothing
 */
export async function credentialFrom(command: readonly string[], deadlineMs = DEADLINE_MS): Promise<string> {
  const [program = ''] = command;
  try {
    const line = (await firstLineOf(command, deadlineMs)).trim();
    if (line === '') throw new Error('printed nothing');
    return line;
  } catch (error) {
    throw new CliError(`credential_command (${program}) ${(error as Error).message}`);
  }
}

function firstLineOf([program = '', ...args]: readonly string[], deadlineMs: number): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], shell: false, windowsHide: true });
  return new Promise<string>((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`took more than ${deadlineMs / 1000} s`)), deadlineMs);
    // What the command started can outlive it and keep stdout open: only an unfinished line waits for that.
    const resolveIfComplete = () => {
      const line = /^(.*?)\r?\n/.exec(text)?.[1];
      if (child.exitCode === 0 && line !== undefined) resolve(line);
    };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length > MAX_BYTES) reject(new Error(`printed more than ${MAX_BYTES} bytes`));
      resolveIfComplete();
    });
    child.on('error', ({ code }: NodeJS.ErrnoException) =>
      reject(new Error(code === 'ENOENT' ? 'was not found' : `cannot be run (${code})`)),
    );
    child.on('exit', (code, signal) => {
      if (code !== 0) reject(new Error(code === null ? `was ended by ${signal}` : `failed with exit code ${code}`));
      resolveIfComplete();
    });
    child.on('close', () => resolve(text));
    child.on('close', () => clearTimeout(timer));
  }).finally(() => {
    child.kill('SIGKILL'); // nothing, if it has ended
    child.stdout.destroy();
  });
}
