/**
 * Empties the write-ahead log after an erasure: until then the file ending in -wal still holds the erased bytes. A
 * process that reads an older snapshot can block it; then it is tried again later.
 */

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

/** Moves the log into the database and empties it, without waiting. Returns whether it is empty now. */
export type TruncateWal = () => boolean;

export interface WalTruncation {
  /** Empties the log now, or else as soon as possible. */
  request(): void;
  /** Tries once more if the log is not empty yet. Nothing is tried afterwards. */
  stop(): void;
}

/** Calls `truncate` when an erasure requests it, and again until it succeeds. */
export function createWalTruncation(truncate: TruncateWal): WalTruncation {
  let timer: NodeJS.Timeout | undefined;
  const attempt = (delay: number) => {
    clearTimeout(timer);
    timer = undefined;
    if (!truncate()) timer = setTimeout(() => attempt(Math.min(2 * delay, LAST_RETRY_MS)), delay).unref();
  };
  return {
    request: () => attempt(FIRST_RETRY_MS),
    stop() {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      truncate();
    },
  };
}
