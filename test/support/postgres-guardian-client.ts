/** Starts postgres-guardian.mjs, which ends the clusters of this process when asked, and when this process is gone. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./postgres-guardian.mjs', import.meta.url));

interface Answer {
  readonly id: number;
  readonly error?: string;
}

interface Guardian {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly waiting: Map<number, (answer: Answer) => void>;
}

/** How the guardian runs the server's program: to free what a killed server left behind. */
interface ServerProgram {
  readonly postgres: string;
  readonly user: { readonly uid?: number; readonly gid?: number };
}

let running: Guardian | undefined;
let lastId = 0;

/** From now on, the directory and the clusters whose data directories are directly in it end with this process. */
export function holdDirectory(directory: string, server?: ServerProgram): Promise<void> {
  return ask({ task: 'hold', directory, ...server });
}

/** Ends the clusters of a held directory and removes it. */
export function endDirectory(directory: string): Promise<void> {
  return ask({ task: 'end', directory });
}

/** Kills every process of the cluster with this data directory at once (SIGKILL). */
export function killCluster(data: string): Promise<void> {
  return ask({ task: 'kill', directory: data });
}

async function ask(request: object): Promise<void> {
  running ??= startGuardian();
  const { process: guardian, waiting } = running;
  lastId += 1;
  const id = lastId;
  const answers = guardian.stdout as Socket;
  const { error } = await new Promise<Answer>((resolve) => {
    answers.ref();
    waiting.set(id, resolve);
    guardian.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
  });
  if (waiting.size === 0) answers.unref(); // the guardian alone does not keep this process running
  if (error !== undefined) throw new Error(`PostgreSQL guardian: ${error}`);
}

function startGuardian(): Guardian {
  // A session of its own: Ctrl-C in the terminal ends the tests first, and the guardian follows.
  const guardian = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'], detached: true, cwd: '/' });
  const waiting = new Map<number, (answer: Answer) => void>();
  createInterface({ input: guardian.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  guardian.once('exit', () => {
    for (const [id, resolve] of waiting) resolve({ id, error: 'it exited' });
    running = undefined;
  });
  guardian.stdin.on('error', () => {}); // it exited, as above
  guardian.unref();
  (guardian.stdin as Socket).unref();
  return { process: guardian, waiting };
}
