/** What soaks over servers that are killed share: the load, its figures and the verdict. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Books } from './books.js';
import type { Cluster } from './cluster.js';
import { quantile } from './findings.js';
import { createRandom, type Random } from './random.js';
import { readPages } from './readers.js';
import { newFigures, type Run, work } from './worker.js';

const READERS = 2;
const PROGRESS_MS = 30_000;
/** So many faults of each check are printed. */
const SHOWN_FAULTS = 5;
const MAX_FAULT_LENGTH = 1000;

export interface SoakRun extends Run {
  readonly cluster: Cluster;
}

export function newRun(cluster: Cluster, isOver: (run: SoakRun) => boolean, books = new Books()): SoakRun {
  const run = { cluster, books, figures: newFigures(), isOver: () => isOver(run) };
  return run;
}

/** Sends writes and reads pages until the run is over, while servers are killed. Returns the seconds it took. */
export async function loadUntilOver(run: SoakRun, random: Random, workers: number): Promise<number> {
  const fork = () => createRandom(random.between(1, 2 ** 31));
  const load = Array.from({ length: workers }, () => work(run, fork()));
  const readers = Array.from({ length: READERS }, () => readPages(run, fork()));
  return disturbed(run, random, [...load, ...readers]);
}

/** Kills servers until the run is over. A part that fails is a fault. Returns the seconds that the parts took. */
export async function disturbed(run: SoakRun, random: Random, parts: readonly Promise<void>[]): Promise<number> {
  const started = performance.now();
  const progress = setInterval(() => console.log(progressOf(run)), PROGRESS_MS);
  const disturber = run.cluster.disturb(createRandom(random.between(1, 2 ** 31)), run.isOver);
  const ends = await Promise.allSettled(parts);
  const seconds = (performance.now() - started) / 1000;
  ends.push(...(await Promise.allSettled([disturber])));
  clearInterval(progress);
  for (const part of ends) if (part.status === 'rejected') run.books.fault('run', String(part.reason));
  return seconds;
}

/** Ends the servers, as an operator does. */
export async function stopServers({ cluster, books }: SoakRun): Promise<void> {
  for (const [name, code] of await cluster.stop()) if (code !== 0) books.fault('stop', `${name}: exit code ${code}`);
}

function progressOf({ figures, cluster, books }: SoakRun): string {
  return `${figures.calls} calls, ${cluster.kills} kills, ${figures.retries} retries, ${books.faults.length} faults`;
}

/** Prints what was called, and what came of the writes. */
export function printFigures(run: SoakRun, seconds: number): void {
  printCalls(run, seconds);
  const { books } = run;
  console.log(`acknowledged     ${books.entries.size} ledger entries, ${books.cards.size} gift cards, ${books.comments.size} comments,
                 ${books.customers.size} customers, ${books.merges.length} merges`);
}

/** Prints what was called, how long it took, and what went wrong. */
export function printCalls({ figures, cluster }: SoakRun, seconds: number): void {
  const { calls, latencies, unavailable, slowest } = figures;
  const milliseconds = (share: number) => `${quantile(latencies, share).toFixed(1)} ms`;
  const answers = [...unavailable].map(([code, times]) => `${times} × ${code}`).join(', ') || 'none';
  console.log(`
calls            ${calls} in ${seconds.toFixed(0)} s, ${(calls / seconds).toFixed(0)} a second
latency          p50 ${milliseconds(0.5)}, p99 ${milliseconds(0.99)}, max ${milliseconds(1)} (${slowest.call})
kills            ${cluster.kills}, starts ${cluster.starts}, clock jumps ${cluster.jumps}
retries          ${figures.retries} after a kill, ${figures.busy} after an answer with 503 or 429: ${answers}
replayed answers ${figures.replayed}, refused calls ${figures.refused}`);
}

/** Prints the first faults of each check, and how many there are; all of them go to a file in `directory`. */
export function printVerdict({ faults }: Books, directory: string): boolean {
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
