/** Customers that may be the same person, with the evidence. */
import { el } from '../dom.js';
import { badge, emptyNote } from './card.js';
import { contactLine } from './customer-results.js';
import type { Customer, Duplicate } from './records.js';
import { nameOf, phrase } from './words.js';

type Evidence = Duplicate['evidence'][number];

const KINDS: { readonly [Kind in Evidence['kind']]: string } = {
  exact: 'the same',
  normalised: 'the same but for spelling',
  typo: 'one typing mistake apart',
  similar: 'similar',
  sound: 'sounds the same',
  initial: 'same initial',
  swapped: 'given and family name swapped',
  postal_code: 'same postal code',
  shared: 'shared by many customers',
  different: 'different',
};
const FIELDS: { readonly [Field in Evidence['field']]: string } = {
  email: 'E-mail',
  phone: 'Phone',
  addresses: 'Address',
  birth_date: 'Birthday',
  given_name: 'Given name',
  family_name: 'Family name',
};

/** The pairs of a customer. `others` holds the other customers that could be read. */
export function duplicateList(
  customerId: string,
  pairs: readonly Duplicate[],
  others: ReadonlyMap<string, Customer>,
): HTMLElement {
  if (pairs.length === 0) return emptyNote('No other customer looks like the same person.');
  const items = pairs.map(({ customer_ids, score, evidence }) => {
    const other = customer_ids.find((id) => id !== customerId) ?? '';
    const known = others.get(other);
    const link = `#customer=${encodeURIComponent(customerId)}&compare=${encodeURIComponent(other)}`;
    const name = known === undefined ? el('code', {}, other) : el('strong', {}, nameOf(known));
    return el(
      'li',
      {},
      el('div', { class: 'record-head' }, name, badge(`${Math.round(score * 100)} % alike`, 'info')),
      ...(known === undefined ? [] : [contactLine(known)]),
      el('ul', { class: 'evidence' }, ...evidence.map((each) => el('li', {}, evidenceText(each)))),
      el('p', {}, el('a', { href: link }, 'Compare side by side')),
    );
  });
  return el('ul', { class: 'records', role: 'list' }, ...items);
}

/** Codes that a newer server adds are shown as they are. */
function evidenceText({ field, kind, weight }: Evidence): string {
  const against = weight < 0 ? ' (speaks against it)' : '';
  return `${FIELDS[field] ?? phrase(field)}: ${KINDS[kind] ?? kind}${against}`;
}
