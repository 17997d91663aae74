/** Holds: what an event puts on hold, and how a hold ends. Not: when one is opened (fraud), or what it blocks. */
import type { components } from '../contract/generated/openapi.js';
import type { Transitions } from './lifecycle.js';

type Schemas = components['schemas'];
type Scope = Schemas['HoldScope'];

/** A confirmed hold can still be lifted; a released one is history, and the next suspicion opens another. */
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

/** What a suspicious event puts on hold; everything when no event was named. */
export function holdScope(event: Schemas['FraudEventType'] | undefined): Scope {
  return event === undefined ? 'all' : SCOPES[event];
}
