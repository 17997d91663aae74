/** Measures search, get and list while one org grows from ten thousand to a million customers. */
import { performance } from 'node:perf_hooks';
import { FAMILY_NAMES, GIVEN_NAMES } from '../src/demo/sample-values.js';
import { createIdMint } from '../src/ids.js';
import { EMPTY } from '../src/store/customer/customer-handlers.js';
import { CUSTOMER, type CustomerRow, indexCustomer } from '../src/store/customer/customers.js';
import { insert } from '../src/store/engine/table.js';
import { type BenchOrg, openBenchOrg } from './bench-org.js';
import { percentile, type Row } from './measure.js';

const SIZES = [10_000, 100_000, 1_000_000];
const SAMPLES = 1000;
const BATCH = 10_000;
const SYLLABLES = ['ba', 'do', 'fe', 'gi', 'ka', 'lo', 'mi', 'nu', 'pa', 'ri', 'so', 'te', 'va', 'wi', 'ze', 'ch'];
/** Maximum p99 at a million customers; it may also be at most ten times the p99 at ten thousand. */
const MAX_MS = 2;

/** Section (c). Filling the org takes some minutes. */
export async function measureSearch(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const fill = filler(bench);
  const measured: Record<string, Record<string, { p50: number; p99: number }>> = {};
  for (const size of SIZES) {
    fill.to(size);
    for (const [what, args] of Object.entries(queries(fill.ids))) {
      measured[what] ??= {};
      measured[what][`${size / 1000}k`] = await timesOf(bench.data, args);
    }
  }
  await bench.remove();
  return Object.entries(measured).flatMap(([what, sizes]) => {
    const figures = (share: 'p50' | 'p99') =>
      Object.fromEntries(Object.entries(sizes).map(([size, times]) => [size, times[share]]));
    const p99 = figures('p99');
    const ratio = (p99['1000k'] ?? 0) / (p99['10k'] ?? 1);
    return [
      { what: `${what}, p50`, unit: 'ms', figures: figures('p50') },
      { what: `${what}, p99`, unit: 'ms', figures: p99, ratio, goal: { most: 10 } },
      { what: `${what}, p99 at 1 M`, unit: 'ms', figures: {}, ratio: p99['1000k'] ?? 0, goal: { most: MAX_MS } },
    ];
  });
}

type Query = () => readonly [tool: string, args: object];

/** What is asked of an org with these customers, by its name in the table. */
export function queries(ids: readonly string[]): { readonly [what: string]: Query } {
  const random = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T;
  const given = () => random(GIVEN_NAMES).toLowerCase();
  return {
    'get by id': () => ['crm_customer_get', { customer_id: random(ids) }],
    'first page of the list': () => ['crm_customer_list', {}],
    'page somewhere in the list': () => ['crm_customer_list', { created_to: createdAt(random(ids)) }],
    'search by e-mail': () => [
      'crm_customer_search',
      { email: `c${Math.floor(Math.random() * ids.length)}@example.com` },
    ],
    'search by phone': () => ['crm_customer_search', { phone: phoneOf(Math.floor(Math.random() * ids.length)) }],
    'search by a name': () => ['crm_customer_search', { q: given() }],
    'search by three letters': () => ['crm_customer_search', { q: given().slice(0, 3) }],
    'search by given and family name': () => ['crm_customer_search', { q: `${given()} ${random(FAMILY_NAMES)}` }],
    'search by two words': () => ['crm_customer_search', { q: `${given()} ${random(FAMILY_NAMES).slice(0, 4)}` }],
    'search by a rare word': () => ['crm_customer_search', { q: rareWord(Math.floor(Math.random() * ids.length)) }],
  };
}

/** Milliseconds of calls one after the other, after some that do not count. */
export async function timesOf(
  call: BenchOrg['data'],
  query: Query,
  samples = SAMPLES,
): Promise<{ p50: number; p99: number }> {
  for (let index = 0; index < samples / 5; index += 1) await call(...query());
  const times: number[] = [];
  for (let index = 0; index < samples; index += 1) {
    const [tool, args] = query();
    const started = performance.now();
    await call(tool, args);
    times.push(performance.now() - started);
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** The customer with that number, created at `epoch`. */
export function customerRow(index: number, customer_id: string, epoch: number): CustomerRow {
  const now = new Date(epoch).toISOString();
  return {
    ...EMPTY,
    orgcode: 'BENCH',
    customer_id,
    caption: `${rareWord(index)} account`,
    email: `c${index}@example.com`,
    phone: phoneOf(index),
    given_name: GIVEN_NAMES[index % GIVEN_NAMES.length] ?? null,
    family_name: FAMILY_NAMES[Math.floor(index / 7) % FAMILY_NAMES.length] ?? null,
    created_at: now,
    updated_at: now,
  };
}

/** Fills the org with rows and index entries, by the store's own functions in large transactions. */
function filler({ store }: BenchOrg) {
  const mint = createIdMint();
  const ids: string[] = [];
  const started = Date.now() - 2 * SIZES.reduce((most, size) => Math.max(most, size), 0);
  const add = (index: number) => {
    const epoch = started + index;
    const row = customerRow(index, mint(epoch), epoch);
    store.driver.direct(insert(CUSTOMER, row));
    store.driver.direct(indexCustomer(store.driver, row));
    ids.push(row.customer_id);
  };
  return {
    ids,
    to(size: number): void {
      while (ids.length < size) {
        store.driver.script('BEGIN IMMEDIATE');
        for (let count = 0; count < BATCH; count += 1) add(ids.length);
        store.driver.script('COMMIT');
      }
    },
  };
}

function phoneOf(index: number): string {
  return `+1212${String(2_000_000 + index).padStart(7, '0')}`;
}

/** A word of four syllables: some fifteen customers of a million share one. */
function rareWord(index: number): string {
  const mixed = (index * 40_503) % 65_536;
  return [0, 4, 8, 12].map((shift) => SYLLABLES[(mixed >> shift) & 15]).join('');
}

/** A version 7 UUID begins with its milliseconds. */
function createdAt(id: string): string {
  return new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toISOString();
}
