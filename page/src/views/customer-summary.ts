/** Who a customer is, in one look: name, state, points, tier, contact as the caller may see it. */
import { el } from '../dom.js';
import { actionBar, badge, card, factLine, factList, figureList, type ViewActions } from './card.js';
import type { Action, Customer } from './records.js';
import { countText, datedNode, dateText, dayText, moneyText, msOf, nameOf, numberText, phrase } from './words.js';

/** The head of a customer's page. `heading` receives the focus when the page opens. */
export function customerHead(
  customer: Customer,
  on?: ViewActions,
): { readonly node: HTMLElement; readonly heading: HTMLElement } {
  const heading = el('h1', { class: 'person' }, nameOf(customer));
  const { loyalty, created_at } = customer;
  const tier = loyalty.tier === null ? 'No tier' : `Tier ${loyalty.tier}`;
  const node = el(
    'div',
    { class: 'customer-head' },
    el('div', { class: 'bar' }, heading, el('div', { class: 'badges' }, ...statusBadges(customer))),
    factLine(tier, datedNode('Customer since', created_at)),
    ...statusNote(customer),
    ...(customer.status === 'active' ? actionBar(actionsOf(customer), on) : []),
  );
  return { node, heading };
}

function actionsOf({ customer_id, revision }: Customer): readonly Action[] {
  return [
    { label: 'Give points …', tool: 'crm_loyalty_earn', args: { customer_id } },
    { label: 'Spend points …', tool: 'crm_loyalty_redeem', args: { customer_id } },
    { label: 'Correct points …', tool: 'crm_loyalty_adjust', args: { customer_id } },
    { label: 'Edit …', tool: 'crm_customer_update', args: { customer_id, expected_revision: revision } },
    { label: 'Erase …', tool: 'crm_customer_anonymize', args: { customer_id, expected_revision: revision } },
  ];
}

function statusBadges({ status, active_holds, flags, tags }: Customer): readonly Node[] {
  return [
    ...(status === 'active' ? [] : [badge(phrase(status), 'bad')]),
    ...(active_holds === 0 ? [] : [badge(countText(active_holds, 'open hold'), 'bad')]),
    ...flags.map((flag) => badge(`Flag: ${phrase(flag)}`, 'warn')),
    ...tags.map((tag) => badge(tag)),
  ];
}

/** Explains a state in which the customer cannot be worked with. */
function statusNote({ status, merged_into_customer_id }: Customer): readonly Node[] {
  if (merged_into_customer_id !== null) {
    const link = el('a', { href: customerLink(merged_into_customer_id) }, 'Open that customer');
    return [el('p', { class: 'warning' }, 'This record was merged into another customer. ', link)];
  }
  const text =
    status === 'anonymized'
      ? 'The personal data was erased on request. Ledger, cards and comments remain; nothing can be changed.'
      : status === 'doomed'
        ? 'This record was removed for good (“doomed”). It can be read, but not used.'
        : undefined;
  return text === undefined ? [] : [el('p', { class: 'warning' }, text)];
}

/** The fragment of a customer's page. */
export function customerLink(customerId: string): string {
  return `#customer=${encodeURIComponent(customerId)}`;
}

/** The figures that people ask for first: points, what expires next, tier, stored value. */
export function keyFigures({ loyalty, stored_value }: Customer): HTMLElement {
  const { points_available, points_balance, points_pending_expiry, tier, lifetime_points } = loyalty;
  const [next] = points_pending_expiry;
  const cards = stored_value.reduce((count, { cards: each }) => count + each, 0);
  const money = stored_value.map(({ balance, currency }) => moneyText(balance, currency));
  const differs = points_available === points_balance ? 'all of the balance' : `balance ${numberText(points_balance)}`;
  return figureList([
    ['Points to spend', numberText(points_available), differs],
    [
      'Expires next',
      next === undefined ? '—' : numberText(next.points),
      next === undefined ? 'nothing expires soon' : `on ${dayText(msOf(next.expires_at))}`,
    ],
    ['Tier', tier ?? '—', `${numberText(lifetime_points)} points in all`],
    ['Stored value', money.length === 0 ? '—' : money.join(' + '), cards === 0 ? 'no cards' : countText(cards, 'card')],
  ]);
}

/** How to reach the customer. Fields that the caller may not see in full say so. */
export function contactCard(customer: Customer): HTMLElement {
  const { email, phone, addresses, birth_date, company, given_name, family_name } = customer;
  const masked = customer.masked_fields ?? [];
  const hidden = (field: (typeof masked)[number], value: string | null): Node | string =>
    masked.includes(field) ? maskedValue(value) : (value ?? '');
  const full = [given_name, family_name].filter(Boolean).join(' ');
  const places = addresses.map((address) => el('div', {}, addressText(address)));
  const facts = factList([
    full === nameOf(customer) ? undefined : ['Name', full],
    ['Company', company ?? ''],
    ['E-mail', hidden('email', email)],
    ['Phone', hidden('phone', phone)],
    ['Born', hidden('birth_date', birth_date === null ? null : dateText(birth_date))],
    ['Address', masked.includes('addresses') ? maskedValue(null) : places.length === 0 ? '' : el('div', {}, ...places)],
    ['Language', customer.locale ?? ''],
    ['Home store', customer.home_logical_guid ?? ''],
    ['Other ids', customer.external_refs.map(({ system, ref }) => `${system} ${ref}`).join(', ')],
    ...Object.entries(customer.attributes).map(([name, value]) => [phrase(name), String(value)] as const),
    ['Customer id', el('code', {}, customer.customer_id)],
  ]);
  const note =
    masked.length === 0
      ? []
      : [el('p', { class: 'hint' }, 'Hidden: this customer did not consent to show it to your role.')];
  return card('Contact', facts, ...note);
}

function maskedValue(value: string | null): Node {
  return el('span', {}, ...(value === null || value === '' ? [] : [`${value} `]), badge('hidden'));
}

function addressText({
  kind,
  line1,
  line2,
  city,
  region,
  postal_code,
  country,
}: Customer['addresses'][number]): string {
  const town = [postal_code, city, region].filter(Boolean).join(' ');
  const text = [line1, line2, town, country].filter(Boolean).join(', ');
  return kind === undefined ? text : `${text} (${kind})`;
}

/** Head, figures and contact together, for places that show nothing else. */
export function customerSummary(customer: Customer, on?: ViewActions): HTMLElement {
  return el(
    'article',
    { class: 'customer' },
    customerHead(customer, on).node,
    keyFigures(customer),
    contactCard(customer),
  );
}
