/** Every handler of the store, by operation id. */

import { account } from './account/account-handlers.js';
import { comment } from './comment/comment-handlers.js';
import { consent } from './consent/consent-handlers.js';
import { customer } from './customer/customer-handlers.js';
import type { HandlerTable } from './engine/handler.js';
import { exemption } from './exemption/exemption-handlers.js';
import { giftcard } from './giftcard/giftcard-handlers.js';
import { inbox } from './inbox/inbox-handlers.js';
import { loyalty } from './loyalty/loyalty-handlers.js';
import { risk } from './risk/risk-handlers.js';
import { session } from './stat-handler.js';

/** The type of each family requires all of its operations; this one cast drops their types, for dispatch. */
export const HANDLERS = Object.freeze({
  ...account,
  ...comment,
  ...consent,
  ...customer,
  ...exemption,
  ...giftcard,
  ...inbox,
  ...loyalty,
  ...risk,
  ...session,
}) as unknown as HandlerTable;
