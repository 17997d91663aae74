/** A backend that identifies callers as another one does, and performs calls in its own way. */
import type { Backend } from '../../src/contract/backend.js';

export function performing(backend: Backend, perform: Backend['perform']): Backend {
  return {
    kind: backend.kind,
    identify: (...call) => backend.identify(...call),
    perform,
    close: async () => {},
  };
}
