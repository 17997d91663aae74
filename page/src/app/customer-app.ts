/**
 * The MCP app: shows the result of `crm_customer_get` or `crm_loyalty_ledger_list`, and reads what belongs to it through
 * the host where the host allows that.
 */
import { el } from '../dom.js';
import { factList } from '../views/card.js';
import { customerSummary } from '../views/customer-summary.js';
import type { Customer, LedgerPage } from '../views/records.js';
import { numberText } from '../views/words.js';
import type { Arguments, Host, HostEvents } from './host.js';
import { ledgerView, PAGE_SIZE } from './ledger-view.js';
import { createReader, NOT_ALLOWED, type Reader } from './reader.js';
import { readResult, type Shown } from './results.js';

const CUSTOMER_LINK = '#customer=';

export interface CustomerAppParts {
  readonly view: HTMLElement;
  /** Says what the app waits for, or what went wrong. */
  readonly status: HTMLElement;
}

export interface CustomerApp extends Pick<HostEvents, 'onInput' | 'onResult' | 'onCancelled'> {
  /** The host through which the app reads more. */
  use(host: Host): void;
}

export function createCustomerApp({ view, status }: CustomerAppParts): CustomerApp {
  let input: Arguments = {};
  const say = (text: string) => {
    status.textContent = text;
  };
  const reader = createReader(say);

  const show = async (shown: Shown, args: Arguments): Promise<void> => {
    const nodes = nodesOf(shown, args, reader);
    view.replaceChildren(...nodes);
    if (shown.kind !== 'partial') return say(shown.kind === 'error' ? shown.text : nodes.length > 0 ? '' : NOTHING);
    if (!reader.isAllowed) return say(`The result has only some fields. ${NOT_ALLOWED}`);
    const { fields: _, ...all } = args; // the model asked for some fields only
    const whole = await reader.read(shown.of, all);
    if (whole !== undefined) view.replaceChildren(...nodesOf(whole, all, reader));
  };

  view.addEventListener('click', async (event) => {
    const link = event.target instanceof Element ? event.target.closest(`a[href^="${CUSTOMER_LINK}"]`) : null;
    if (link === null) return;
    event.preventDefault();
    const id = decodeURIComponent(link.getAttribute('href')?.slice(CUSTOMER_LINK.length) ?? '');
    const read = await reader.read('customer', { customer_id: id });
    if (read !== undefined) view.replaceChildren(...nodesOf(read, {}, reader));
  });
  return {
    use: (host) => reader.use(host),
    onInput: (args) => {
      input = args;
    },
    onResult: (result) => void show(readResult(result), input),
    onCancelled: () => say('The call was cancelled.'),
  };
}

const NOTHING = 'This result has nothing to show.';

function nodesOf(shown: Shown, args: Arguments, reader: Reader): readonly Node[] {
  if (shown.kind === 'customer') return customerNodes(shown.customer, reader);
  return shown.kind === 'ledger' ? ledgerNodes(shown.page, args, reader) : [];
}

function customerNodes(customer: Customer, reader: Reader): readonly Node[] {
  const args = { customer_id: customer.customer_id, limit: PAGE_SIZE };
  const points = reader.button('Show points over time', async () => {
    const read = await reader.read('ledger', args);
    return read && [ledgerView(read.page, args, reader)];
  });
  return [customerSummary(customer), ...points];
}

function ledgerNodes(page: LedgerPage, args: Arguments, reader: Reader): readonly Node[] {
  const customerId = page.items[0]?.customer_id ?? args.customer_id;
  const facts = factList([
    ['Balance', `${numberText(page.points_balance)} points`],
    ['To spend now', `${numberText(page.points_available)} points`],
  ]);
  const customer = reader.button('Show the customer', async () => {
    const read = await reader.read('customer', { customer_id: customerId });
    return read && [customerSummary(read.customer)];
  });
  return [el('h2', { class: 'person' }, 'Points ledger'), facts, ledgerView(page, args, reader), ...customer];
}
