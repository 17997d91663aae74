/** Inbox items: every transition of state and status, and the transitions that a doomed item rejects. */
import { describe, expect, test } from 'vitest';
import { type InboxState, type InboxStatus, requireState, requireStatus } from '../../src/domain/inbox.js';

const STATES: readonly InboxState[] = ['unread', 'read', 'acknowledged'];
const STATUSES: readonly InboxStatus[] = ['open', 'closed', 'doomed'];

describe('state transition', () => {
  test.each(STATES.flatMap((from) => STATES.map((to) => [from, to] as const)))('from %s to %s', (from, to) => {
    const move = () => requireState({ state: from, status: 'open' }, to);
    if (STATES.indexOf(to) > STATES.indexOf(from)) expect(move).not.toThrow();
    else expect(move).toThrow(expect.objectContaining({ code: 'crm.inbox_state_transition' }));
  });

  test('is possible on closed items and rejected on doomed ones', () => {
    expect(() => requireState({ state: 'unread', status: 'closed' }, 'read')).not.toThrow();
    const doomed = () => requireState({ state: 'unread', status: 'doomed' }, 'read');
    expect(doomed).toThrow(expect.objectContaining({ code: 'crm.inbox_doomed', status: 409 }));
  });
});

describe('status transition', () => {
  const ALLOWED = ['open → closed', 'open → doomed', 'closed → open', 'closed → doomed'];

  test.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))('from %s to %s', (from, to) => {
    const move = () => requireStatus({ state: 'read', status: from }, to);
    if (ALLOWED.includes(`${from} → ${to}`)) expect(move).not.toThrow();
    else expect(move).toThrow(expect.objectContaining({ code: 'crm.inbox_transition' }));
  });
});
