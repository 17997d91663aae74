/** Every handler of the store, by operation id. */
import type { AnyHandler } from '../handler.js';
import { account } from './account.js';
import { comment } from './comment.js';
import { consent } from './consent.js';
import { customer } from './customer.js';
import { exemption } from './exemption.js';
import { giftcard } from './giftcard.js';
import { inbox } from './inbox.js';
import { loyalty } from './loyalty.js';
import { risk } from './risk.js';
import { session } from './session.js';

/** Each family's type asks for all of its operations; here their types are forgotten, once, for dispatch. */
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
}) as unknown as {
  readonly [operation: string]: AnyHandler | undefined;
};
