/**
 * Measures the store on PostgreSQL against pgbench's single statements on the same server, with fsync and
 * synchronous_commit on. Needs PostgreSQL's own programs, pgbench among them: G3N_TEST_POSTGRES_PROGRAMS names their
 * directory (default: Debian's).
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createIdMint } from '../src/ids.js';
import { createKey, createOrg } from '../src/store/administration.js';
import { openPostgresStore, type PostgresStore } from '../src/store/postgres-store.js';
import { type Row, takeTurns } from './measure.js';
import { makeDatabase } from './postgres-database.js';
import type { Load, LoadedOrg, LoadResult } from './postgres-load.js';

const CUSTOMERS = 10_000;
const HOT = 10;
const ORGS = 10;
const IN_FLIGHT = 32;
const ROUNDS = 5;
const SECONDS = 4;
const DEBIAN = '/usr/lib/postgresql';
const run = promisify(execFile);

interface Bench {
  readonly programs: string;
  readonly url: string;
  readonly directory: string;
  readonly load: Omit<Load, 'operation' | 'inFlight' | 'seconds' | 'name'>;
  /** Ten orgs that share as many customers. */
  readonly orgs: readonly LoadedOrg[];
  /** Results of our rounds, by contender. */
  readonly results: Map<string, LoadResult[]>;
}

/** Section (i): earn, earn on hot customers and in many orgs, get, and two servers. */
export async function measurePostgres(): Promise<readonly Row[]> {
  process.env.G3N_TEST_POSTGRES_PROGRAMS ??= newestProgram();
  const { openCluster } = await import('../test/support/postgres-cluster.js');
  const cluster = await openCluster('durable', { max_connections: '200', shared_buffers: '512MB' });
  try {
    return await measure(await prepare(cluster.url(), join(process.env.G3N_TEST_POSTGRES_PROGRAMS, 'bin')));
  } finally {
    await cluster.remove();
  }
}

function newestProgram(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  if (versions[0] === undefined)
    throw new Error('this section needs pgbench: install PostgreSQL, or set G3N_TEST_POSTGRES_PROGRAMS');
  return join(DEBIAN, versions[0]);
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const hot = bench.load.orgs.map(({ headers, customers }) => ({ headers, customers: customers.slice(0, HOT) }));
  const load = (name: string, changes: Partial<Load> = {}) => ({ name, round: () => ours(bench, name, changes) });
  const figures = await takeTurns(
    [
      { name: 'pgbench update', round: () => pgbench(bench, UPDATE) },
      load('client update', { operation: 'update' }),
      load('earn'),
      load('earn, hot', { orgs: hot }),
      load('earn, ten orgs', { orgs: bench.orgs }),
      { name: 'two servers', round: () => twoServers(bench) },
      { name: 'pgbench select', round: () => pgbench(bench, SELECT, 16) },
      load('client select', { operation: 'select', inFlight: 16 }),
      load('get', { operation: 'crm_customer_get', inFlight: 16 }),
    ],
    ROUNDS,
  );
  rmSync(bench.directory, { recursive: true });
  const row = (what: string, our: string, reference: string, least?: number): Row => ({
    what,
    unit: '/s',
    figures: { [our]: figures[our] ?? 0, [reference]: figures[reference] ?? 0 },
    ratio: (figures[our] ?? 0) / (figures[reference] ?? 1),
    ...(least === undefined ? {} : { goal: { least } }),
  });
  return [
    row(`earn, ${IN_FLIGHT} in flight`, 'earn', 'pgbench update', 0.35),
    row(`earn on ${HOT} customers`, 'earn, hot', 'earn', 0.5),
    row(`earn in one org, not ${ORGS}`, 'earn', 'earn, ten orgs', 0.8),
    row('customer_get, 16 in flight', 'get', 'pgbench select', 0.35),
    row('earn, two servers', 'two servers', 'earn', 1),
    // What the client alone does with one statement: the goals above are of pgbench, which is written in C.
    row('earn beside pg alone', 'earn', 'client update'),
    row('customer_get beside pg alone', 'get', 'client select'),
    ...[...bench.results].flatMap(([name, results]) => details(name, results)),
  ];
}

function details(name: string, results: readonly LoadResult[]): readonly Row[] {
  const middle = (pick: (result: LoadResult) => number) =>
    results.map(pick).sort((a, b) => a - b)[Math.floor(results.length / 2)] ?? Number.NaN;
  const latencies = {
    p50: middle((r) => r.p50),
    p99: middle((r) => r.p99),
    worst: Math.max(...results.map((r) => r.worst)),
  };
  const work = { trips: middle((r) => r.roundTripsPerCall), repeated: middle((r) => r.repeatedPerThousand) };
  return [
    { what: `${name}: latency`, unit: 'ms', figures: latencies },
    { what: `${name}: round trips, repeated/1,000`, unit: '', figures: work },
  ];
}

