/**
 * Measures `admin import` of 100,000 customers against the bare inserts of the same rows: the statements that an import
 * ran, without its reads, journal and checks, replayed by prepared statements in transactions of the same size.
 * G3N_BENCH_CUSTOMERS sets the number of rows.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import type { Caller } from '../src/contract/backend.js';
import { createValidate } from '../src/contract/validate.js';
import { createStampMaker } from '../src/create-pipeline.js';
import { type ImportResult, importCustomers, pacing } from '../src/import/customer-import.js';
import { mapColumns } from '../src/import/row-mapping.js';
import { columnsOfFile, readSource } from '../src/import/row-source.js';
import { parseHeaders } from '../src/pipeline/headers.js';
import { createOrg } from '../src/store/administration.js';
import type { Job } from '../src/store/engine/driver.js';
import { isTogether, type Scalar, type Step, type Steps, type Yielded } from '../src/store/engine/step.js';
import { openStore, type Store } from '../src/store/store.js';
import { BENCH_STORE } from './bench-org.js';
import { type Row, takeTurns } from './measure.js';
import { makeDatabase } from './postgres-database.js';

const ROWS = Number(process.env.G3N_BENCH_CUSTOMERS ?? 100_000);
const ROUNDS = 3;

interface Files {
  readonly directory: string;
  readonly csv: string;
}

/** Section (l). */
export async function measureImport(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-bench-'));
  try {
    const rows: Row[] = [];
    for (const points of [false, true]) {
      const csv = join(directory, 'customers.csv');
      writeFileSync(csv, csvOf(ROWS, points));
      rows.push(...(await compare({ directory, csv }, points ? 'customers with points' : 'customers')));
    }
    return [...rows, ...(await onPostgres(directory))];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function compare(files: Files, what: string): Promise<readonly Row[]> {
  const recorded = await recordWrites(files);
  const figures = await takeTurns(
    [
      { name: 'admin import', round: () => importBy(files) },
      { name: 'bare', round: () => replay(files, recorded, 1) },
      { name: 'bare, 1,024 a commit', round: () => replay(files, recorded, 8) },
    ],
    ROUNDS,
  );
  const ratio = (figures['admin import'] ?? 0) / (figures.bare ?? 1);
  return [{ what: `${ROWS} ${what}`, unit: 's', figures, ratio, goal: { most: 2 } }];
}

/** Runs the built command on a new database. Returns its seconds, start and the seals of the journal included. */
async function importBy({ directory, csv }: Files): Promise<number> {
  const path = join(directory, 'import.db');
  const store = openStore({ path, ...BENCH_STORE });
  await makeOrg(store);
  await store.close();
  const command = ['dist/main.js', 'admin', 'import', csv, '--db', path, '--org', 'BENCH', '--json'];
  const started = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, command);
  const seconds = (performance.now() - started) / 1000;
  requireAll(JSON.parse(stdout));
  removeDatabase(path);
  return seconds;
}

/** Imports the file in this process, and returns the changes of each transaction, without those of the journal. */
async function recordWrites({ directory, csv }: Files): Promise<Write[][]> {
  const path = join(directory, 'recorded.db');
  const store = openStore({ path, ...BENCH_STORE });
  await makeOrg(store);
  const recorded: Write[][] = [];
  record(store, recorded);
  requireAll(await run(store, csv));
  await store.close();
  removeDatabase(path);
  return recorded;
}

function requireAll({ created, issues }: Pick<ImportResult, 'created' | 'issues'>): void {
  if (created !== ROWS) throw new Error(`imported ${created} rows: ${JSON.stringify(issues[0])}`);
}

async function run(store: Store, csv: string): Promise<ImportResult> {
  const stampOf = createStampMaker();
  const headers = parseHeaders({});
  return await importCustomers({
    store,
    caller: OPERATOR,
    validate: createValidate('dist/validators'),
    makeStamp: () => stampOf(headers),
    file: csv,
    rows: readSource(csv, 'csv'),
    mapping: mapColumns(await columnsOfFile(csv, 'csv'), { columns: {}, values: {} }),
    refSystem: 'bench',
    dryRun: false,
    maxErrors: 0,
    uniqueFields: ['email'],
    ...pacing(store.driver.dialect.hasManyWriters, false),
    report: { add() {}, close() {} },
    onProgress() {},
  });
}

const OPERATOR: Caller = {
  orgcode: 'BENCH',
  org_status: 'verified',
  owner: true,
  roles: [],
  actor: 'operator:bench',
  context_source: 'api_key',
  fingerprint: 'operator',
};

async function makeOrg({ driver, keys }: Store): Promise<void> {
  const cx = { keys, now: new Date().toISOString(), newId: () => '' };
  await driver.write({ steps: () => createOrg(cx, 'BENCH', 'verified') });
}

interface Write {
  readonly sql: string;
  readonly args: readonly Scalar[];
}

/** Remembers the changes of each transaction, without those of the journal. */
function record({ driver }: Store, recorded: Write[][]): void {
  const write = driver.write.bind(driver);
  const listening = <T>(job: Job<T>): Promise<T> => {
    const writes: Write[] = [];
    if (job.keyed === true) recorded.push(writes);
    return write({ ...job, steps: () => listen(job.steps(), writes) });
  };
  Object.assign(driver, { write: listening });
}

function* listen<T>(steps: Steps<T>, writes: Write[]): Steps<T> {
  let turn = steps.next();
  while (!turn.done) turn = steps.next(yield heard(turn.value, writes));
  return turn.value;
}

function heard(yielded: Yielded, writes: Write[]): Yielded {
  if (isTogether(yielded)) return { ...yielded, parts: yielded.parts.map((part) => listen(part, writes)) };
  const steps: readonly Step[] = 'mode' in yielded ? [yielded] : yielded;
  for (const { mode, sql, args } of steps) {
    if ((mode === 'run' || mode === 'count') && !/INTO journal/.test(sql)) writes.push({ sql, args });
  }
  return yielded;
}

/** Writes the same rows into a new database, `group` of the import's transactions in one. Returns seconds. */
async function replay({ directory }: Files, recorded: readonly (readonly Write[])[], group: number): Promise<number> {
  const path = join(directory, 'bare.db');
  const store = openStore({ path, ...BENCH_STORE });
  await makeOrg(store);
  await store.close();
  const database = new Database(path);
  for (const pragma of ['synchronous = FULL', 'secure_delete = ON', 'temp_store = MEMORY', 'cache_size = -32000'])
    database.pragma(pragma);
  const prepared = new Map<string, Database.Statement>();
  const started = performance.now();
  for (let from = 0; from < recorded.length; from += group) {
    database.exec('BEGIN IMMEDIATE');
    for (const { sql, args } of recorded.slice(from, from + group).flat()) {
      const statement = prepared.get(sql) ?? database.prepare(sql);
      prepared.set(sql, statement);
      statement.run(args);
    }
    database.exec('COMMIT');
  }
  const seconds = (performance.now() - started) / 1000;
  database.close();
  removeDatabase(path);
  return seconds;
}

/** For information: PostgreSQL commits each row by itself. */
async function onPostgres(directory: string): Promise<readonly Row[]> {
  const { openCluster } = await import('../test/support/postgres-cluster.js');
  const { openPostgresStore } = await import('../src/store/postgres-store.js');
  const cluster = await openCluster('durable', { shared_buffers: '512MB' });
  try {
    const url = await makeDatabase(cluster.url());
    const store = await openPostgresStore({ url, keyPath: join(directory, 'server.key'), ...BENCH_STORE });
    await makeOrg(store);
    const started = performance.now();
    const { created } = await run(store, join(directory, 'customers.csv'));
    const seconds = (performance.now() - started) / 1000;
    await store.close();
    return [{ what: `${created} customers with points, PostgreSQL`, unit: '', figures: { seconds } }];
  } finally {
    await cluster.remove();
  }
}

function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm', '.key']) rmSync(path + end, { force: true });
}

