/**
 * Measures the searches of search.ts on PostgreSQL, as a role that row-level security holds. G3N_BENCH_CUSTOMERS sets
 * the size of the org.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createIdMint } from '../src/ids.js';
import { CUSTOMER, indexCustomer } from '../src/store/customer/customers.js';
import { insert } from '../src/store/engine/table.js';
import { openPostgresStore, type PostgresStore } from '../src/store/postgres-store.js';
import { openCluster } from '../test/support/postgres-cluster.js';
import { BENCH_STORE, createBenchOrg } from './bench-org.js';
import type { Row } from './measure.js';
import { makeDatabase } from './postgres-database.js';
import { customerRow, queries, timesOf } from './search.js';

const CUSTOMERS = Number(process.env.G3N_BENCH_CUSTOMERS ?? 50_000);
const SAMPLES = 300;
const BATCH = 1000;
/** Maximum p99. */
const MAX_MS = 10;

/** Section (n). */
export async function measurePostgresSearch(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-bench-'));
  const cluster = await openCluster('durable', { shared_buffers: '512MB' });
  try {
    const url = await makeDatabase(cluster.url());
    const store = await openPostgresStore({ url, keyPath: join(directory, 'server.key'), ...BENCH_STORE });
    const { data } = await createBenchOrg(store);
    const ids = await fill(store);
    await analyse(url);
    const rows: Row[] = [];
    for (const [what, query] of Object.entries(queries(ids))) {
      const { p50, p99 } = await timesOf(data, query, SAMPLES);
      rows.push({ what, unit: 'ms', figures: { p50, p99 }, ratio: p99, goal: { most: MAX_MS } });
    }
    await store.close();
    return rows;
  } finally {
    await cluster.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(store: PostgresStore): Promise<readonly string[]> {
  const mint = createIdMint();
  const ids: string[] = [];
  const started = Date.now() - 2 * CUSTOMERS;
  const add = function* (index: number) {
    const row = customerRow(index, mint(started + index), started + index);
    ids.push(row.customer_id);
    yield* insert(CUSTOMER, row);
    yield* indexCustomer(store.driver, row);
  };
  for (let from = 0; from < CUSTOMERS; from += BATCH) {
    const steps = function* () {
      ids.length = from; // a job that ran again adds its customers once
      for (let index = from; index < Math.min(CUSTOMERS, from + BATCH); index += 1) yield* add(index);
    };
    await store.driver.write({ orgcode: 'BENCH', steps });
  }
  return ids;
}

async function analyse(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('VACUUM ANALYZE');
  await client.end();
}
