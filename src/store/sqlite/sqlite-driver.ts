/**
 * The SQLite driver: one writer with group commit, one read-only reader, cached statements.
 */
import { performance } from 'node:perf_hooks';
import type Database from 'better-sqlite3';
import { CrmError } from '../../contract/errors.js';
import { type BackendMeasures, SizeCounter } from '../../contract/measures.js';
import { databaseFileGone, type FilesInPlace, IN_MEMORY, rememberFiles } from '../../database-file/file-identity.js';
import { isLocked, lockDelay, type QueuedChange, rejectOverdue } from '../../database-file/lock-wait.js';
import { createWalTruncation, type WalTruncation } from '../../database-file/wal-truncation.js';
import { type Driver, type Job, storageUnavailable } from '../engine/driver.js';
import type { Steps } from '../engine/step.js';
import { FTS5_SEARCH } from './fts5-search.js';
import { connect, requireSafeVersion, SqliteConnection } from './sqlite-connection.js';
import { SQLITE_DIALECT } from './sqlite-dialect.js';
import {
  createWalCheckpoints,
  DEFAULT_LOGGED_PAGES,
  MOST_LOGGED_PAGES,
  type WalCheckpoints,
} from './wal-checkpoints.js';

/** The driver, which reads at once, and what migrations and inspections need besides: the raw connection. */
export interface SqliteDriver extends Driver {
  read<T>(steps: () => Steps<T>): T;
  /** Runs a script of several statements on the writer, outside the queue; for migrations. */
  script(sql: string): void;
  /** For a process that writes many rows: takes more memory, and moves the log into the database less often. */
  prepareForManyRows(): void;
  /** Runs steps on the writer, outside the queue and without a transaction of their own; for migrations. */
  direct<T>(steps: Steps<T>): T;
  /** Copies the database that is open to another file, also when no path leads to it any more. */
  copyTo(path: string): Promise<void>;
  /**
   * Copies one state of the database to another file while other processes write. `onPages` is told how many pages of how
   * many are copied. For a driver that does nothing else meanwhile.
   */
  copySnapshotTo(path: string, onPages: (copied: number, of: number) => void): Promise<void>;
  /** Every statement prepared so far; a test checks the query plan of each. */
  statements(): readonly string[];
}

interface Waiting extends QueuedChange {
  readonly job: Job<unknown>;
  readonly resolve: (value: unknown) => void;
}

/** The outcome of one job of a group. */
interface Attempt {
  /** Settles the caller's promise. */
  readonly settle: () => void;
  /** Whether something may have been written. */
  readonly written: boolean;
  /** Whether personal data was erased. */
  readonly erased: boolean;
}

/**
 * After a job failed, so many groups run with a savepoint for each job. Without, a failure rolls back its whole group,
 * which then runs again: cheap while failures are rare. What savepoints cost is in ADR 150.
 */
const GROUPS_APART = 16;
/** The most jobs of one group: keeps a commit under about 10 ms, so that no caller waits for a long group. */
const MAX_GROUP = 128;

/**
 * Opens a database file, and creates it when it is missing; `:memory:` for a database without a file. With `readOnly`
 * the file must exist, and SQLite writes nothing through any of the connections.
 * @throws Error when the SQLite library is too old or the file cannot be opened.
 */
export function openSqlite(path: string, readOnly = false): SqliteDriver {
  const writer = connect(path, { readonly: readOnly });
  if (readOnly) {
    writer.pragma('query_only = ON');
    requireSafeVersion(writer);
    return new SingleWriterDriver(path, writer);
  }
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  writer.pragma('secure_delete = ON');
  writer.pragma('temp_store = MEMORY'); // savepoint journals would else go to a file, with four writes a page
  requireSafeVersion(writer);
  return new SingleWriterDriver(path, writer);
}

class SingleWriterDriver implements SqliteDriver {
  readonly dialect = SQLITE_DIALECT;
  readonly search = FTS5_SEARCH;
  readonly #path: string;
  readonly #writer: SqliteConnection;
  readonly #truncation: WalTruncation;
  /** Undefined where SQLite itself moves the log into the database. */
  #checkpoints: WalCheckpoints | undefined;
  #writesManyRows = false;
  #reader: SqliteConnection | undefined;
  #filesInPlace: FilesInPlace | undefined;
  #outage: CrmError | undefined;
  #queue: Waiting[] = [];
  readonly #groups = new SizeCounter();
  #scheduled = false;
  /** How many of the next groups run with savepoints. */
  #groupsApart = 0;
  /** How often in a row another process was found to hold the lock. */
  #failedAttempts = 0;
  #idle: (() => void)[] = [];

