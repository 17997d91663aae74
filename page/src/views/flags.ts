/** The flags of a customer, with notes and expiry. */
import { el } from '../dom.js';
import { actionBar, badge, emptyNote, factLine, type ViewActions } from './card.js';
import type { Flag } from './records.js';
import { datedNode, phrase } from './words.js';

/** Flags in force first; those that expired or were taken away are folded. */
export function flagList(customerId: string, flags: readonly Flag[], on?: ViewActions): HTMLElement {
  const current = flags.filter(({ status }) => status === 'active');
  const past = flags.filter(({ status }) => status !== 'active');
  const shown = current.length === 0 ? emptyNote('No flags.') : listOf(current, on);
  const fold = el('details', { class: 'fold' }, el('summary', {}, `Earlier flags (${past.length})`), listOf(past, on));
  const set = { label: 'Set a flag …', tool: 'crm_customer_flag_set', args: { customer_id: customerId, active: true } };
  return el('div', { class: 'cards' }, shown, ...(past.length === 0 ? [] : [fold]), ...actionBar([set], on));
}

function listOf(flags: readonly Flag[], on: ViewActions | undefined): HTMLElement {
  return el('ul', { class: 'records', role: 'list' }, ...flags.map((flag) => itemOf(flag, on)));
}

function itemOf(
  { customer_id, flag, note, expires_at, status, revision, created_at }: Flag,
  on?: ViewActions,
): HTMLElement {
  const known = { customer_id, flag, expected_revision: revision };
  const clear = { label: 'Take away …', tool: 'crm_customer_flag_set', args: { ...known, active: false } };
  return el(
    'li',
    {},
    el(
      'div',
      { class: 'record-head' },
      el('strong', {}, phrase(flag)),
      badge(status, status === 'active' ? 'warn' : 'plain'),
    ),
    ...(note === null ? [] : [el('p', { class: 'free-text' }, note)]),
    factLine(datedNode('since', created_at), ...(expires_at === null ? [] : [datedNode('until', expires_at)])),
    ...(status === 'active' ? actionBar([clear], on, true) : []),
  );
}
