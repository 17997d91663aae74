/** Counts how the requests to the upstream ended, for the operator's metrics. */
import type { UpstreamMeasures } from '../contract/measures.js';
import type { UpstreamErrorReason } from './upstream-error.js';

export interface UpstreamCounts {
  /** Counts a request: answered, or why there was no answer. */
  attempt(end: 'answered' | UpstreamErrorReason): void;
  /** Counts a request that is sent again. */
  retry(): void;
  read(): Pick<UpstreamMeasures, 'attempts' | 'retries'>;
}

export function createUpstreamCounts(): UpstreamCounts {
  const attempts = new Map<string, number>();
  let retries = 0;
  return {
    attempt: (end) => void attempts.set(end, (attempts.get(end) ?? 0) + 1),
    retry() {
      retries += 1;
    },
    read: () => ({ attempts, retries }),
  };
}
