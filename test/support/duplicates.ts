/** Inserts a population (people.ts) into an org, reads its duplicates page by page, and measures their quality. */
import { createIdMint } from '../../src/ids.js';
import { EMPTY } from '../../src/store/customer/customer-handlers.js';
import { CUSTOMER, type CustomerRow, indexCustomer } from '../../src/store/customer/customers.js';
import type { Driver } from '../../src/store/engine/driver.js';
import type { Steps } from '../../src/store/engine/step.js';
import { insert } from '../../src/store/engine/table.js';
import type { Store } from '../../src/store/store.js';
import type { Signup } from './people.js';

/** PostgreSQL locks every key of a transaction, and has room for some thousand locks. */
const BATCH = 250;

/** Inserts the signups, a millisecond apart, in transactions of many. Returns their ids. */
export async function settle({ driver }: Store, orgcode: string, signups: readonly Signup[]): Promise<string[]> {
  const toRow = rowMaker(orgcode, Date.now() - 2 * signups.length);
  const rows = signups.map(({ fields }) => toRow(fields));
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH);
    const steps = function* () {
      for (const row of batch) yield* settleOne(driver, row);
    };
    await driver.write({ orgcode, steps, isLong: true });
  }
  return rows.map(({ customer_id }) => customer_id);
}

/** Creates customer rows from signups, each a millisecond younger than the last. */
export function rowMaker(orgcode: string, from: number): (fields: Signup['fields']) => CustomerRow {
  const mint = createIdMint();
  let epoch = from;
  return (fields) => {
    epoch += 1;
    const now = new Date(epoch).toISOString();
    const addresses = fields.addresses.map((home) => ({ ...home }));
    return { ...EMPTY, ...fields, addresses, orgcode, customer_id: mint(epoch), created_at: now, updated_at: now };
  };
}

export function* settleOne(driver: Driver, row: CustomerRow): Steps<void> {
  yield* insert(CUSTOMER, row);
  yield* indexCustomer(driver, row);
}

interface Page {
  readonly items: readonly { readonly customer_ids: readonly string[] }[];
  readonly next_token: string | null;
}

/** Returns every pair of every page in list order, as `older newer`. */
export async function walkPages(page: (args: object) => Promise<Page>, args: object = {}): Promise<string[]> {
  const found: string[] = [];
  let next_token: string | null = null;
  do {
    const current: Page = await page({ ...args, ...(next_token === null ? {} : { next_token }) });
    found.push(...current.items.map(({ customer_ids }) => customer_ids.join(' ')));
    next_token = current.next_token;
  } while (next_token !== null);
  return found;
}

/** Computes recall and precision of the found pairs. */
export function qualityOf(found: readonly string[], truth: ReadonlySet<string>) {
  const right = found.filter((pair) => truth.has(pair)).length;
  return { recall: right / truth.size, precision: right / found.length };
}
