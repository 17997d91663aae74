/** How the door closes: first it says so, then it takes nothing new, then what is under way ends. Not: what that is. */
import type { ServerResponse } from 'node:http';
import { CrmError } from '../contract/errors.js';

export interface ShutdownLimits {
  /** So long new work is still taken after the door has said that it closes. */
  readonly graceMs: number;
  /** Work under way may take so long. */
  readonly drainMs: number;
}

export interface GracefulShutdown {
  /** Whether the door has said that it closes. */
  readonly isStopping: boolean;
  /** What stands against new work; undefined as long as it is taken. */
  readonly stoppingError: CrmError | undefined;
  /** Counts work until it is done and its answer has gone out, or nobody is there to take it. */
  track(work: Promise<void>, response: ServerResponse): void;
  /** Resolves when no work is left, or too long under way; `onRefusing` is called when no more is taken. */
  drain(onRefusing: () => void): Promise<void>;
}

const COME_BACK_MS = 1000;

/** The departure of one door. */
export function createGracefulShutdown({ graceMs, drainMs }: ShutdownLimits): GracefulShutdown {
  let announced = false;
  let objection: CrmError | undefined;
  let underWay = 0;
  let onIdle: (() => void) | undefined;
  return {
    get isStopping() {
      return announced;
    },
    get stoppingError() {
      return objection;
    },
    track(work, response) {
      underWay += 1;
      void Promise.allSettled([work, ended(response)]).then(() => {
        underWay -= 1;
        if (underWay === 0) onIdle?.();
      });
    },
    async drain(onRefusing) {
      announced = true;
      if (graceMs > 0) await within(graceMs, () => {});
      objection = closing();
      onRefusing();
      if (underWay > 0) {
        await within(drainMs, (done) => {
          onIdle = done;
        });
      }
    },
  };
}

function closing(): CrmError {
  return new CrmError({
    code: 'crm.server_stopping',
    tag: 'internal-error',
    status: 503,
    retryable: true,
    message: 'The server is stopping and takes no new calls. Nothing was done.',
    details: { outcome: 'not_done', retry_after_ms: COME_BACK_MS },
    nextSteps: ['Wait details.retry_after_ms, then repeat the call.'],
  });
}

/** Until the answer has gone out, or its connection is gone. */
function ended(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed) resolve();
    else response.once('close', resolve);
  });
}

/** Until `start`'s callback is called, but no longer than that. */
function within(ms: number, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
