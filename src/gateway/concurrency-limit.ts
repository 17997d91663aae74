/** A concurrency limit: a fixed number of slots with a bounded queue. */

/** Frees the slot, or leaves the queue. A second call has no effect. */
export type Release = () => void;

export interface ConcurrencyLimit {
  /**
   * Calls `granted` as soon as a slot is free, possibly before it returns. Returns undefined when the queue is full.
   */
  take(granted: () => void): Release | undefined;
}

export function createConcurrencyLimit(slots: number, queueLength: number): ConcurrencyLimit {
  const waiting = new Set<() => void>();
  let taken = 0;

  const freeSlot = () => {
    const [next] = waiting;
    if (next === undefined) {
      taken -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };

  return {
    take(granted) {
      if (taken < slots) {
        taken += 1;
        granted();
        return once(freeSlot);
      }
      if (waiting.size >= queueLength) return undefined;
      const enter = () => granted();
      waiting.add(enter);
      return once(() => {
        if (!waiting.delete(enter)) freeSlot();
      });
    },
  };
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
