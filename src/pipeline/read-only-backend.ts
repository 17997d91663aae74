/** A backend through which nothing can be written, whatever asks it to. */
import type { Backend } from '../contract/backend.js';

/** The same backend, which rejects whatever is no read. The gate has refused it long before (mcp/visibility.ts). */
export function readOnlyBackend(backend: Backend): Backend {
  return {
    kind: backend.kind,
    identify: (credentials, stamp, anew) => backend.identify(credentials, stamp, anew),
    async perform(performance) {
      if (performance.operation.effect !== 'read') throw new Error('a write reached a read-only backend');
      return backend.perform(performance);
    },
    isReady: () => backend.isReady?.() ?? true,
    close: () => backend.close(),
  };
}
