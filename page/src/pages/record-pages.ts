/** The pages about records: search, one customer, two customers side by side, a form for a change, the overview. */
import type { Toolbox } from '../catalogue.js';
import { byId, el, focusOn } from '../dom.js';
import { customerHash, type Route } from '../route.js';
import { card, type ViewActions } from '../views/card.js';
import { contactLine } from '../views/customer-results.js';
import type { Customer } from '../views/records.js';
import { nameOf } from '../views/words.js';
import type { WorkbenchContext } from '../workbench.js';
import { actionPage } from './action-page.js';
import { comparePage } from './compare-page.js';
import { customerPage, customerProblem } from './customer-page.js';
import { searchResults } from './customer-search.js';
import { overviewPage } from './overview-page.js';
import { createReader, NotReadable, type Reader } from './reader.js';
import { mountSearchBox } from './search-box.js';
import { fill } from './slot.js';

export type RecordRoute = Exclude<Route, { readonly page: 'tools' }>;
type CustomerRoute = Extract<Route, { readonly page: 'customer' }>;

export interface RecordPages {
  /** Shows a page; with `focus`, moves the focus to its heading. */
  show(route: RecordRoute, focus: boolean): void;
}

/** What is shown, and the heading that receives the focus. */
interface Page {
  readonly node: HTMLElement;
  readonly heading: HTMLElement;
}

type Arguments = { readonly [name: string]: unknown };

const MAX_REMEMBERED = 50;
const TITLES = { overview: 'Overview', customers: 'Customers', customer: 'Customer' } as const;

/** Mounts the search box and the place of the pages. */
export function mountRecordPages(context: WorkbenchContext): RecordPages {
  const stage = byId('page', HTMLElement);
  const filled = new Map<string, Arguments>();
  let reading = new AbortController();

  const open = (customer: string) => actionsOn(customer, context.toolbox, filled);
  const show = (route: RecordRoute, focus: boolean) => {
    reading.abort();
    reading = new AbortController();
    const { signal } = reading;
    const reader = createReader(context, signal);
    const put = ({ node, heading }: Page) => {
      if (signal.aborted) return;
      stage.replaceChildren(node);
      if (focus && document.activeElement !== box.input) focusOn(heading);
    };
    document.title = `${TITLES[route.page]} · G3N retail CRM`;
    if (context.endpoint() === undefined) return put(connectFirst(TITLES[route.page]));
    if (route.page === 'customers') return put(searchPage(box.text(), reader));
    if (route.page === 'overview') return put(overviewPage(reader));
    const form = route.action === undefined ? undefined : formPage(route, context, reader, filled);
    if (form !== undefined) return put(form);
    put(titled('Customer', el('p', { class: 'hint' }, 'Loading …')));
    void load(route, reader, open(route.customer)).then(put);
  };
  const box = mountSearchBox(stage, () => {
    if (location.hash === '#customers') show({ page: 'customers' }, false);
    else location.hash = '#customers';
  });
  return { show };
}

function titled(title: string, ...children: readonly Node[]): Page {
  const heading = el('h1', { class: 'person' }, title);
  return { node: el('div', { class: 'cards' }, heading, ...children), heading };
}

function connectFirst(title: string): Page {
  return titled(title, card('Not connected', el('p', {}, 'Enter an org and a key above, and press Connect.')));
}

function searchPage(text: string, reader: Reader): Page {
  return titled('Customers', searchResults(text, reader));
}

/** The page of a customer or of two; what went wrong, if they cannot be read. */
async function load({ customer, compare }: CustomerRoute, reader: Reader, on: ViewActions): Promise<Page> {
  try {
    return await (compare === undefined
      ? customerPage(customer, reader, on)
      : comparePage(customer, compare, reader, on));
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error;
    return titled('Customer', customerProblem(error));
  }
}

/** Opens forms by the URL, so that Back returns to the customer; the values wait in `filled`. */
function actionsOn(customer: string, toolbox: Toolbox, filled: Map<string, Arguments>): ViewActions {
  return {
    has: (tool) => {
      const entry = toolbox.find(tool);
      return entry !== undefined && entry.listed !== false;
    },
    open: ({ tool, args }) => {
      const hash = customerHash(customer, tool);
      filled.delete(hash);
      filled.set(hash, args);
      const [oldest] = filled.keys();
      if (filled.size > MAX_REMEMBERED && oldest !== undefined) filled.delete(oldest);
      location.hash = hash;
    },
  };
}

/** The form of a change. After a reload only the customer is known; a tool that takes none leads to the customer. */
function formPage(
  { customer, action = '' }: CustomerRoute,
  context: WorkbenchContext,
  reader: Reader,
  filled: ReadonlyMap<string, Arguments>,
): Page | undefined {
  const entry = context.toolbox.find(action);
  const takesCustomer = 'customer_id' in ((entry?.inputSchema.properties ?? {}) as object);
  const args = filled.get(customerHash(customer, action)) ?? (takesCustomer ? { customer_id: customer } : undefined);
  if (entry === undefined || args === undefined) return undefined;
  const back = { href: customerHash(customer), text: 'Back to the customer' };
  const about = el('div', { class: 'slot' });
  void fill(about, async () => {
    const record = await reader.read<Customer>('crm_customer_get', { customer_id: customer });
    return el('div', {}, el('strong', {}, nameOf(record)), contactLine(record));
  });
  return actionPage({ about, entry, args, back }, context);
}
