/** Customers that a search found, each with what tells namesakes apart. */
import { el } from '../dom.js';
import { badge, factLine } from './card.js';
import { customerLink } from './customer-summary.js';
import type { Customer } from './records.js';
import { countText, datedNode, nameOf, phrase } from './words.js';

/** A list of links to customers. */
export function customerResults(customers: readonly Customer[]): HTMLElement {
  return el('ul', { class: 'results', role: 'list' }, ...customers.map((customer) => el('li', {}, rowOf(customer))));
}

function rowOf(customer: Customer): HTMLElement {
  const { customer_id, status, active_holds } = customer;
  return el(
    'a',
    { href: customerLink(customer_id), class: 'result-row' },
    el('strong', {}, nameOf(customer)),
    el('span', { class: 'badges' }, ...badges(status, active_holds)),
    contactLine(customer),
  );
}

/** What tells namesakes apart: contact as the caller may see it, tier, points, age of the record. */
export function contactLine({ email, phone, loyalty, created_at }: Customer): HTMLElement {
  return factLine(
    ...[email, phone].filter((text): text is string => text !== null),
    loyalty.tier ?? 'no tier',
    countText(loyalty.points_balance, 'point'),
    datedNode('since', created_at),
  );
}

function badges(status: Customer['status'], holds: number): readonly Node[] {
  return [
    ...(status === 'active' ? [] : [badge(phrase(status), 'bad')]),
    ...(holds === 0 ? [] : [badge(countText(holds, 'open hold'), 'bad')]),
  ];
}