const UPDATE = '\\set id random(1, 10000)\nUPDATE bench_balance SET balance = balance + 5 WHERE id = :id;\n';
const SELECT = '\\set id random(1, 10000)\nSELECT balance FROM bench_balance WHERE id = :id;\n';

async function pgbench({ programs, url, directory }: Bench, script: string, clients = IN_FLIGHT): Promise<number> {
  const file = join(directory, 'script.sql');
  writeFileSync(file, script);
  const args = ['-n', '-M', 'prepared', '-c', String(clients), '-j', '2', '-T', String(SECONDS), '-f', file, url];
  const { stdout } = await run(join(programs, 'pgbench'), args);
  return Number(/tps = ([\d.]+) \(without/.exec(stdout)?.[1] ?? /tps = ([\d.]+)/.exec(stdout)?.[1]);
}

let loads = 0;

async function ours(bench: Bench, name: string, changes: Partial<Load>): Promise<number> {
  loads += 1;
  const load: Load = {
    operation: 'crm_loyalty_earn',
    inFlight: IN_FLIGHT,
    seconds: SECONDS,
    name: `load ${loads}`,
    ...bench.load,
    ...changes,
  };
  const file = join(bench.directory, `${load.name}.json`);
  writeFileSync(file, JSON.stringify(load));
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'bench/postgres-load.ts', file]);
  const result = JSON.parse(stdout) as LoadResult;
  bench.results.set(name, [...(bench.results.get(name) ?? []), result]);
  return result.rate;
}

async function twoServers(bench: Bench): Promise<number> {
  const half = { inFlight: IN_FLIGHT / 2 };
  const rates = await Promise.all([1, 2].map(() => ours(bench, 'one of two servers', half)));
  return rates.reduce((sum, rate) => sum + rate, 0);
}

/** A database with one org, and ten others that together have as many customers. */
async function prepare(admin: string, programs: string): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-bench-'));
  const url = await makeDatabase(admin);
  const keyPath = join(directory, 'crm.key');
  const store = await openPostgresStore({
    url,
    keyPath,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: () => {},
  });
  const [one, ...others] = await createOrgs(store);
  await store.close();
  if (one === undefined) throw new Error('no org');
  await insertCustomers(admin, [one, ...others]);
  return { programs, url, directory, load: { url, keyPath, orgs: [one] }, orgs: others, results: new Map() };
}

/** Creates the orgs and keys of their owners through the store; their customers get ids only. */
async function createOrgs({ driver, keys }: PostgresStore): Promise<LoadedOrg[]> {
  const mint = createIdMint();
  const cx = { keys, now: new Date().toISOString(), newId: () => mint(Date.now()) };
  const orgs: LoadedOrg[] = [];
  for (let index = 0; index <= ORGS; index += 1) {
    const orgcode = `BENCH-${index}`;
    await driver.write({ steps: () => createOrg(cx, orgcode, 'verified') });
    const { api_key } = await driver.write({
      steps: () => createKey(cx, orgcode, 'bench', { owner: true, roles: [] }),
    });
    const length = index === 0 ? CUSTOMERS : CUSTOMERS / ORGS;
    orgs.push({
      headers: { 'x-orgcode': orgcode, 'x-api-key': api_key, 'x-logical-guid': 'store-1', 'x-channel-code': 'pos' },
      customers: Array.from({ length }, () => mint(Date.now())),
    });
  }
  return orgs;
}

/** As the administrator: plain rows, and the table of the reference. */
async function insertCustomers(admin: string, orgs: readonly LoadedOrg[]): Promise<void> {
  const client = new pg.Client(String(Object.assign(new URL(admin), { pathname: '/bench' })));
  await client.connect();
  for (const { headers, customers } of orgs)
    await client.query(
      `INSERT INTO customer (orgcode, customer_id, status, revision, caption, addresses, external_refs, tags, attributes,
      consents, created_at, updated_at)
    SELECT $1, id, 'active', 1, 'Customer', '[]', '[]', '[]', '{}', '{}', now()::text, now()::text
    FROM unnest($2::text[]) AS id`,
      [headers['x-orgcode'], customers],
    );
  await client.query(`CREATE TABLE bench_balance (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL) WITH (fillfactor = 90);
    INSERT INTO bench_balance SELECT id, 0 FROM generate_series(1, 10000) AS id; ALTER TABLE bench_balance OWNER TO bench`);
  await client.query('VACUUM ANALYZE');
  await client.end();
}
