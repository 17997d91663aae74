/**
 * How to wait for a database that another process has locked: by timer between short attempts. SQLite's own waiting
 * would stop the whole process, its health checks and its other callers included.
 */

/** The longest that one change waits for the lock, counted from the first attempt that found it taken. */
export const LOCK_WAIT_MS = 5000;
/** Opening a database may wait inside SQLite: the process serves nobody yet. */
export const OPENING_WAIT_MS = 5000;

const LONGEST_DELAY_MS = 5;

/** Whether SQLite reports that another connection holds a lock. */
export function isLocked(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'));
}

/** Milliseconds until the next attempt, after `failed` ones. */
export function lockDelay(failed: number): number {
  return Math.min(1 + failed, LONGEST_DELAY_MS);
}

/** A change that waits in a queue. */
export interface QueuedChange {
  readonly reject: (reason: unknown) => void;
  /** When it stops waiting for the lock, on the clock of `performance.now()`; undefined until the lock was found taken. */
  giveUpAt?: number;
}

/** Starts the wait of every change in the queue, and rejects and removes those that have waited too long. */
export function rejectOverdue(queue: QueuedChange[], now: number, error: () => Error): void {
  for (const change of queue) change.giveUpAt ??= now + LOCK_WAIT_MS;
  const overdue = queue.filter(({ giveUpAt = now }) => giveUpAt <= now);
  if (overdue.length === 0) return;
  const left = queue.filter((change) => !overdue.includes(change));
  queue.splice(0, queue.length, ...left);
  for (const { reject } of overdue) reject(error());
}
