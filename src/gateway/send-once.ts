/** The seam between sending a write and remembering that it was sent. */
import type { BackendCall, RelayedEnvelope } from '../contract/backend.js';

/**
 * Sends a write, unless the same one was sent before: `send` runs at most once for one key and body of one caller. It
 * throws a CrmError whose `details.outcome` tells what is known (faults.ts).
 */
export type SendOnce = (performance: BackendCall, send: () => Promise<RelayedEnvelope>) => Promise<RelayedEnvelope>;
