/** Inbox items and their two lifecycles: the state shows whether an item was read, the status whether work is left. */
import { invalidState } from '../contract/errors.js';
import { requireTransition, type Transitions } from './lifecycle.js';

export type InboxState = 'unread' | 'read' | 'acknowledged';
export type InboxStatus = 'open' | 'closed' | 'doomed';

const STATES: Transitions<InboxState> = {
  unread: ['read', 'acknowledged'],
  read: ['acknowledged'],
  acknowledged: [],
};

const STATUSES: Transitions<InboxStatus> = {
  open: ['closed', 'doomed'],
  closed: ['open', 'doomed'],
  doomed: [],
};

interface InboxLifecycles {
  readonly state: InboxState;
  readonly status: InboxStatus;
}

/** @throws CrmError 409 `crm.inbox_doomed`, or `crm.inbox_state_transition` for a step that is not forward. */
export function requireState(item: InboxLifecycles, to: InboxState): void {
  if (item.status === 'doomed') {
    throw invalidState('crm.inbox_doomed', 'A doomed item is final; its state does not change.', {
      status: item.status,
      state: item.state,
    });
  }
  requireTransition('crm.inbox_state_transition', STATES, item.state, to);
}

/** @throws CrmError 409 `crm.inbox_transition`. */
export function requireStatus(item: InboxLifecycles, to: InboxStatus): void {
  requireTransition('crm.inbox_transition', STATUSES, item.status, to);
}
