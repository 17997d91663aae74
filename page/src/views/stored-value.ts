/** What a customer has on gift cards and as store credit. The contract has no list of a customer's cards. */
import { el } from '../dom.js';
import { actionBar, card, emptyNote, type ViewActions } from './card.js';
import type { Customer } from './records.js';
import { countText, moneyText } from './words.js';

/** The sums by currency, and the forms for cards. */
export function storedValueCard({ customer_id, stored_value, status }: Customer, on?: ViewActions): HTMLElement {
  const rows = stored_value.map(({ currency, balance, cards }) =>
    el('li', {}, el('strong', {}, moneyText(balance, currency)), ` on ${countText(cards, 'card')}`),
  );
  const actions = [
    { label: 'Look at a card …', tool: 'crm_giftcard_get', args: {} },
    ...(status === 'active' ? [{ label: 'Issue a card …', tool: 'crm_giftcard_issue', args: { customer_id } }] : []),
  ];
  return card(
    'Gift cards and store credit',
    rows.length === 0
      ? emptyNote('No gift cards or store credit.')
      : el('ul', { class: 'plain', role: 'list' }, ...rows),
    ...actionBar(actions, on),
  );
}
