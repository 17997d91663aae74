/** The page that compares two customers. */
import { el } from '../dom.js';
import { customerHash } from '../route.js';
import type { ViewActions } from '../views/card.js';
import { comparison } from '../views/comparison.js';
import type { Customer } from '../views/records.js';
import type { Reader } from './reader.js';

/** The page, and the heading that receives the focus. @throws NotReadable when one of them cannot be read. */
export async function comparePage(
  one: string,
  other: string,
  reader: Reader,
  on: ViewActions,
): Promise<{ readonly node: HTMLElement; readonly heading: HTMLElement }> {
  const read = (customer_id: string) => reader.read<Customer>('crm_customer_get', { customer_id });
  const [left, right] = await Promise.all([read(one), read(other)]);
  const heading = el('h1', { class: 'person' }, 'The same person?');
  const back = el('p', {}, el('a', { href: customerHash(one) }, '← Back to the customer'));
  return { node: el('div', { class: 'cards' }, back, heading, comparison(left, right, on)), heading };
}
