/**
 * One server's load on a PostgreSQL database, in a process of its own: runs one operation through the store for a while,
 * or one statement through the client alone, and prints its rate and latencies as JSON. Its argument is a file with a
 * `Load`.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { createApplication } from '../src/application.js';
import { createLog } from '../src/log.js';
import { readCredentials } from '../src/pipeline/credentials.js';
import { parseHeaders } from '../src/pipeline/headers.js';
import { openPostgresStore } from '../src/store/postgres-store.js';
import type { StoreCall } from '../src/store/store.js';
import { BENCH_STORE } from './bench-org.js';
import { percentile } from './measure.js';

/** An org, as whose owner calls are made about its customers. */
export interface LoadedOrg {
  readonly headers: Record<string, string>;
  readonly customers: readonly string[];
}

/** What one process is to do. */
export interface Load {
  readonly url: string;
  readonly keyPath: string;
  readonly orgs: readonly LoadedOrg[];
  /** `update` and `select` are one statement on the table of the reference. */
  readonly operation: 'crm_loyalty_earn' | 'crm_customer_get' | 'update' | 'select';
  readonly inFlight: number;
  readonly seconds: number;
  /** Differs between processes and rounds, so that no idempotency key is used twice. */
  readonly name: string;
}

export interface LoadResult {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Jobs that ran again, for each thousand calls. */
  readonly repeatedPerThousand: number;
  readonly roundTripsPerCall: number;
}

const load = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Load;

/** What one process runs. */
interface Contender {
  readonly call: () => Promise<unknown>;
  readonly counters: () => { readonly repeated: number; readonly roundTrips: number };
  readonly close: () => Promise<void>;
}

const STATEMENTS = {
  update: 'UPDATE bench_balance SET balance = balance + 5 WHERE id = $1',
  select: 'SELECT balance FROM bench_balance WHERE id = $1',
};

/** pg alone, with as many connections as a server has: what the program cannot exceed. */
function client(text: string): Contender {
  const pool = new pg.Pool({ connectionString: load.url, max: 10 });
  let count = 0;
  return {
    call: () => {
      count += 1;
      return pool.query({ name: 'bench', text, values: [Math.ceil(Math.random() * 10_000)] });
    },
    counters: () => ({ repeated: 0, roundTrips: count }),
    close: () => pool.end(),
  };
}

async function store(name: 'crm_loyalty_earn' | 'crm_customer_get'): Promise<Contender> {
  const opened = await openPostgresStore({ url: load.url, keyPath: load.keyPath, ...BENCH_STORE });
  const { pipeline, catalogue } = createApplication(opened, createLog('silent'));
  const operation = catalogue.find(name)?.operation;
  if (operation === undefined) throw new Error(`no ${name}`);
  const orgs = await Promise.all(
    load.orgs.map(async ({ headers: sent, customers }) => {
      const headers = parseHeaders(sent);
      const caller = await pipeline.backend.identify(readCredentials(headers), pipeline.makeStamp(headers));
      return { headers, caller, customers };
    }),
  );
  const context = { logical_guid: 'store-1', channel_code: 'pos' };
  let count = 0;
  const call = () => {
    count += 1;
    const { headers, caller, customers } = anyOf(orgs);
    const customer_id = anyOf(customers);
    const earned = { customer_id, points: 5, idempotency_key: `${load.name} ${count}` };
    const input = name === 'crm_loyalty_earn' ? earned : { customer_id };
    const stamp = pipeline.makeStamp(headers);
    return opened.perform({ operation, input, caller, context, stamp } satisfies StoreCall);
  };
  return { call, counters: () => opened.driver.counters(), close: () => opened.close() };
}

function anyOf<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}

const { operation } = load;
const isOneStatement = operation === 'update' || operation === 'select';
const contender = isOneStatement ? client(STATEMENTS[operation]) : await store(operation);

async function run(seconds: number): Promise<number[]> {
  const latencies: number[] = [];
  const end = performance.now() + seconds * 1000;
  const worker = async () => {
    while (performance.now() < end) {
      const started = performance.now();
      await contender.call();
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, worker));
  return latencies;
}

await run(1); // opens the connections, prepares the statements, compiles the code
const before = contender.counters();
const latencies = await run(load.seconds);
const after = contender.counters();
const result: LoadResult = {
  rate: latencies.length / load.seconds,
  p50: percentile(latencies, 0.5),
  p99: percentile(latencies, 0.99),
  worst: Math.max(...latencies),
  repeatedPerThousand: ((after.repeated - before.repeated) * 1000) / latencies.length,
  roundTripsPerCall: (after.roundTrips - before.roundTrips) / latencies.length,
};
console.log(JSON.stringify(result));
await contender.close();
