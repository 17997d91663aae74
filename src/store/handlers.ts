/** Every handler of the store, by operation id. A change takes its locks together with its first reads. */

import { account } from './account/account-handlers.js';
import { comment } from './comment/comment-handlers.js';
import { consent } from './consent/consent-handlers.js';
import { customer } from './customer/customer-handlers.js';
import { start } from './engine/first-steps.js';
import type { AnyHandler, HandlerTable } from './engine/handler.js';
import { locksFor, type Step, type Steps } from './engine/step.js';
import { exemption } from './exemption/exemption-handlers.js';
import { giftcard } from './giftcard/giftcard-handlers.js';
import { inbox } from './inbox/inbox-handlers.js';
import { LOCKS, type LockTable } from './locks.js';
import { loyalty } from './loyalty/loyalty-handlers.js';
import { report } from './report/report-handlers.js';
import { risk } from './risk/risk-handlers.js';
import { session } from './stat-handler.js';

/** The type of each family requires all of its operations; this one cast drops their types, for dispatch. */
const UNLOCKED = {
  ...account,
  ...comment,
  ...consent,
  ...customer,
  ...exemption,
  ...giftcard,
  ...inbox,
  ...loyalty,
  ...report,
  ...risk,
  ...session,
} as unknown as { readonly [operation: string]: AnyHandler };

export const HANDLERS: HandlerTable = Object.freeze(
  Object.fromEntries(Object.entries(UNLOCKED).map(([id, handler]) => [id, withLocks(handler, LOCKS[id])])),
);

/** A handler that takes its locks first. */
function withLocks(handler: AnyHandler, locksOf: LockTable[string]): AnyHandler {
  if (locksOf === undefined) return handler;
  return (cx, input) => {
    const locks = locksFor(cx.dialect, () => locksOf(cx, input));
    return locks.length === 0 ? handler(cx, input) : lockFirst(locks, handler(cx, input));
  };
}

function* lockFirst(locks: readonly Step[], steps: Steps<object>): Steps<object> {
  const started = start(steps);
  const results = (yield [...locks, ...started.early]) as readonly unknown[];
  return yield* started.finish(results.slice(locks.length));
}
