/** Two customers side by side, so that a person can decide whether they are one. */
import { el } from '../dom.js';
import { actionBar, badge, type ViewActions } from './card.js';
import { customerLink } from './customer-summary.js';
import type { Action, Customer } from './records.js';
import { dateText, dayText, moneyText, msOf, nameOf, numberText, phrase } from './words.js';

interface Field {
  readonly name: string;
  /** The value as text; empty if there is none. */
  text(customer: Customer): string;
  /** The field that consent may hide. */
  readonly masked?: 'email' | 'phone' | 'addresses' | 'birth_date';
}

const FIELDS: readonly Field[] = [
  { name: 'Display name', text: ({ caption }) => caption ?? '' },
  { name: 'Given name', text: ({ given_name }) => given_name ?? '' },
  { name: 'Family name', text: ({ family_name }) => family_name ?? '' },
  { name: 'Company', text: ({ company }) => company ?? '' },
  { name: 'E-mail', text: ({ email }) => email ?? '', masked: 'email' },
  { name: 'Phone', text: ({ phone }) => phone ?? '', masked: 'phone' },
  {
    name: 'Born',
    text: ({ birth_date }) => (birth_date === null ? '' : dateText(birth_date)),
    masked: 'birth_date',
  },
  { name: 'Addresses', text: ({ addresses }) => addresses.map(addressLine).join('\n'), masked: 'addresses' },
  { name: 'Language', text: ({ locale }) => locale ?? '' },
  { name: 'Home store', text: ({ home_logical_guid }) => home_logical_guid ?? '' },
  {
    name: 'Other ids',
    text: ({ external_refs }) => external_refs.map(({ system, ref }) => `${system} ${ref}`).join('\n'),
  },
  { name: 'Tags', text: ({ tags }) => tags.join(', ') },
  { name: 'Tier', text: ({ loyalty }) => loyalty.tier ?? '' },
  { name: 'Points balance', text: ({ loyalty }) => numberText(loyalty.points_balance) },
  { name: 'Points in all', text: ({ loyalty }) => numberText(loyalty.lifetime_points) },
  {
    name: 'Stored value',
    text: ({ stored_value }) => stored_value.map(({ balance, currency }) => moneyText(balance, currency)).join(', '),
  },
  {
    name: 'Consents',
    text: ({ consents }) =>
      Object.entries(consents)
        .map(([purpose, state]) => `${phrase(purpose)}: ${state}`)
        .sort()
        .join('\n'),
  },
  { name: 'Open holds', text: ({ active_holds }) => numberText(active_holds) },
  { name: 'Flags', text: ({ flags }) => flags.map(phrase).join(', ') },
  { name: 'Status', text: ({ status }) => phrase(status) },
  { name: 'Customer since', text: ({ created_at }) => dayText(msOf(created_at)) },
];

function addressLine({ line1, line2, city, region, postal_code, country }: Customer['addresses'][number]): string {
  return [line1, line2, city, region, postal_code, country].filter(Boolean).join(', ');
}

/** A table of both records that says in words which fields differ, and the forms that merge them. */
export function comparison(one: Customer, other: Customer, on?: ViewActions): HTMLElement {
  const heads = [one, other].map((customer) =>
    el('th', { scope: 'col' }, el('a', { href: customerLink(customer.customer_id) }, nameOf(customer))),
  );
  const head = el(
    'tr',
    {},
    el('th', { scope: 'col' }, 'Field'),
    ...heads,
    el('th', { scope: 'col' }, el('span', { class: 'word' }, 'Result')),
  );
  const rows = FIELDS.map((field) => rowOf(field, one, other));
  const differing = rows.filter((row) => row.classList.contains('differs')).length;
  const region = { class: 'table whole', tabindex: '0', role: 'region', 'aria-label': 'Both customers' };
  const canMerge = one.status === 'active' && other.status === 'active';
  return el(
    'div',
    { class: 'cards' },
    el(
      'p',
      {},
      `${differing} of ${FIELDS.length} fields differ. Namesakes and families exist: merge only the same person.`,
    ),
    el('div', region, el('table', { class: 'comparison' }, el('thead', {}, head), el('tbody', {}, ...rows))),
    ...(canMerge
      ? [...actionBar([mergeOf(one, other), mergeOf(other, one)], on), el('p', { class: 'hint' }, MERGE_HINT)]
      : [el('p', { class: 'warning' }, 'Only two active customers can be merged.')]),
  );
}

const MERGE_HINT =
  'The kept record survives with the points, cards, comments and holds of both. A merge cannot be undone; holds that block prevent it.';

function mergeOf(kept: Customer, merged: Customer): Action {
  return {
    label: `Merge, keep ${nameOf(kept)} since ${dayText(msOf(kept.created_at))} …`,
    tool: 'crm_customer_merge',
    args: {
      customer_id: kept.customer_id,
      merge_customer_ids: [merged.customer_id],
      expected_revision: kept.revision,
    },
  };
}

function rowOf({ name, text, masked }: Field, one: Customer, other: Customer): HTMLElement {
  const isHidden = masked !== undefined && [one, other].some(({ masked_fields }) => masked_fields?.includes(masked));
  const [left, right] = [text(one), text(other)];
  const differs = !isHidden && left !== right;
  const result = isHidden ? badge('hidden') : differs ? badge('≠ ', 'warn') : el('span', { class: 'hint' }, '= ');
  if (!isHidden) result.append(el('span', { class: 'word' }, differs ? 'differs' : 'same'));
  const cells = [left, right].map((value) => el('td', { class: 'free-text' }, value === '' ? '—' : value));
  return el(
    'tr',
    { class: differs ? 'differs' : '' },
    el('th', { scope: 'row' }, name),
    ...cells,
    el('td', {}, result),
  );
}
