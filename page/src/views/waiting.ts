/** What waits for somebody: open holds, certificates about to expire, open inbox items. */
import { el } from '../dom.js';
import { badge, emptyNote, factLine, type Tone } from './card.js';
import { customerLink } from './customer-summary.js';
import { HOLD_SCOPES } from './holds.js';
import type { Certificate, Customer, Hold, InboxItem } from './records.js';
import { datedNode, dateText, dayNode, nameOf, phrase } from './words.js';

/** The customers that could be read, by id. */
export type KnownCustomers = ReadonlyMap<string, Customer>;

/** Holds that nobody has reviewed, each with its customer. */
export function openHolds(holds: readonly Hold[], customers: KnownCustomers): HTMLElement {
  if (holds.length === 0) return emptyNote('No hold waits for a review.');
  const items = holds.map(({ customer_id, scope, reason, created_at }) =>
    el(
      'li',
      {},
      el('div', { class: 'record-head' }, customerName(customer_id, customers)),
      el('p', {}, HOLD_SCOPES[scope]),
      ...(reason === null ? [] : [el('p', { class: 'free-text' }, reason)]),
      el('p', { class: 'hint' }, 'since ', dayNode(created_at)),
    ),
  );
  return el('ul', { class: 'records', role: 'list' }, ...items);
}

function customerName(id: string, customers: KnownCustomers): HTMLElement {
  const known = customers.get(id);
  return el('a', { href: customerLink(id) }, known === undefined ? `Customer …${id.slice(-6)}` : nameOf(known));
}

/** Certificates by the day on which they expire, the first one first. */
export function expiringCertificates(certificates: readonly Certificate[], customers: KnownCustomers): HTMLElement {
  if (certificates.length === 0) return emptyNote('No certificate expires soon.');
  const ordered = certificates.toSorted((a, b) => ((a.expires_on ?? '') < (b.expires_on ?? '') ? -1 : 1));
  const items = ordered.map(({ certificate_number, exemption_type, jurisdiction, expires_on, customer_id }) => {
    const place = [jurisdiction.country, jurisdiction.region].filter(Boolean).join('-');
    return el(
      'li',
      {},
      el(
        'div',
        { class: 'record-head' },
        el('strong', {}, expires_on === null ? 'No last day' : `Until ${dateText(expires_on)}`),
        ...(customer_id === null ? [badge('business account')] : [customerName(customer_id, customers)]),
      ),
      factLine(certificate_number, phrase(exemption_type), place),
    );
  });
  return el('ul', { class: 'records', role: 'list' }, ...items);
}

const PRIORITIES: { readonly [Priority in InboxItem['priority']]: Tone } = {
  low: 'plain',
  normal: 'plain',
  high: 'warn',
  urgent: 'bad',
};

/** Open inbox items, newest first. */
export function openInbox(items: readonly InboxItem[], customers: KnownCustomers): HTMLElement {
  if (items.length === 0) return emptyNote('The inbox is empty.');
  const nodes = items.map(({ caption, priority, state, due_at, team_guid, record_type, record_id, created_at }) =>
    el(
      'li',
      {},
      el(
        'div',
        { class: 'record-head' },
        el('strong', { class: 'free-text' }, caption),
        ...(priority === 'normal' ? [] : [badge(`${phrase(priority)} priority`, PRIORITIES[priority])]),
        ...(state === 'unread' ? [badge('unread', 'info')] : []),
      ),
      factLine(
        team_guid ?? 'everybody',
        dayNode(created_at),
        ...(due_at === null ? [] : [datedNode('due', due_at)]),
        ...(record_type === 'customer' && record_id !== null ? [customerName(record_id, customers)] : []),
      ),
    ),
  );
  return el('ul', { class: 'records', role: 'list' }, ...nodes);
}
