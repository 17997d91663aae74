/**
 * Moves the write-ahead log into the database while nobody waits for it: in a thread with its own connection. SQLite
 * would do it in the COMMIT of a change, whose callers then wait for it too. See ADR 144.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** Pages in the log from which on SQLite moves them itself, in a COMMIT, when the thread does not keep up: 16 MB. */
export const MOST_LOGGED_PAGES = 4000;
/** As many pages as SQLite waits for by default. */
export const DEFAULT_LOGGED_PAGES = 1000;
/** A change writes 5 to 20 pages. A process that makes fewer changes needs no thread. */
const CHANGES = 50;
const PAUSE_MS = 100;

export interface WalCheckpoints {
  /** So many changes were committed. */
  note(changes: number): void;
  /** Ends the thread, after the checkpoint that it is in; undefined when there is no thread. */
  stop(): Promise<void> | undefined;
}

/** A passive checkpoint waits for no lock, and no connection waits for it. What it cannot move, the next one does. */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const Database = require(workerData.sqlite);
  const database = new Database(workerData.path, { fileMustExist: true, timeout: 0 });
  parentPort.on('message', (message) => {
    if (message === 'stop') {
      database.close();
      parentPort.close();
      return;
    }
    try {
      database.pragma('wal_checkpoint(PASSIVE)');
    } catch {
      // another process has the file for itself, or the disk is full: the next one may succeed
    }
    parentPort.postMessage('done');
  });
`;

/** Checkpoints the database at `path`. `onFailure` is called when there will be none any more. */
export function createWalCheckpoints(path: string, onFailure: () => void): WalCheckpoints {
  let changes = 0;
  let timer: NodeJS.Timeout | undefined;
  let thread: Worker | undefined;
  let isOver = false;
  let isRunning = false;
  const request = () => {
    timer = undefined;
    changes = 0;
    isRunning = true;
    thread ??= start();
    thread.postMessage('checkpoint');
  };
  const schedule = () => {
    if (changes >= CHANGES && !isRunning && !isOver) timer ??= setTimeout(request, PAUSE_MS).unref();
  };
  const start = () => {
    const sqlite = createRequire(import.meta.url).resolve('better-sqlite3');
    const started = new Worker(THREAD, { eval: true, workerData: { path, sqlite }, execArgv: [], env: {} });
    started.unref();
    started.on('message', () => {
      isRunning = false;
      schedule();
    });
    started.on('error', () => {
      isOver = true;
      thread = undefined;
      onFailure();
    });
    return started;
  };
  return {
    note(count) {
      changes += count;
      schedule();
    },
    stop() {
      clearTimeout(timer);
      isOver = true;
      const ending = thread;
      if (ending === undefined) return undefined;
      ending.ref();
      ending.postMessage('stop');
      return new Promise((resolve) => ending.once('exit', () => resolve()));
    },
  };
}
