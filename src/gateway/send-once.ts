/** The port between the gateway, which sends a write, and the code that records that it was sent. */
import type { BackendCall, RelayedEnvelope } from '../contract/backend.js';

/**
 * Sends a write unless the same one was sent before: `send` runs at most once per caller, key and body. `send` throws a
 * CrmError whose `details.outcome` states what is known about the write (see upstream-error.ts).
 */
export type SendOnce = (call: BackendCall, send: () => Promise<RelayedEnvelope>) => Promise<RelayedEnvelope>;
