/** Kills the primary of a pair of servers under load and promotes its standby, round after round. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../src/store/engine/driver.js';
import type { PostgresStore } from '../../src/store/postgres-store.js';
import { type Callers, Load, type LoadReport } from './load.js';
import { type HoldUp, Pair } from './pair.js';
import { createFailoverOrg, openFailoverStore } from './store-server.js';

/**
 * A mistake made on purpose, which the checks must find: a standby that commits do not wait for, or a write without an
 * idempotency record that runs again after its COMMIT was not answered.
 */
export type Plant = 'asynchronous standby' | 'unprotected retry';

export interface FailoverOptions {
  /** What is held up in each round. */
  readonly rounds: readonly HoldUp[];
  readonly seed: number;
  readonly callers: Callers;
  /** The load before each kill, and after the last one. */
  readonly loadMs: number;
  readonly plant?: Plant;
  /** Reach the servers through pgbouncer in transaction mode. */
  readonly bouncers?: boolean;
  readonly onRound?: (round: RoundFigures) => void;
}

export interface RoundFigures {
  readonly holdUp: HoldUp;
  /** Milliseconds from the order to promote to the first acknowledged write. */
  readonly firstWrite: number;
}

export interface FailoverReport extends LoadReport {
  readonly rounds: readonly RoundFigures[];
}

const STORES = 3;

/** Runs all rounds on a fresh database, and reads everything back. */
export async function runFailover(options: FailoverOptions): Promise<FailoverReport> {
  const { plant, bouncers = false } = options;
  const directory = mkdtempSync(join(tmpdir(), 'g3n-failover-'));
  const pair = await Pair.open(plant !== 'asynchronous standby');
  const stores: PostgresStore[] = [];
  try {
    const url = bouncers ? await pair.startBouncers() : pair.url;
    for (let index = 0; index < STORES; index += 1) {
      const store = await openFailoverStore(url, join(directory, 'crm.key'));
      if (plant === 'unprotected retry') repeatUnprotected(store);
      stores.push(store);
    }
    return await runRounds(pair, stores, options);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await pair.remove();
    rmSync(directory, { recursive: true });
  }
}

async function runRounds(
  pair: Pair,
  stores: readonly PostgresStore[],
  { rounds, seed, callers, loadMs, onRound }: FailoverOptions,
): Promise<FailoverReport> {
  const [first] = stores;
  if (first === undefined) throw new Error('no store');
  const load = new Load(stores, await createFailoverOrg(first), seed);
  await load.start(callers);
  const figures: RoundFigures[] = [];
  for (const [index, holdUp] of rounds.entries()) {
    if (index > 0) await pair.renewStandby();
    await sleep(loadMs);
    await pair.killPrimary(holdUp);
    const ordered = performance.now();
    const written = load.writes.firstAfter(ordered);
    await pair.promote();
    const round = { holdUp, firstWrite: (await written) - ordered };
    figures.push(round);
    onRound?.(round);
  }
  await sleep(loadMs);
  return { rounds: figures, ...(await load.finish()) };
}

/** Makes a store run every write again when its COMMIT was not answered, also one without an idempotency record. */
function repeatUnprotected({ driver }: PostgresStore): void {
  const write = driver.write.bind(driver);
  driver.write = <T>(job: Job<T>) => write({ ...job, keyed: true });
}
