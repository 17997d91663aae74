/**
 * The SQLite driver: one writer with group commit, one read-only reader, cached statements. The only file of the store
 * that imports better-sqlite3.
 */
import Database from 'better-sqlite3';
import { CrmError } from '../../contract/errors.js';
import { type Driver, type Job, storageUnavailable } from '../engine/driver.js';
import type { Step, Steps } from '../engine/step.js';
import { FTS5_SEARCH } from './fts5-search.js';

/** The driver, which reads at once, and what migrations and inspections need besides: the raw connection. */
export interface SqliteDriver extends Driver {
  read<T>(steps: () => Steps<T>): T;
  /** Runs a script of several statements on the writer, outside the queue; for migrations. */
  script(sql: string): void;
  /** Runs steps on the writer, outside the queue and without a transaction of their own; for migrations. */
  direct<T>(steps: Steps<T>): T;
  /** Every statement prepared so far; a test checks the query plan of each. */
  statements(): readonly string[];
}

interface Waiting {
  readonly job: Job<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** The outcome of one job of a group. */
interface Attempt {
  /** Settles the caller's promise. */
  readonly settle: () => void;
  /** Whether something may have been written. */
  readonly written: boolean;
}

/** The most jobs of one group: keeps a commit under about 10 ms, so that no caller waits for a long group. */
const MAX_GROUP = 128;
/** Older SQLite versions can corrupt a database when the WAL is reset (fixed in 3.51.3). */
const OLDEST_SAFE = [3, 51, 3];

/**
 * Opens a database file, and creates it when it is missing. With `readOnly` the file must exist, and SQLite writes
 * nothing through any of the connections.
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
  readonly dialect = { orderedJoin: 'CROSS JOIN' };
  readonly search = FTS5_SEARCH;
  readonly #path: string;
  readonly #writer: Connection;
  #reader: Connection | undefined;
  #queue: Waiting[] = [];
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(path: string, writer: Database.Database) {
    this.#path = path;
    this.#writer = new Connection(writer);
  }

  read<T>(steps: () => Steps<T>): T {
    this.#reader ??= new Connection(connect(this.#path, { readonly: true }));
    return this.#reader.snapshot(steps());
  }

  write<T>(job: Job<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ job: job as Job<unknown>, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  script(sql: string): void {
    this.#writer.script(sql);
  }

  direct<T>(steps: Steps<T>): T {
    return this.#writer.drive(steps);
  }

  statements(): readonly string[] {
    return [...this.#writer.prepared, ...(this.#reader?.prepared ?? [])];
  }

  async close(): Promise<void> {
    if (this.#queue.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#reader?.close();
    this.#writer.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush(this.#queue.splice(0, MAX_GROUP));
      if (this.#queue.length > 0) this.#schedule();
      else for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  /** Runs a group in one transaction, each job in a savepoint of its own, and settles all of them after COMMIT. */
  #flush(group: readonly Waiting[]): void {
    const attempts: Attempt[] = [];
    try {
      this.#writer.exec('BEGIN IMMEDIATE');
      for (const waiting of group) attempts.push(this.#attempt(waiting));
      this.#writer.exec(attempts.some(({ written }) => written) ? 'COMMIT' : 'ROLLBACK');
    } catch (cause) {
      this.#writer.abandon();
      const error = storageUnavailable(cause);
      for (const waiting of group) waiting.reject(error);
      return;
    }
    for (const { settle } of attempts) settle();
  }

  #attempt({ job, resolve, reject }: Waiting): Attempt {
    let written = true;
    try {
      const value = this.#writer.savepoint(job.steps(), (result) => {
        const reading = job.rollBackAndRead?.(result);
        written = reading === undefined;
        return reading;
      });
      return { settle: () => resolve(value), written };
    } catch (error) {
      if (!this.#writer.inTransaction) throw error;
      const steps = error instanceof CrmError ? job.onError?.(error) : undefined;
      if (steps !== undefined) this.#writer.savepoint(steps);
      return { settle: () => reject(error), written: true };
    }
  }
}

class Connection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(database: Database.Database) {
    this.#database = database;
  }

  get prepared(): readonly string[] {
    return [...this.#statements.keys()];
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  exec(sql: string): void {
    this.#prepared(sql).run();
  }

  script(sql: string): void {
    this.#database.exec(sql);
  }

  snapshot<T>(steps: Steps<T>): T {
    this.exec('BEGIN');
    try {
      return this.drive(steps);
    } finally {
      this.exec('COMMIT');
    }
  }

  savepoint<T>(steps: Steps<T>, rollBackAndRead?: Job<T>['rollBackAndRead']): T {
    this.exec('SAVEPOINT unit');
    try {
      let value = this.drive(steps);
      const reading = rollBackAndRead?.(value);
      if (reading !== undefined) {
        this.exec('ROLLBACK TO unit');
        value = this.drive(reading);
        this.exec('ROLLBACK TO unit');
      }
      this.exec('RELEASE unit');
      return value;
    } catch (error) {
      if (this.inTransaction) {
        this.exec('ROLLBACK TO unit');
        this.exec('RELEASE unit');
      }
      throw error;
    }
  }

  drive<T>(steps: Steps<T>): T {
    let turn = steps.next();
    while (!turn.done) turn = steps.next(this.#execute(turn.value));
    return turn.value;
  }

  abandon(): void {
    if (this.inTransaction) this.exec('ROLLBACK');
  }

  close(): void {
    this.#database.close();
  }

  #execute(step: Step): unknown {
    const statement = this.#prepared(step.sql);
    if (step.mode === 'one') return statement.get(step.args);
    if (step.mode === 'all') return statement.all(step.args);
    return statement.run(step.args).changes;
  }

  #prepared(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function connect(path: string, options: { readonly: boolean }): Database.Database {
  const database = new Database(path, { ...options, timeout: 5000 });
  database.pragma('cache_size = -32000');
  database.pragma('trusted_schema = OFF');
  return database;
}

function requireSafeVersion(database: Database.Database): void {
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  const parts = version.split('.').map(Number);
  const difference = OLDEST_SAFE.map((minimum, index) => (parts[index] ?? 0) - minimum).find((delta) => delta !== 0);
  if ((difference ?? 0) < 0)
    throw new Error(`SQLite ${version} is too old: ${OLDEST_SAFE.join('.')} or newer is needed`);
}
