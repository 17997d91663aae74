/** Measures duplicate detection in an org of 100,000 customers: quality, latency, and the cost of blocking keys. */
import { performance } from 'node:perf_hooks';
import { qualityOf, rowMaker, settle, settleOne, walkPages } from '../test/support/duplicates.js';
import { makePopulation, type Signup, truePairs } from '../test/support/people.js';
import { type BenchOrg, openBenchOrg } from './bench-org.js';
import { percentile, type Row, takeTurns } from './measure.js';

const CUSTOMERS = 100_000;
const SEED = 7;
const LEAST = 0.95;
const FIRST_PAGE_MS = 200;
const SAMPLES = 200;
const ROUNDS = 7;
const GROUP = 64;

/** Inserts 2 % duplicates and reads every page at the default score. */
export async function measureDedupe(): Promise<readonly Row[]> {
  const bench = await openBenchOrg();
  const signups = makePopulation(SEED, CUSTOMERS);
  const truth = truePairs(signups, await settle(bench.store, 'BENCH', signups));
  const first = await firstPages(bench);
  const started = performance.now();
  let calls = 0;
  const found = await walkPages(
    (args) => {
      calls += 1;
      return bench.data('crm_customer_dedupe_list', args);
    },
    { limit: 256 },
  );
  const seconds = (performance.now() - started) / 1000;
  const { recall, precision } = qualityOf(found, truth);
  const creating = await creations(bench, signups);
  await bench.remove();
  return [
    { what: 'recall', unit: `of ${truth.size} pairs`, figures: {}, ratio: recall, goal: { least: LEAST } },
    { what: 'precision', unit: `of ${found.length} pairs`, figures: {}, ratio: precision, goal: { least: LEAST } },
    { what: 'first page', unit: 'ms', figures: first, ratio: first.p99, goal: { most: FIRST_PAGE_MS } },
    { what: 'every page', unit: '', figures: { calls, seconds } },
    creating,
  ];
}

/** The first call of all compiles the validators and runs code that is not compiled yet: it is shown by itself. */
async function firstPages(bench: BenchOrg): Promise<{ first: number; p50: number; p99: number }> {
  const times: number[] = [];
  for (let index = 0; index < SAMPLES; index += 1) {
    const started = performance.now();
    await bench.data('crm_customer_dedupe_list', {});
    times.push(performance.now() - started);
  }
  const [first = 0, ...others] = times;
  return { first, p50: percentile(others, 0.5), p99: percentile(others, 0.99) };
}

/** Inserts new customers and their side tables in groups of 64; a doomed customer gets no blocking keys. */
async function creations({ store }: BenchOrg, signups: readonly Signup[]): Promise<Row> {
  const toRow = rowMaker('BENCH', Date.now());
  const round = (status: 'active' | 'doomed') => () => {
    const rows = signups.slice(0, 32 * GROUP).map(({ fields }) => ({ ...toRow(fields), status }));
    const started = performance.now();
    while (rows.length > 0) {
      store.driver.script('BEGIN IMMEDIATE');
      for (const row of rows.splice(0, GROUP)) store.driver.direct(settleOne(store.driver, row));
      store.driver.script('COMMIT');
    }
    return (32 * GROUP) / ((performance.now() - started) / 1000);
  };
  const figures = await takeTurns(
    [
      { name: 'with keys', round: round('active') },
      { name: 'without', round: round('doomed') },
    ],
    ROUNDS,
  );
  const ratio = (figures['with keys'] ?? 0) / (figures.without ?? 1);
  return { what: `create, the rows alone, by ${GROUP}`, unit: '/s', figures, ratio };
}
