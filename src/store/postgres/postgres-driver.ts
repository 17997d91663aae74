/**
 * The PostgreSQL driver: pooled sessions, one transaction for each job, and jobs that run again when others got in the
 * way. With transaction.ts and batch.ts the only code that talks to the server while calls are served.
 */
import { CrmError } from '../../contract/errors.js';
import type { Dialect } from '../engine/dialect.js';
import {
  ConcurrentChangeError,
  type Driver,
  type Job,
  type LedWork,
  type Scope,
  type SnapshotRead,
  storageUnavailable,
  unconfirmedWrite,
} from '../engine/driver.js';
import type { SearchIndex } from '../engine/search-index.js';
import { one, type Steps } from '../engine/step.js';
import type { DatabaseSession } from './batch.js';
import { type ConnectionPool, createConnectionPool } from './connection-pool.js';
import type { PostgresAddress } from './connection-url.js';
import { type ErrorMeaning, meaningOf } from './database-error.js';
import { createErasureVacuum, type ErasureVacuum } from './erasure-vacuum.js';
import { POSTGRES_JOURNAL } from './postgres-journal.js';
import { DISTRIBUTED_MONTHS, POSTGRES_MONTHS } from './postgres-months.js';
import { POSTGRES_CATALOGUE } from './postgres-tables.js';
import { notServing, PROBE, PROBE_MS, unreachable } from './probe-result.js';
import type { SchemaClient } from './schema-client.js';
import { Transaction, type TransactionKind, type TransactionMode } from './transaction.js';

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
  /** Runs work on one session, outside of jobs: for migrations and checks. @throws what the connection throws. */
  withSession<T>(work: (client: SchemaClient) => Promise<T>): Promise<T>;
  /** From here on, as Citus needs it where it distributes the tables; see citus.ts. `search` replaces the index. */
  distribute(search: SearchIndex): void;
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
  /** Refuse every write. The address should be for reading, too; see `readOnlyAddress`. */
  readonly readOnly?: boolean;
  /** Refuse work about an org that is not at home in this database; see org-home.ts. */
  readonly fenced?: boolean;
  /** Called when VACUUM failed after personal data was erased. */
  readonly onBackgroundError?: (error: unknown) => void;
}

const DEADLINE_MS = 30_000;
/** How often a job is run again that others got in the way of, and one without a deadline that lost its server. */
const MAX_REPEATS = 3;
const FIRST_PAUSE_MS = 2;
const RECONNECT_PAUSE_MS = 50;
const OPENING_MS = 5000;
/** The keys of the advisory locks of `lead`: `g3nl` and `g3nd` in ASCII. */
const LEADER_LOCKS: Readonly<Record<LedWork, number>> = { housekeeping: 0x67336e6c, demo: 0x67336e64 };
/** The server's own limits end a statement at the deadline; only when they do not, the connection is closed. */
const GRACE_MS = 500;
/** How long the server may take to roll back before the connection is closed. */
const END_MS = 2000;

/** Opens no connection yet. */
export function createPostgresDriver(options: PostgresDriverOptions): PostgresDriver {
  return new PooledDriver(options);
}

