/** Graceful shutdown: report not ready, then reject new calls, then drain the calls in flight. */
import type { ServerResponse } from 'node:http';
import { CrmError } from '../contract/errors.js';

export interface ShutdownLimits {
  /** Grace period: how long new calls are still accepted after the server reports that it is stopping. */
  readonly graceMs: number;
  /** Drain timeout for in-flight calls. */
  readonly drainMs: number;
}

export interface GracefulShutdown {
  /** Whether the server reports that it is stopping. */
  readonly isStopping: boolean;
  /** The error that rejects new calls; undefined while they are accepted. */
  readonly stoppingError: CrmError | undefined;
  /** Counts work as in flight until it is done and its response is sent, or its client has disconnected. */
  track(work: Promise<void>, response: ServerResponse): void;
  /** Resolves when no work is in flight, or after the timeout; `onReject` is called when new calls are rejected. */
  drain(onReject: () => void): Promise<void>;
}

const RETRY_AFTER_MS = 1000;

/** The graceful shutdown of one transport. */
export function createGracefulShutdown({ graceMs, drainMs }: ShutdownLimits): GracefulShutdown {
  let isStopping = false;
  let stoppingError: CrmError | undefined;
  let inFlight = 0;
  let onIdle: (() => void) | undefined;
  return {
    get isStopping() {
      return isStopping;
    },
    get stoppingError() {
      return stoppingError;
    },
    track(work, response) {
      inFlight += 1;
      let left = 2;
      const end = () => {
        left -= 1;
        if (left > 0) return;
        inFlight -= 1;
        if (inFlight === 0) onIdle?.();
      };
      void work.then(end, end);
      // sent, or its connection is closed
      if (response.closed) end();
      else response.once('close', end);
    },
    async drain(onReject) {
      isStopping = true;
      if (graceMs > 0) await within(graceMs, () => {});
      stoppingError = serverStopping();
      onReject();
      if (inFlight > 0) {
        await within(drainMs, (done) => {
          onIdle = done;
        });
      }
    },
  };
}

function serverStopping(): CrmError {
  return new CrmError({
    code: 'crm.server_stopping',
    tag: 'internal-error',
    status: 503,
    retryable: true,
    message: 'The server is stopping and takes no new calls. Nothing was done.',
    details: { outcome: 'not_done', retry_after_ms: RETRY_AFTER_MS },
  });
}

/** Resolves when `start` calls its callback, or after `ms`. */
function within(ms: number, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