const FIRST = ['Anna', 'Ben', 'Clara', 'David', 'Emma', 'Felix', 'Grace', 'Hugo', 'Ida', 'Jonas', 'Karla', 'Leo'];
const SYLLABLES = ['ba', 'de', 'fi', 'go', 'ku', 'la', 'me', 'ni', 'po', 'ru', 'sa', 'te', 'vi', 'wo', 'xu', 'za'];

/** Customers as a shop has them: everybody has a name, an address and a tag, nine of ten an e-mail, eight a phone. */
function csvOf(rows: number, points: boolean): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const mixed = (index * 40_503) % 65_536;
    const family = [0, 4, 8, 12].map((shift) => SYLLABLES[(mixed >> shift) & 15]).join('');
    const first = FIRST[index % FIRST.length];
    const email = index % 10 === 9 ? '' : `${first}.${family}.${index}@example.com`.toLowerCase();
    const phone = index % 10 > 7 ? '' : `+1 212 ${String(2_000_000 + index).replace(/^(...)/, '$1-')}`;
    const street = `"${1 + (index % 199)} ${family} Street, Apt ${index % 40}"`;
    return [
      `C-${index}`,
      first,
      family,
      email,
      phone,
      street,
      'New York',
      String(10_001 + (index % 280)),
      'US',
      'newsletter',
      ...(points ? [String(1 + (index % 5000))] : []),
    ].join(',');
  });
  const header = 'Customer ID,First Name,Last Name,Email,Phone,Street,City,ZIP,Country,Tags';
  return `${header}${points ? ',Points' : ''}\n${lines.join('\n')}\n`;
}
