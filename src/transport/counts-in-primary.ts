/**
 * Rate limits of several processes that one process started: it adds up what they count. They ask it by messages.
 */
import type { Worker } from 'node:cluster';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { createKeySet, MINUTE_S } from './local-budget.js';
import type { MakeSharedLimiter, SharedRest } from './shared-budget.js';

/** A worker spends points of a key. */
interface Spending {
  readonly type: 'spend';
  readonly id: number;
  readonly name: string;
  /** Of the whole budget. */
  readonly points: number;
  readonly key: string;
  readonly spent: number;
}

interface Answer extends SharedRest {
  readonly type: 'spent';
  readonly id: number;
  readonly isAllowed: boolean;
}

/** The part of a process that talks to the one that started it. */
export interface Parent {
  send(message: Spending): void;
  onMessage(take: (message: unknown) => void): void;
}

/** A worker that gets no answer for this long counts for itself. */
const TIMEOUT_MS = 1000;

/** In a worker: the points are added up by the process that started it. */
export function countsInPrimary(parent: Parent): MakeSharedLimiter {
  const waiting = new Map<number, { resolve: (rest: SharedRest) => void; reject: (reason: unknown) => void }>();
  let last = 0;
  parent.onMessage((message) => {
    if (!isOfType<Answer>(message, 'spent')) return;
    const { id, isAllowed, remainingPoints, msBeforeNext } = message;
    const asked = waiting.get(id);
    if (isAllowed) asked?.resolve({ remainingPoints, msBeforeNext });
    else asked?.reject({ remainingPoints, msBeforeNext });
  });
  return (points, name) => ({
    consume(key, spent) {
      last += 1;
      const id = last;
      const answer = new Promise<SharedRest>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no answer about a rate limit')), TIMEOUT_MS);
        const settled = () => {
          clearTimeout(timer);
          waiting.delete(id);
        };
        waiting.set(id, {
          resolve: (rest) => {
            settled();
            resolve(rest);
          },
          reject: (reason) => {
            settled();
            reject(reason);
          },
        });
      });
      parent.send({ type: 'spend', id, name, points, key, spent });
      return answer;
    },
  });
}

/** In the process that started the workers: adds up what they spend, for as many keys as a process keeps for itself. */
export function createCountsOfWorkers(): (worker: Pick<Worker, 'send'>, message: unknown) => Promise<void> {
  const limiters = new Map<string, RateLimiterMemory>();
  const limiterOf = (name: string, points: number) => {
    let limiter = limiters.get(name);
    if (limiter === undefined) {
      limiter = new RateLimiterMemory({ points, duration: MINUTE_S, keyPrefix: '' });
      limiters.set(name, limiter);
    }
    return limiter;
  };
  const known = createKeySet((dropped) => {
    const end = dropped.indexOf(' ');
    void limiters.get(dropped.slice(0, end))?.delete(dropped.slice(end + 1));
  });
  return async (worker, message) => {
    if (!isOfType<Spending>(message, 'spend')) return;
    const { id, name, points, key, spent } = message;
    const { isAllowed, rest } = await spend(limiterOf(name, points), key, spent);
    if (rest.isFirstInDuration) known.addLast(`${name} ${key}`);
    const { remainingPoints, msBeforeNext } = rest;
    worker.send({ type: 'spent', id, isAllowed, remainingPoints, msBeforeNext } satisfies Answer);
  };
}

async function spend(limiter: RateLimiterMemory, key: string, spent: number) {
  try {
    return { isAllowed: true, rest: await limiter.consume(key, spent) };
  } catch (rest) {
    return { isAllowed: false, rest: rest as RateLimiterRes };
  }
}

function isOfType<Message extends { readonly type: string }>(
  message: unknown,
  type: Message['type'],
): message is Message {
  return (message as { readonly type?: unknown } | undefined)?.type === type;
}
