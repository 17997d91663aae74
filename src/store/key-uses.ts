/**
 * When API keys were last used: remembered in memory, and written at most once a minute per key, so that a call costs
 * no write.
 */
import { run, type Steps } from './engine/step.js';

/** How old the stored time of a key in use may be; also of a key that several servers use. */
const WRITE_EVERY_MS = 60_000;
/** A server that cannot write forgets uses rather than fill its memory. */
const MOST = 10_000;

const WRITE = `UPDATE api_key SET last_used_at = ?
  WHERE credential_hash = ? AND (last_used_at IS NULL OR last_used_at < ?)`;

export interface KeyUse {
  readonly hash: string;
  readonly epochMs: number;
}

export class KeyUses {
  readonly #used = new Map<string, number>();
  readonly #monotonic: () => number;
  #writtenAt: number;

  /** @param monotonic milliseconds that are never stepped */
  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
    this.#writtenAt = monotonic();
  }

  note(hash: string, epochMs: number): void {
    if (this.#used.size < MOST || this.#used.has(hash)) this.#used.set(hash, epochMs);
  }

  /** Whether it is time to write what was noted. */
  areDue(): boolean {
    return this.#used.size > 0 && this.#monotonic() - this.#writtenAt >= WRITE_EVERY_MS;
  }

  /** Returns the uses since the last time, and forgets them. */
  take(): readonly KeyUse[] {
    this.#writtenAt = this.#monotonic();
    const uses = [...this.#used].map(([hash, epochMs]) => ({ hash, epochMs }));
    this.#used.clear();
    return uses;
  }
}

/** Writes the uses in the order of the keys, so that servers do not wait for each other in a circle. */
export function* writeKeyUses(uses: readonly KeyUse[]): Steps<void> {
  const sorted = [...uses].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  for (const { hash, epochMs } of sorted) {
    const before = new Date(epochMs - WRITE_EVERY_MS).toISOString();
    yield* run(WRITE, new Date(epochMs).toISOString(), hash, before);
  }
}
