/** A load on stores of one database: keyed and unkeyed writes and page walks; then everything is read back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Headers } from '../../src/pipeline/headers.js';
import type { PostgresStore } from '../../src/store/postgres-store.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { Books, type Fault } from '../books.js';
import { checkEverything } from '../final-checks.js';
import { quantile } from '../findings.js';
import { createRandom, type Random } from '../random.js';
import { readPages } from '../readers.js';
import type { Server } from '../server.js';
import { setUp } from '../set-up.js';
import { type Figures, newFigures, type Run, work } from '../worker.js';
import { storeServer } from './store-server.js';
import { type UnkeyedFigures, workUnkeyed } from './unkeyed.js';
import { WriteTimes } from './write-times.js';

/** Calls in flight: with a key, and without. */
export interface Callers {
  readonly keyed: number;
  readonly unkeyed: number;
}

export interface LoadReport {
  readonly figures: Figures;
  readonly unkeyed: UnkeyedFigures;
  /** Jobs that the drivers ran again, because others got in the way or because the connection was lost. */
  readonly repeated: number;
  readonly reconnected: number;
  readonly acknowledged: number;
  /** Why calls were answered with an error of the database, and how often. */
  readonly causes: ReadonlyMap<string, number>;
  readonly faults: readonly Fault[];
}

/** Few, so that calls meet. */
const RECORDS = { ledger: 6, mergeable: 8, accounts: 2 };
const SHOWN_FAULTS = 20;
const MAX_FAULT_LENGTH = 500;
const PAUSE_MS = 50;

export class Load {
  readonly writes = new WriteTimes();
  readonly #headers: Headers;
  readonly #servers = new Map<PostgresStore, Server>();
  readonly #random: Random;
  readonly #run: Run;
  readonly #unkeyed: UnkeyedFigures = { sent: 0, unknown: 0, unwritten: 0 };
  #parts: Promise<PromiseSettledResult<void>[]> = Promise.resolve([]);
  readonly #causes = new Map<string, number>();
  #isOver = false;

  /** @param headers of an org that has no records yet */
  constructor(stores: readonly PostgresStore[], headers: Headers, seed: number) {
    this.#headers = headers;
    this.#random = createRandom(seed);
    for (const store of stores) this.add(store);
    this.#run = {
      cluster: { pick: async (random) => random.pick([...this.#servers.values()]) as Server },
      books: new Books(),
      figures: newFigures(),
      isOver: () => this.#isOver,
    };
  }

  /** Sends calls to this store, too. */
  add(store: PostgresStore): void {
    const watcher = {
      onWritten: (at: number) => this.writes.note(at),
      onCause: (cause: unknown) => {
        const reason = reasonOf(cause);
        this.#causes.set(reason, (this.#causes.get(reason) ?? 0) + 1);
      },
    };
    this.#servers.set(store, storeServer(store, this.#headers, watcher));
  }

  /** Sends no further calls to this store; those that were sent go on. */
  remove(store: PostgresStore): void {
    this.#servers.delete(store);
  }

  /** Creates records and starts the callers. */
  async start({ keyed, unkeyed }: Callers): Promise<void> {
    const run = this.#run;
    await setUp(run, this.#random, RECORDS);
    const fork = () => createRandom(this.#random.between(1, 2 ** 31));
    this.#parts = Promise.allSettled([
      ...Array.from({ length: keyed }, () => work(run, fork())),
      ...Array.from({ length: unkeyed }, () => workUnkeyed(run, this.#unkeyed, fork())),
      readPages(run, fork()),
    ]);
    await sleep(PAUSE_MS);
  }

  /** Ends the load when every keyed write is acknowledged, and reads everything back. */
  async finish(): Promise<LoadReport> {
    const run = this.#run;
    const { books } = run;
    this.#isOver = true;
    for (const part of await this.#parts) if (part.status === 'rejected') books.fault('run', String(part.reason));
    await checkEverything(run, this.#random).catch((error) => books.fault('checks', String(error.stack)));
    await this.#verify();
    const sum = (field: 'repeated' | 'reconnected') =>
      [...this.#servers.keys()].reduce((total, { driver }) => total + driver.counters()[field], 0);
    return {
      figures: run.figures,
      unkeyed: this.#unkeyed,
      repeated: sum('repeated'),
      reconnected: sum('reconnected'),
      acknowledged: books.entries.size + books.cards.size + books.comments.size + books.customers.size,
      causes: this.#causes,
      faults: books.faults,
    };
  }

  async #verify(): Promise<void> {
    const [store] = this.#servers.keys();
    if (store === undefined) return;
    const { disagreements } = await store.driver.read(() => verifyStore(store.keys, store.driver), { isLong: true });
    for (const disagreement of disagreements) this.#run.books.fault('verify', JSON.stringify(disagreement));
  }
}

function reasonOf(cause: unknown): string {
  const { code = '', message = '' } = cause as { readonly code?: string; readonly message?: string };
  return `${code} ${message}`.trim();
}

/** Prints the figures and the first faults. */
export function printLoad(report: LoadReport): void {
  const { figures, unkeyed, repeated, reconnected, acknowledged, causes, faults } = report;
  const milliseconds = (share: number) => `${quantile(figures.latencies, share).toFixed(0)} ms`;
  console.log(`calls            ${figures.calls} with a key, ${unkeyed.sent} without; ${acknowledged} records acknowledged
latency          p50 ${milliseconds(0.5)}, p99 ${milliseconds(0.99)}, max ${milliseconds(1)}
answered 503     ${figures.busy} calls with a key; without a key ${unkeyed.unwritten} that wrote nothing, ${unkeyed.unknown} "unknown"
repeated         ${reconnected} jobs after a lost connection, ${repeated} after a conflict; ${figures.replayed} replays`);
  for (const [reason, times] of causes) console.log(`  ${times} × ${reason}`);
  for (const { check, what } of faults.slice(0, SHOWN_FAULTS))
    console.log(`FAULT ${check}: ${what.slice(0, MAX_FAULT_LENGTH)}`);
  console.log(faults.length === 0 ? 'no faults' : `${faults.length} faults`);
}
