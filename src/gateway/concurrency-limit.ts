/** A bounded number of places, and a bounded queue in front of them. Not: what they are for. */

/** Gives a place back, or leaves the queue. May be called twice. */
export type Release = () => void;

export interface ConcurrencyLimit {
  /** Calls `granted` when there is a place, at once if there is. Undefined: the queue is full. */
  take(granted: () => void): Release | undefined;
}

export function createConcurrencyLimit(places: number, queueLength: number): ConcurrencyLimit {
  const waiting = new Set<() => void>();
  let taken = 0;

  const pass = () => {
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
      if (taken < places) {
        taken += 1;
        granted();
        return once(pass);
      }
      if (waiting.size >= queueLength) return undefined;
      const enter = () => granted();
      waiting.add(enter);
      return once(() => {
        if (!waiting.delete(enter)) pass();
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
