/** All writes of the soak on few customers, by many callers, through servers that are killed; then all is read back. */
import { checkEverything } from '../final-checks.js';
import { createRandom } from '../random.js';
import { type StartingRecords, setUp } from '../set-up.js';
import { loadUntilOver, newRun, type SoakRun } from '../soak-run.js';
import type { StartedServers } from './servers.js';

export interface HotOptions {
  readonly records: StartingRecords;
  readonly callers: number;
  /** The load ends after so many answers and so many kills. */
  readonly calls: number;
  readonly kills: number;
  readonly seed: number;
}

export interface HotRun extends SoakRun {
  /** Of the load. */
  readonly seconds: number;
}

/** Runs the load, and reads everything back. The org must be new. */
export async function loadHotCustomers({ cluster }: StartedServers, options: HotOptions): Promise<HotRun> {
  const { records, callers, calls, kills, seed } = options;
  const random = createRandom(seed);
  const run = newRun(cluster, ({ figures }) => figures.calls >= calls && cluster.kills >= kills);
  await setUp(run, random, records);
  const seconds = await loadUntilOver(run, random, callers);
  await checkEverything(run, random);
  return { ...run, seconds };
}
