/** Holds: the scope that an event puts on hold, and how a hold ends. When a hold is opened is decided in fraud.ts. */
import type { components } from '../contract/generated/openapi.js';
import type { Transitions } from './lifecycle.js';

type Schemas = components['schemas'];
type Scope = Schemas['HoldScope'];

/** A confirmed hold can still be released. A released hold is final; the next suspicion opens a new one. */
export const HOLD_TRANSITIONS: Transitions<Schemas['CustomerHold']['status']> = Object.freeze({
  active: ['released', 'confirmed'],
  confirmed: ['released'],
  released: [],
});

const SCOPES: { readonly [Event in Schemas['FraudEventType']]: Scope } = Object.freeze({
  signup: 'all',
  purchase: 'all',
  return: 'all',
  earn: 'loyalty',
  redeem: 'loyalty',
  giftcard_issue: 'stored_value',
  giftcard_redeem: 'stored_value',
});

/** The scope that a suspicious event puts on hold; everything when no event is given. */
export function holdScope(event: Schemas['FraudEventType'] | undefined): Scope {
  return event === undefined ? 'all' : SCOPES[event];
}
