/** The customers that a search text finds. */
import { button, el } from '../dom.js';
import { emptyNote } from '../views/card.js';
import { customerResults } from '../views/customer-results.js';
import type { Customer } from '../views/records.js';
import { criteriaOf } from './criteria.js';
import type { Items, Reader } from './reader.js';
import { fill } from './slot.js';

const LIMIT = 10;

/** A heading that says what is listed, and the list. With an empty text these are the newest customers. */
export function searchResults(text: string, reader: Reader): HTMLElement {
  const list = el('div', { class: 'slot' });
  void fill(list, () => find(text, reader));
  const title = text === '' ? 'Newest customers' : 'Customers found';
  return el('div', { class: 'card' }, el('h2', {}, title), list);
}

/** Reads what the text asks for. */
async function find(text: string, reader: Reader): Promise<Node> {
  for (const [tool, criteria] of attemptsOf(text)) {
    const args = { ...criteria, limit: LIMIT };
    const page = await reader.read<Items<Customer>>(tool, args);
    if (page.items.length > 0) return growingList(page, (token) => reader.read(tool, { ...args, next_token: token }));
  }
  return emptyNote(text === '' ? 'There are no customers yet.' : NOBODY);
}

const NOBODY = 'Nobody found. Try the beginning of a name, or a whole e-mail address or phone number.';

function attemptsOf(text: string): readonly (readonly [tool: string, criteria: object])[] {
  if (text === '') return [['crm_customer_list', {}]];
  return criteriaOf(text).map((criteria) => ['crm_customer_search', criteria] as const);
}

/** The results, and a button for the next page of them. */
function growingList(page: Items<Customer>, next: (token: string) => Promise<Items<Customer>>): HTMLElement {
  const lists = el('div', {}, customerResults(page.items));
  let token = page.next_token;
  const grow = async () => {
    const part = el('div');
    lists.append(part);
    await fill(part, async () => {
      const more = await next(token ?? '');
      token = more.next_token;
      showMore.hidden = token === null;
      return customerResults(more.items);
    });
    part.querySelector('a')?.focus();
  };
  const showMore = button('Show more', () => void grow(), { hidden: token === null });
  return el('div', { class: 'cards' }, lists, showMore);
}
