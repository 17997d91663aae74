/**
 * Several processes that serve one port: starts them, replaces one that ends, adds up what they count, and stops them.
 * What a worker serves is in http-command.ts.
 */
import cluster, { type Worker } from 'node:cluster';
import { ConfigError } from '../config.js';
import type { Log } from '../log.js';
import { createCountsOfWorkers, type Parent } from '../transport/counts-in-primary.js';
import { signalled } from './output.js';

/** What a worker tells the process that started it. */
interface Listening {
  readonly type: 'listening';
  readonly url: string;
}

const STOP = { type: 'stop' } as const;

/** Workers that end within this time of each other are not replaced any more after so many. */
const MOST_REPLACED = 5;
const REPLACED_WITHIN_MS = 60_000;
/** How long a worker that is stopped may take beyond its own limits. */
const STOP_MARGIN_MS = 5_000;

/** Whether this process was started by `superviseWorkers`. */
export function isWorker(): boolean {
  return cluster.isWorker;
}

export interface Supervision {
  readonly count: number;
  readonly log: Log;
  /** How long a worker may take to stop, in milliseconds. */
  readonly stopMs: number;
  /** Called when all of them listen. */
  readonly onListening: (url: string) => void;
}

/**
 * Runs workers of this same command until a signal comes.
 * @throws Error when the first does not come to listen, which has said why, or they end again and again.
 */
export async function superviseWorkers({ count, log, stopMs, onListening }: Supervision): Promise<void> {
  const workers = new Set<Worker>();
  const answer = createCountsOfWorkers();
  const ends: number[] = [];
  let isStopping = false;
  let giveUp: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  failed.catch(() => {});
  const replace = () => {
    const now = performance.now();
    ends.push(now);
    if (ends.filter((end) => now - end < REPLACED_WITHIN_MS).length > MOST_REPLACED) {
      giveUp(new Error('the workers end again and again; see the log'));
    } else startWorker().catch(() => {}); // one that ends at once is replaced, too
  };
  const startWorker = (): Promise<string> => {
    const worker = cluster.fork();
    workers.add(worker);
    const onError = (error: Error) => log.warn({ cause: error.name }, 'a message to a worker was lost');
    worker.on('error', onError);
    const listening = new Promise<string>((resolve, reject) => {
      worker.on('message', (message: Listening) => {
        if (message?.type !== 'listening') return void answer(worker, message);
        resolve(message.url);
        if (isStopping) worker.send(STOP); // it was told before it could hear
      });
      worker.once('exit', () => reject(new Error('a worker did not come to listen')));
    });
    worker.once('exit', (code, signal) => {
      workers.delete(worker);
      if (isStopping) return;
      log.error({ code, signal }, 'a worker ended');
      if (hasStarted) replace();
    });
    return listening;
  };
  let hasStarted = false;
  const stopped = signalled(); // before anybody knows that the server is there
  try {
    const url = await startWorker(); // alone, so that what is wrong is said once
    await Promise.all(Array.from({ length: count - 1 }, startWorker));
    hasStarted = true;
    onListening(url);
    await Promise.race([stopped, failed]);
  } finally {
    isStopping = true;
    await stopAll(workers, stopMs + STOP_MARGIN_MS);
  }
}

/** Each drains as a server of its own does; one that takes too long is ended. */
async function stopAll(workers: ReadonlySet<Worker>, limitMs: number): Promise<void> {
  const ended = [...workers].map(
    (worker) =>
      new Promise<void>((resolve) => {
        worker.once('exit', () => resolve());
        if (worker.isConnected()) worker.send(STOP);
      }),
  );
  const timer = setTimeout(() => {
    for (const worker of workers) worker.process.kill('SIGKILL');
  }, limitMs);
  await Promise.all(ended);
  clearTimeout(timer);
}

/** The process that started this one. */
export const PRIMARY: Parent = {
  send: (message) => process.send?.(message),
  onMessage: (take) => process.on('message', take),
};

/** In a worker: tells that it listens. */
export function tellListening(url: string): void {
  process.send?.({ type: 'listening', url } satisfies Listening);
}

/** In a worker: resolves when it is told to stop. A signal to the whole process group reaches it, too. */
export function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    process.on('message', (message: { readonly type?: unknown } | undefined) => {
      if (message?.type === STOP.type) resolve();
    });
  });
}

/** In a worker: lets the process end. */
export function leavePrimary(): void {
  cluster.worker?.disconnect();
}

export interface WorkerRules {
  readonly workers: number;
  readonly stateless: boolean;
  readonly hasGateway: boolean;
  readonly isFile: boolean;
  readonly hasMetrics: boolean;
}

/** @throws ConfigError when several workers could not keep what a server promises. */
export function requireWorkers({ workers, stateless, hasGateway, isFile, hasMetrics }: WorkerRules): void {
  if (workers === 1) return;
  if (hasGateway) throw new ConfigError('--workers serves the embedded database, which --gateway does not: give one');
  if (!isFile) throw new ConfigError('--workers needs a database file; on PostgreSQL, start several servers');
  if (!stateless) {
    throw new ConfigError(
      '--workers needs --stateless: a session lives in one process, and any may get its next request',
    );
  }
  if (hasMetrics) throw new ConfigError('--workers counts in several processes, and metrics would be of one: give one');
}