  constructor(path: string, writer: Database.Database) {
    this.#path = path;
    this.#writer = new SqliteConnection(writer);
    this.#truncation = createWalTruncation(() => this.#writer.truncateWal());
  }

  read<T>(steps: () => Steps<T>): T {
    return this.#inSnapshot((reader) => reader.drive(steps()));
  }

  /**
   * Changes of the connection that asks do not count, so that a database in memory has no version. The snapshot that it
   * is read in stays open for the next read, which is mostly that of the same call: to begin and end one takes longer
   * than a read. It ends before the event loop goes on, so that it is older than no bytes that a client sends later.
   */
  version(): number | undefined {
    if (this.#path === IN_MEMORY) return undefined;
    this.#reader ??= this.#openReader();
    try {
      this.#beginSnapshot();
      return this.#reader.version();
    } catch (error) {
      throw isLocked(error) ? storageUnavailable(error) : error;
    } finally {
      process.nextTick(() => this.#endSnapshot());
    }
  }

  async inSnapshot<T>(work: (read: <R>(steps: () => Steps<R>) => Promise<R>) => Promise<T>): Promise<T> {
    const connection = this.#openReader();
    connection.exec('BEGIN');
    try {
      return await work(async (steps) => connection.drive(steps()));
    } finally {
      connection.exec('ROLLBACK');
      if (connection !== this.#writer) connection.close();
    }
  }

  write<T>(job: Job<T>): Promise<T> {
    if (this.#outage !== undefined) return Promise.reject(databaseFileGone());
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ job: job as Job<unknown>, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  lead(work: () => Promise<void>): Promise<void> {
    return work();
  }

  script(sql: string): void {
    this.#endSnapshot();
    this.#writer.script(sql);
  }

  prepareForManyRows(): void {
    this.#writesManyRows = true;
    this.#writer.prepareForManyRows();
  }

  direct<T>(steps: Steps<T>): T {
    this.#endSnapshot();
    return this.#writer.drive(steps);
  }

  copyTo(path: string): Promise<void> {
    return this.#writer.copyTo(path);
  }

  copySnapshotTo(path: string, onPages: (copied: number, of: number) => void): Promise<void> {
    return this.#writer.copySnapshotTo(path, onPages);
  }

  statements(): readonly string[] {
    return [...this.#writer.prepared, ...(this.#reader?.prepared ?? [])];
  }

  measures(): BackendMeasures {
    return { writeQueue: { waiting: this.#queue.length, groups: this.#groups.read() } };
  }

  outage(): CrmError | undefined {
    this.#filesInPlace ??= this.#startWatching();
    this.#outage = this.#filesInPlace() ? undefined : databaseFileGone();
    return this.#outage;
  }

  async close(): Promise<void> {
    if (this.#queue.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    const stopped = this.#checkpoints?.stop();
    if (stopped !== undefined) await stopped;
    this.#truncation.stop();
    this.#reader?.close();
    this.#writer.close();
  }

  /** Reads in the snapshot that is open, or in one of its own. */
  #inSnapshot<T>(read: (reader: SqliteConnection) => T): T {
    this.#reader ??= this.#openReader();
    const reader = this.#reader;
    try {
      if (reader === this.#writer) return reader.snapshot(read);
      this.#beginSnapshot();
      return read(reader);
    } catch (error) {
      throw isLocked(error) ? storageUnavailable(error) : error;
    } finally {
      this.#endSnapshot();
    }
  }

  #beginSnapshot(): void {
    if (this.#reader?.inTransaction === false) this.#reader.exec('BEGIN');
  }

  /** A snapshot that cannot be ended must not be read again: the next read opens another connection. */
  #endSnapshot(): void {
    if (this.#reader === this.#writer || this.#reader?.inTransaction !== true) return;
    try {
      this.#reader.exec('COMMIT');
    } catch {
      this.#reader.close();
      this.#reader = undefined;
    }
  }

  /**
   * From the first look at the files on the driver serves callers: nothing waits inside SQLite any more. A process that
   * was killed can have left erased data in the log.
   */
  #startWatching(): FilesInPlace {
    this.#reader ??= this.#openReader();
    for (const connection of [this.#reader, this.#writer]) connection.stopWaiting();
    if (this.#writer.canWrite) {
      this.#truncation.request();
      if (this.#path !== IN_MEMORY && !this.#writesManyRows) this.#checkpoints = this.#checkpointAside();
    }
    return rememberFiles(this.#path);
  }

  #checkpointAside(): WalCheckpoints {
    this.#writer.checkpointFrom(MOST_LOGGED_PAGES);
    return createWalCheckpoints(this.#path, () => this.#writer.checkpointFrom(DEFAULT_LOGGED_PAGES));
  }

  /** A database in memory has one connection: another would open another database. */
  #openReader(): SqliteConnection {
    return this.#path === IN_MEMORY ? this.#writer : new SqliteConnection(connect(this.#path, { readonly: true }));
  }

  #schedule(delay = 0): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const turn = () => {
      this.#scheduled = false;
      this.#takeTurn();
    };
    if (delay === 0) setImmediate(turn);
    else setTimeout(turn, delay);
  }

  #takeTurn(): void {
    if (this.#begin()) this.#flush(this.#queue.splice(0, MAX_GROUP));
    if (this.#queue.length > 0) this.#schedule(this.#failedAttempts === 0 ? 0 : lockDelay(this.#failedAttempts));
    else for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Begins a transaction, without waiting. Returns false when there is nothing to run in it now. */
  #begin(): boolean {
    this.#endSnapshot();
    try {
      this.#writer.begin();
      this.#failedAttempts = 0;
      return true;
    } catch (cause) {
      if (isLocked(cause)) {
        this.#failedAttempts += 1;
        rejectOverdue(this.#queue, performance.now(), () => storageUnavailable(cause));
      } else {
        for (const { reject } of this.#queue.splice(0)) reject(storageUnavailable(cause));
      }
      return false;
    }
  }

  /** Runs a group in the transaction, and settles all of its jobs after COMMIT. */
  #flush(group: readonly Waiting[]): void {
    const isApart = this.#groupsApart > 0 || group.some(({ job }) => job.rollBackAndRead !== undefined);
    if (this.#groupsApart > 0) this.#groupsApart -= 1;
    const attempts = isApart ? this.#attemptApart(group) : this.#attemptTogether(group);
    if (attempts === undefined) return;
    if (group.length > 0) this.#groups.add(group.length);
    try {
      this.#writer.exec(attempts.some(({ written }) => written) ? 'COMMIT' : 'ROLLBACK');
    } catch (cause) {
      this.#fail(group, cause);
      return;
    }
    if (attempts.some(({ erased }) => erased)) this.#truncation.request();
    this.#checkpoints?.note(group.length);
    for (const { settle } of attempts) settle();
  }

  /** Runs all jobs without savepoints. When one of them fails, nothing is kept, and the group runs again, apart. */
  #attemptTogether(group: readonly Waiting[]): readonly Attempt[] | undefined {
    try {
      return group.map(({ job, resolve }) => {
        const value = this.#writer.drive(job.steps());
        return { settle: () => resolve(value), written: true, erased: job.erases === true };
      });
    } catch {
      this.#writer.abandon();
      this.#groupsApart = GROUPS_APART;
      this.#queue.unshift(...group);
      return undefined;
    }
  }

  /** Runs each job in a savepoint of its own. Undefined when the database failed, of which all callers are told. */
  #attemptApart(group: readonly Waiting[]): readonly Attempt[] | undefined {
    try {
      return group.map((waiting) => this.#attempt(waiting));
    } catch (cause) {
      this.#fail(group, cause);
      return undefined;
    }
  }

  #fail(group: readonly Waiting[], cause: unknown): void {
    this.#writer.abandon();
    const error = storageUnavailable(cause);
    for (const { reject } of group) reject(error);
  }

  #attempt({ job, resolve, reject }: Waiting): Attempt {
    let written = true;
    try {
      const value = this.#writer.savepoint(job.steps(), (result) => {
        const reading = job.rollBackAndRead?.(result);
        written = reading === undefined;
        return reading;
      });
      return { settle: () => resolve(value), written, erased: written && job.erases === true };
    } catch (error) {
      if (!this.#writer.inTransaction) throw error;
      const steps = error instanceof CrmError ? job.onError?.(error) : undefined;
      if (steps !== undefined) this.#writer.savepoint(steps);
      return { settle: () => reject(error), written: true, erased: false };
    }
  }
}
