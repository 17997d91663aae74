/**
 * `npm run soak -- --minutes 10`: loads one database through three processes whose clocks are an hour apart, kills one
 * every few seconds, then reads everything back. Exits 1 on any fault.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Books } from './books.js';
import { Cluster } from './cluster.js';
import { checkEverything } from './final-checks.js';
import { quantile } from './findings.js';
import { readOptions, type SoakOptions } from './options.js';
import { createRandom } from './random.js';
import { readPages } from './readers.js';
import { setUp } from './set-up.js';
import { type Run, work } from './worker.js';

const ORG = 'SOAK';
const RECORDS = { ledger: 12, mergeable: 20, accounts: 3 };
const READERS = 2;
/** So many faults of each check are printed. */
const SHOWN_FAULTS = 5;
const MAX_FAULT_LENGTH = 1000;

interface SoakRun extends Run {
  readonly cluster: Cluster;
}

const options = readOptions(process.argv.slice(2));
const directory = mkdtempSync(join(tmpdir(), 'g3n-soak-'));
const db = join(directory, 'crm.db');
console.log(`seed ${options.seed}, ${options.minutes} minutes, ${options.workers} workers, database ${db}`);
const passed = await soak(options);
if (passed && !options.keep) rmSync(directory, { recursive: true, force: true });
else console.log(`the database is kept: ${db}`);
process.exit(passed ? 0 : 1);

async function soak({ minutes, seed, workers }: SoakOptions): Promise<boolean> {
  const random = createRandom(seed);
  const cluster = new Cluster({ db, orgcode: ORG, apiKey: createOrg() }, directory);
  process.on('exit', () => cluster.killAll());
  let end = Number.POSITIVE_INFINITY;
  const run: SoakRun = {
    cluster,
    books: new Books(),
    figures: { calls: 0, retries: 0, replayed: 0, busy: 0, refused: 0, latencies: [] },
    isOver: () => performance.now() >= end,
  };
  await cluster.start();
  await setUp(run, random, RECORDS);
  const started = performance.now();
  end = started + minutes * 60_000;
  const fork = () => createRandom(random.between(1, 2 ** 31));
  const parts = [
    ...Array.from({ length: workers }, () => work(run, fork())),
    ...Array.from({ length: READERS }, () => readPages(run, fork())),
    cluster.disturb(fork(), run.isOver),
  ];
  const progress = setInterval(() => console.log(progressOf(run)), 30_000);
  const ends = await Promise.allSettled(parts);
  clearInterval(progress);
  for (const part of ends) if (part.status === 'rejected') run.books.fault('run', String(part.reason));
  const seconds = (performance.now() - started) / 1000;
  printFigures(run, seconds);
  await checkEverything(run, random);
  for (const [name, code] of await cluster.stop())
    if (code !== 0) run.books.fault('stop', `${name}: exit code ${code}`);
  verify(run);
  return printVerdict(run);
}

function createOrg(): string {
  runProgram(['admin', 'org', 'create', ORG, '--db', db]);
  return JSON.parse(runProgram(['admin', 'key', 'create', ORG, '--owner', '--db', db])).api_key;
}

function runProgram(args: readonly string[]): string {
  return execFileSync(process.execPath, ['dist/main.js', ...args], { encoding: 'utf8' });
}

function progressOf({ figures, cluster, books }: SoakRun): string {
  return `${figures.calls} calls, ${cluster.kills} kills, ${figures.retries} retries, ${books.faults.length} faults`;
}

function printFigures({ figures, cluster, books }: SoakRun, seconds: number): void {
  const { calls, latencies } = figures;
  const milliseconds = (share: number) => `${quantile(latencies, share).toFixed(1)} ms`;
  console.log(`
calls            ${calls} in ${seconds.toFixed(0)} s, ${(calls / seconds).toFixed(0)} a second
latency          p50 ${milliseconds(0.5)}, p99 ${milliseconds(0.99)}, max ${milliseconds(1)}
kills            ${cluster.kills}, starts ${cluster.starts}, clock jumps ${cluster.jumps}
retries          ${figures.retries} after a kill, ${figures.busy} of a busy database
replayed answers ${figures.replayed}, refused calls ${figures.refused}
acknowledged     ${books.entries.size} ledger entries, ${books.cards.size} gift cards, ${books.comments.size} comments,
                 ${books.customers.size} customers, ${books.merges.length} merges`);
}

/** Runs `verify`, as an operator would. */
function verify({ books }: Run): void {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/main.js', 'verify', '--db', db], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`verify           exit code ${status}, ${seconds} s`);
  if (status !== 0) books.fault('verify', `exit code ${status}: ${stdout.slice(0, 2000)} ${stderr.slice(0, 1000)}`);
}

/** Prints the first faults of each check, and how many there are; all of them go to a file beside the database. */
function printVerdict({ books }: Run): boolean {
  const { faults } = books;
  if (faults.length === 0) {
    console.log('no faults: nothing acknowledged was lost or done twice, and every ledger adds up');
    return true;
  }
  for (const check of new Set(faults.map(({ check }) => check))) {
    const found = faults.filter((fault) => fault.check === check);
    for (const { what } of found.slice(0, SHOWN_FAULTS))
      console.log(`FAULT ${check}: ${what.slice(0, MAX_FAULT_LENGTH)}`);
    if (found.length > SHOWN_FAULTS) console.log(`FAULT ${check}: ${found.length} in total`);
  }
  const file = join(directory, 'faults.txt');
  writeFileSync(file, faults.map(({ check, what }) => `${check}: ${what}\n`).join(''));
  console.log(`${faults.length} faults; all are in ${file}`);
  return false;
}
