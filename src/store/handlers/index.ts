/** Every handler of the store, by operation id. */
import type { AnyHandler } from '../handler.js';
import { consent } from './consent.js';
import { customer } from './customer.js';
import { giftcard } from './giftcard.js';
import { loyalty } from './loyalty.js';
import { risk } from './risk.js';
import { session } from './session.js';

/** Each family's type asks for all of its operations; here their types are forgotten, once, for dispatch. */
export const HANDLERS = Object.freeze({
  ...consent,
  ...customer,
  ...giftcard,
  ...loyalty,
  ...risk,
  ...session,
}) as unknown as {
  readonly [operation: string]: AnyHandler | undefined;
};
