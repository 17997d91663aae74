/**
 * The PostgreSQL driver: pooled sessions, one transaction for each job, and jobs that run again when others got in the
 * way. With transaction.ts and batch.ts the only code that talks to the server while calls are served.
 */
import { CrmError } from '../../contract/errors.js';
import {
  ConcurrentChangeError,
  type Driver,
  type Job,
  type Scope,
  storageUnavailable,
  unconfirmedWrite,
} from '../engine/driver.js';
import type { SearchIndex } from '../engine/search-index.js';
import type { Steps } from '../engine/step.js';
import type { DatabaseSession } from './batch.js';
import { type ConnectionPool, createConnectionPool } from './connection-pool.js';
import type { PostgresAddress } from './connection-url.js';
import { meaningOf } from './database-error.js';
import { Transaction, type TransactionKind } from './transaction.js';

/** What happened since the driver was opened. */
export interface DriverCounters {
  readonly transactions: number;
  readonly roundTrips: number;
  /** Jobs that ran again because of a deadlock, a serialization failure, or a key or revision written by others. */
  readonly repeated: number;
  /** Jobs that ran again on another connection. */
  readonly reconnected: number;
  readonly unknownOutcomes: number;
}

export interface PostgresDriver extends Driver {
  read<T>(steps: () => Steps<T>, scope?: Scope): Promise<T>;
  counters(): DriverCounters;
  connections(): ReturnType<ConnectionPool['counts']>;
}

export interface PostgresDriverOptions {
  readonly address: PostgresAddress;
  readonly search: SearchIndex;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** A job, with all its attempts, ends within this time. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 30_000;
/** Attempts at a job that others got in the way of. */
const MAX_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 2;
const RECONNECT_PAUSE_MS = 50;
/** The server's own limits end a statement at the deadline; only when they do not, the connection is closed. */
const GRACE_MS = 500;

/** Opens no connection yet. */
export function createPostgresDriver(options: PostgresDriverOptions): PostgresDriver {
  return new PooledDriver(options);
}

class PooledDriver implements PostgresDriver {
  readonly dialect = { orderedJoin: 'JOIN' };
  readonly search: SearchIndex;
  readonly #pool: ConnectionPool;
  readonly #deadlineMs: number;
  readonly #counters = { transactions: 0, roundTrips: 0, repeated: 0, reconnected: 0, unknownOutcomes: 0 };

  constructor({ address, search, applicationName, deadlineMs = DEADLINE_MS }: PostgresDriverOptions) {
    this.search = search;
    this.#pool = createConnectionPool(address, applicationName);
    this.#deadlineMs = deadlineMs;
  }

  read<T>(steps: () => Steps<T>, scope: Scope = {}): Promise<T> {
    return this.#attempt({ kind: 'read', scope, keyed: true, run: (transaction) => readSteps(transaction, steps) });
  }

  write<T>(job: Job<T>): Promise<T> {
    const { keyed = false } = job;
    return this.#attempt({ kind: 'write', scope: job, keyed, run: (transaction) => runJob(transaction, job) });
  }

  outage(): undefined {
    return undefined;
  }

  counters(): DriverCounters {
    return { ...this.#counters };
  }

  connections() {
    return this.#pool.counts();
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #attempt<T>(work: Work<T>): Promise<T> {
    const { signal, isLong = false } = work.scope;
    const deadline = isLong ? Number.POSITIVE_INFINITY : performance.now() + this.#deadlineMs;
    for (let attempt = 1; ; attempt += 1) {
      const session = await this.#acquire(deadline);
      const transaction = new Transaction(session, work.kind, work.scope, isLong ? 0 : remaining(deadline));
      const watch = this.#watch(session, deadline, signal);
      try {
        const settle = await work.run(transaction);
        this.#finish(session, transaction);
        return settle();
      } catch (error) {
        this.#finish(session, transaction);
        if (signal?.aborted) throw storageUnavailable(signal.reason);
        const pause = this.#pauseBefore(error, attempt, transaction, work.keyed, deadline);
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      } finally {
        watch.stop();
      }
    }
  }

  async #acquire(deadline: number): Promise<DatabaseSession> {
    try {
      return await this.#pool.acquire(Math.min(deadline, performance.now() + this.#deadlineMs));
    } catch (error) {
      throw storageUnavailable(error);
    }
  }