class PooledDriver implements PostgresDriver {
  dialect: Dialect = {
    orderedJoin: 'JOIN',
    seesAllOrgs: false,
    hasManyWriters: true,
    journal: POSTGRES_JOURNAL,
    months: POSTGRES_MONTHS,
    catalogue: POSTGRES_CATALOGUE,
  };
  search: SearchIndex;
  readonly #pool: ConnectionPool;
  readonly #poolSize: number;
  readonly #deadlineMs: number;
  readonly #counters = { transactions: 0, roundTrips: 0, repeated: 0, reconnected: 0, unknownOutcomes: 0 };
  readonly #readOnly: boolean;
  #mode: TransactionMode;
  readonly #vacuum: ErasureVacuum;
  readonly #running = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(options: PostgresDriverOptions) {
    const { address, search, applicationName, deadlineMs = DEADLINE_MS, readOnly = false } = options;
    this.search = search;
    this.#pool = createConnectionPool(address, applicationName);
    this.#poolSize = address.poolSize;
    this.#deadlineMs = deadlineMs;
    this.#readOnly = readOnly;
    this.#mode = { fenced: options.fenced ?? false };
    this.#vacuum = createErasureVacuum(this.#pool, options.onBackgroundError ?? (() => {}));
  }

  read<T>(steps: () => Steps<T>, scope: Scope = {}): Promise<T> {
    return this.#run({ kind: 'read', scope, keyed: true, run: (transaction) => readSteps(transaction, steps) });
  }

  write<T>(job: Job<T>): Promise<T> {
    if (this.#readOnly) return Promise.reject(storageUnavailable(new Error('the database is open for reading only')));
    const { keyed = false, erases = false } = job;
    const written = this.#run({ kind: 'write', scope: job, keyed, run: (transaction) => runJob(transaction, job) });
    if (erases) written.then(this.#vacuum.request, () => {});
    return written;
  }

  outage(): undefined {
    return undefined;
  }

  async probe(): Promise<void> {
    const found = await this.read(() => one<{ standby: number }>(PROBE), { deadlineMs: PROBE_MS }).catch((error) => {
      throw unreachable(error);
    });
    if (found?.standby === 1 && !this.#readOnly) throw notServing('the database is a standby, which takes no changes');
  }

  async lead(work: () => Promise<void>, which: LedWork = 'housekeeping'): Promise<void> {
    await this.withSession(async (client) => {
      await client.query('BEGIN');
      try {
        await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
        const { rows } = await client.query('SELECT pg_try_advisory_xact_lock($1) AS leads', [LEADER_LOCKS[which]]);
        if (rows[0]?.leads === true) await work();
      } finally {
        await client.query('ROLLBACK');
      }
    }, this.#deadlineMs);
  }

  async withSession<T>(work: (client: SchemaClient) => Promise<T>, waitMs = OPENING_MS): Promise<T> {
    const session = await this.#pool.acquire(performance.now() + waitMs);
    try {
      const result = await work(session.client);
      this.#pool.release(session);
      return result;
    } catch (error) {
      this.#pool.close(session);
      throw error;
    }
  }

  async inSnapshot<T>(work: (read: SnapshotRead) => Promise<T>): Promise<T> {
    const session = await this.#pool.acquire(performance.now() + OPENING_MS);
    const transaction = new Transaction(session, 'read', {}, 0, this.#mode);
    try {
      transaction.begin();
      const result = await work((steps) => transaction.drive(steps()));
      this.#finish(session, transaction, undefined);
      return result;
    } catch (error) {
      this.#pool.close(session);
      throw error;
    }
  }

  distribute(search: SearchIndex): void {
    this.search = search;
    this.dialect = { ...this.dialect, months: DISTRIBUTED_MONTHS };
    this.#mode = { ...this.#mode, isDistributed: true };
  }

  counters(): DriverCounters {
    return { ...this.#counters };
  }

  connections() {
    return this.#pool.counts();
  }

  measures() {
    const { open, idle, waiting } = this.#pool.counts();
    const { transactions, repeated, reconnected, unknownOutcomes } = this.#counters;
    const connections = { inUse: open - idle, idle, waiting, most: this.#poolSize };
    return { databases: [{ database: 'main', connections, transactions, repeated, reconnected, unknownOutcomes }] };
  }

  /** Waits for work that was given earlier. */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled([...this.#running, this.#vacuum.stop()]).then(() => this.#pool.end());
    return this.#closed;
  }

  #run<T>(work: Work<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(storageUnavailable(new Error('the database was closed')));
    const running = this.#attempt(work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  async #attempt<T>(work: Work<T>): Promise<T> {
    const { signal, isLong = false, deadlineMs = this.#deadlineMs } = work.scope;
    const deadline = isLong ? Number.POSITIVE_INFINITY : performance.now() + deadlineMs;
    const past: Past = { repeated: 0, reconnected: 0, isUnsettled: false };
    for (;;) {
      const session = await this.#acquire(deadline, work, past);
      const limitMs = isLong ? 0 : remaining(deadline);
      const transaction = new Transaction(session, work.kind, work.scope, limitMs, this.#mode);
      const watch = this.#watch(session, deadline, signal);
      const ended = await work.run(transaction).then(
        (settle) => ({ settle }),
        (error: unknown) => ({ error }),
      );
      const isCancelled = watch.stop();
      const meaning = 'error' in ended ? meaningOf(ended.error) : undefined;
      this.#finish(session, transaction, isCancelled ? 'stale' : meaning);
      if ('settle' in ended) return ended.settle();
      if (signal?.aborted) throw storageUnavailable(signal.reason);
      const pause = this.#pauseAfter(ended.error, { work, deadline, past, isCommitting: transaction.committing });
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #acquire(deadline: number, { scope: { signal }, keyed }: Work<unknown>, past: Past): Promise<DatabaseSession> {
    let session: DatabaseSession;
    try {
      signal?.throwIfAborted();
      session = await this.#pool.acquire(Math.min(deadline, performance.now() + this.#deadlineMs));
    } catch (error) {
      throw this.#failure(error, keyed, past.isUnsettled);
    }
    if (!signal?.aborted) return session;
    this.#pool.release(session);
    throw storageUnavailable(signal.reason);
  }

  /** The pause before the next attempt, in milliseconds. @throws what the caller gets when there is none. */
  #pauseAfter(error: unknown, { work, deadline, past, isCommitting }: Failed): number {
    const meaning = meaningOf(error);
    if (meaning === 'fault' || (meaning === 'read-only' && work.kind === 'read')) throw error;
    past.isUnsettled ||= meaning === 'unreplicated' || (meaning === 'reconnect' && isCommitting);
    const isOver = performance.now() >= deadline || (past.isUnsettled && !work.keyed);
    if (isOver || meaning === 'unreplicated' || meaning === 'unavailable')
      throw this.#failure(error, work.keyed, past.isUnsettled);
    const isRepeated = meaning === 'repeat' || meaning === 'stale';
    const isLimited = isRepeated || !Number.isFinite(deadline);
    const counter = isRepeated ? 'repeated' : 'reconnected';
    if (isLimited && past[counter] >= MAX_REPEATS) throw this.#failure(error, work.keyed, past.isUnsettled);
    past[counter] += 1;
    this.#counters[counter] += 1;
    return isRepeated ? FIRST_PAUSE_MS * 2 ** past.repeated * Math.random() : RECONNECT_PAUSE_MS;
  }

  #failure(cause: unknown, keyed: boolean, isUnsettled: boolean): CrmError {
    if (!isUnsettled) return storageUnavailable(cause);
    this.#counters.unknownOutcomes += 1;
    return unconfirmedWrite(cause, keyed);
  }

  /** Ends the session's transaction if one is open, and gives the session back, without making anybody wait. */
  #finish(session: DatabaseSession, transaction: Transaction, meaning: ErrorMeaning | undefined): void {
    this.#counters.transactions += 1;
    this.#counters.roundTrips += transaction.roundTrips;
    if (meaning === 'reconnect' || meaning === 'read-only') this.#pool.abandon(session, meaning === 'read-only');
    else if (meaning === 'stale') this.#pool.close(session);
    else if (!transaction.open) this.#pool.release(session);
    else {
      const timer = setTimeout(() => this.#pool.destroy(session), END_MS);
      transaction
        .end()
        .then(
          () => this.#pool.release(session),
          () => this.#pool.close(session),
        )
        .finally(() => clearTimeout(timer));
    }
  }

  /**
   * Ends what takes too long: a server that does not answer, or a COMMIT that waits for a standby. `stop` returns
   * whether the session was cancelled, and may be again when the request arrives late: nobody else may use it.
   */
  #watch(session: DatabaseSession, deadline: number, signal: AbortSignal | undefined): { stop(): boolean } {
    let isCancelled = false;
    const cancel = () => {
      isCancelled = true;
      this.#pool.cancel(session);
    };
    signal?.addEventListener('abort', cancel);
    const timer = Number.isFinite(deadline)
      ? setTimeout(() => this.#pool.destroy(session), remaining(deadline) + GRACE_MS)
      : undefined;
    return {
      stop() {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
        return isCancelled;
      },
    };
  }
}

/** What happened to work before. */
interface Past {
  repeated: number;
  reconnected: number;
  /** Whether an earlier attempt may have been committed: then no later one proves that nothing was written. */
  isUnsettled: boolean;
}

interface Failed {
  readonly work: Work<unknown>;
  readonly deadline: number;
  readonly past: Past;
  /** Whether a COMMIT was sent and not answered. */
  readonly isCommitting: boolean;
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
  const value = await transaction.read(steps);
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
