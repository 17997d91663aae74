/**
 * `npm run soak -- --minutes 10`: loads one database through three processes whose clocks are an hour apart, kills one
 * every few seconds, then reads everything back. Exits 1 on any fault.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fixedClock, jumpingClock } from './clock.js';
import { Cluster } from './cluster.js';
import { checkEverything } from './final-checks.js';
import { readOptions, type SoakOptions } from './options.js';
import { BUILT, createOrg, verify } from './program.js';
import { createRandom } from './random.js';
import { httpServer, stdioServer } from './server.js';
import { setUp } from './set-up.js';
import { loadUntilOver, newRun, printFigures, printVerdict, stopServers } from './soak-run.js';

const ORG = 'SOAK';
const RECORDS = { ledger: 12, mergeable: 20, accounts: 3 };

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
  const program = { main: BUILT, db, env: {} };
  const launch = { ...program, orgcode: ORG, apiKey: createOrg(program, ORG) };
  const clock = jumpingClock(directory);
  const cluster = new Cluster(
    [
      httpServer('http', { ...launch, env: fixedClock('+0') }),
      httpServer('http an hour ahead', { ...launch, env: fixedClock('+1h') }),
      stdioServer('stdio with a jumping clock', { ...launch, env: clock.env }),
    ],
    clock,
  );
  process.on('exit', () => cluster.killAll());
  let end = Number.POSITIVE_INFINITY;
  const run = newRun(cluster, () => performance.now() >= end);
  await cluster.start();
  await setUp(run, random, RECORDS);
  end = performance.now() + minutes * 60_000;
  printFigures(run, await loadUntilOver(run, random, workers));
  await checkEverything(run, random);
  await stopServers(run);
  console.log(`verify           ${(await verify(program, run.books)).toFixed(1)} s`);
  return printVerdict(run.books, directory);
}
