/**
 * Rules for inbox items. An item has two independent axes: the state (has it been read) and the status (is work left).
 */
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

interface Axes {
  readonly state: InboxState;
  readonly status: InboxStatus;
}

/** @throws CrmError 409 `crm.inbox_doomed`, or `crm.inbox_state_transition` unless the state moves forward. */
export function requireState(item: Axes, to: InboxState): void {
  if (item.status === 'doomed') {
    throw invalidState('crm.inbox_doomed', 'A doomed item is final; its state does not change.', {
      status: item.status,
      state: item.state,
    });
  }
  requireTransition('crm.inbox_state_transition', STATES, item.state, to);
}

/** @throws CrmError 409 `crm.inbox_transition`. */
export function requireStatus(item: Axes, to: InboxStatus): void {
  requireTransition('crm.inbox_transition', STATUSES, item.status, to);
}
