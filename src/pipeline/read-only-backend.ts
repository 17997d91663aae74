/** A decorator for backends that rejects every write. */
import type { Backend } from '../contract/backend.js';

/**
 * The same backend without writes: a second line of defence, because the availability check (mcp/visibility.ts) rejects
 * a write before it reaches the backend.
 */
export function readOnlyBackend(backend: Backend): Backend {
  return {
    kind: backend.kind,
    identify: (credentials, stamp, fresh) => backend.identify(credentials, stamp, fresh),
    ...(backend.issued === undefined ? {} : { issued: backend.issued }),
    async perform(call) {
      if (call.operation.effect !== 'read') throw new Error('a write reached a read-only backend');
      return backend.perform(call);
    },
    isReady: () => backend.isReady?.() ?? true,
    measures: () => backend.measures?.() ?? {},
    close: () => backend.close(),
  };
}
