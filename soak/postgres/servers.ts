/**
 * The servers of a soak on PostgreSQL, in which its parts run: `http` processes and, if their clocks are wrong, one
 * `stdio` process.
 */
import { join } from 'node:path';
import { fixedClock, jumpingClock } from '../clock.js';
import { Cluster, type Pause } from '../cluster.js';
import { BUILT, createOrg, type Program, verify } from '../program.js';
import { httpServer, type Launch, stdioServer } from '../server.js';
import { type SoakRun, stopServers } from '../soak-run.js';
import { ledgerOrderFaults } from './ledger-order.js';
import type { SoakDatabase } from './soak-database.js';

const ORG = 'SOAK';

export interface ServerOptions {
  /** For the key file, and the clock that jumps. */
  readonly directory: string;
  /** So many servers with the right time, or four of which two have a wrong one, by faketime. */
  readonly servers: number | 'four with wrong clocks';
  /** Another build. */
  readonly main?: string;
  readonly killEveryMs?: Pause;
}

export interface StartedServers {
  readonly database: SoakDatabase;
  readonly program: Program;
  readonly cluster: Cluster;
}

/** Creates the tables and an org, and starts the servers. They end with this process. */
export async function startServers(database: SoakDatabase, options: ServerOptions): Promise<StartedServers> {
  const { directory, servers, main = BUILT, killEveryMs } = options;
  const program = { main, db: database.url, env: { G3N_KEY_FILE: join(directory, 'crm.key') } };
  const launch = { ...program, orgcode: ORG, apiKey: createOrg(program, ORG) };
  const cluster =
    typeof servers === 'number'
      ? new Cluster(named(servers, launch), undefined, killEveryMs)
      : withWrongClocks(launch, directory);
  process.once('exit', () => cluster.killAll());
  await cluster.start();
  return { database, program, cluster };
}

/** Ends the servers and checks the database: `verify`, and the order of its ledgers. Returns the seconds of `verify`. */
export async function finish({ database, program }: StartedServers, run: SoakRun): Promise<number> {
  await stopServers(run);
  const seconds = await verify(program, run.books);
  for (const fault of await ledgerOrderFaults(database)) run.books.fault('ledger order', fault);
  return seconds;
}

function named(count: number, launch: Launch) {
  return Array.from({ length: count }, (_, index) => httpServer(`http ${index + 1}`, launch));
}

function withWrongClocks(launch: Launch, directory: string): Cluster {
  const clock = jumpingClock(directory);
  const at = (env: Readonly<Record<string, string>>) => ({ ...launch, env: { ...launch.env, ...env } });
  const servers = [
    ...named(2, launch),
    httpServer('http an hour ahead', at(fixedClock('+1h'))),
    stdioServer('stdio with a jumping clock', at(clock.env)),
  ];
  return new Cluster(servers, clock);
}
