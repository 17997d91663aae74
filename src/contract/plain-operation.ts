/** What an operation is about which nothing special is known: any caller may call it, and it keeps no secret. */
import type { Operation } from './operation.js';

export const PLAIN_OPERATION = {
  access: 'session',
  operational: false,
  acceptsIdempotencyKey: false,
  requiresRevision: false,
  countsFailures: false,
  shownOnce: [],
  untrusted: [],
  untrustedKeys: [],
  personal: [],
  examples: [],
} as const satisfies Partial<Operation>;