  /** The pause before the next attempt, in milliseconds. @throws what the caller gets when there is none. */
  #pauseBefore(error: unknown, attempt: number, transaction: Transaction, keyed: boolean, deadline: number): number {
    if (error instanceof CrmError && !(error instanceof ConcurrentChangeError)) throw error;
    const meaning = meaningOf(error);
    if (meaning === 'fault') throw error;
    const isLate = performance.now() >= deadline;
    if (meaning === 'reconnect' && transaction.committing && (!keyed || isLate)) {
      this.#counters.unknownOutcomes += 1;
      throw unconfirmedWrite(error, keyed);
    }
    if (isLate || meaning === 'unavailable' || (meaning === 'repeat' && attempt >= MAX_ATTEMPTS))
      throw storageUnavailable(error);
    if (meaning === 'reconnect') {
      this.#counters.reconnected += 1;
      return RECONNECT_PAUSE_MS;
    }
    this.#counters.repeated += 1;
    return FIRST_PAUSE_MS * 2 ** attempt * Math.random();
  }

  /** Ends the session's transaction if one is open, and gives the session back, without making anybody wait. */
  #finish(session: DatabaseSession, transaction: Transaction): void {
    this.#counters.transactions += 1;
    this.#counters.roundTrips += transaction.roundTrips;
    if (!transaction.open) this.#pool.release(session);
    else {
      transaction.end().then(
        () => this.#pool.release(session),
        () => this.#pool.release(session, true),
      );
    }
  }

  /** Ends what takes too long: a server that does not answer, or a COMMIT that waits for a standby. */
  #watch(session: DatabaseSession, deadline: number, signal: AbortSignal | undefined): { stop(): void } {
    const cancel = () => this.#pool.cancel(session);
    signal?.addEventListener('abort', cancel);
    const timer = Number.isFinite(deadline)
      ? setTimeout(() => this.#pool.destroy(session), remaining(deadline) + GRACE_MS)
      : undefined;
    return {
      stop() {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
      },
    };
  }
}

interface Work<T> {
  readonly kind: TransactionKind;
  readonly scope: Scope;
  /** Whether the work can be repeated although it may have been committed already. */
  readonly keyed: boolean;
  /** Runs the work. Returns a function that returns its result or throws the error that was its result. */
  readonly run: (transaction: Transaction) => Promise<() => T>;
}

async function readSteps<T>(transaction: Transaction, steps: () => Steps<T>): Promise<() => T> {
  transaction.begin();
  const value = await transaction.drive(steps());
  return () => value;
}

async function runJob<T>(transaction: Transaction, job: Job<T>): Promise<() => T> {
  transaction.begin();
  if (job.rollBackAndRead !== undefined) transaction.add('SAVEPOINT unit');
  try {
    let value = await transaction.drive(job.steps());
    const reading = job.rollBackAndRead?.(value);
    if (reading !== undefined) {
      transaction.add('ROLLBACK TO SAVEPOINT unit');
      value = await transaction.drive(reading);
      return () => value;
    }
    await transaction.commit();
    return () => value;
  } catch (error) {
    const isOutcome = error instanceof CrmError && !(error instanceof ConcurrentChangeError);
    const steps = isOutcome ? job.onError?.(error) : undefined;
    if (steps === undefined) throw error;
    transaction.begin();
    await transaction.drive(steps);
    await transaction.commit();
    return () => {
      throw error;
    };
  }
}

function remaining(deadline: number): number {
  return Math.max(1, deadline - performance.now());
}
