/**
 * SQLite: one writer with group commit, one read-only reader, cached statements. The only file that knows
 * better-sqlite3. Not: SQL, rules.
 */
import Database from 'better-sqlite3';
import { CrmError } from '../../contract/errors.js';
import type { Step, Steps } from '../engine/step.js';

/** Work for the writer. `steps` may run once only. */
export interface Job<T> {
  readonly steps: () => Steps<T>;
  /** After `steps` was undone because of this refusal: what is to be kept in its place. */
  readonly refused?: (refusal: CrmError) => Steps<void> | undefined;
  /**
   * After `steps` went well: what answers in its place once it is undone, a look at what was there before. Whatever it
   * writes is undone too. Undefined keeps what was done.
   */
  readonly undone?: (value: T) => Steps<T> | undefined;
}

export interface Driver {
  /** Runs on the read-only connection, in one snapshot. */
  read<T>(steps: Steps<T>): T;
  /** Answers only after the COMMIT that carries it. @throws what `steps` threw, or 503 `crm.storage_unavailable`. */
  write<T>(job: Job<T>): Promise<T>;
  /** Runs a script of several statements on the writer, outside the queue; for migrations. */
  script(sql: string): void;
  /** Runs steps on the writer, outside the queue and any transaction of its own; for migrations. */
  direct<T>(steps: Steps<T>): T;
  /** Every statement prepared so far; a test asks the planner about each. */
  statements(): readonly string[];
  close(): Promise<void>;
}

interface Waiting {
  readonly job: Job<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** What came of one who waited. */
interface Attempt {
  readonly answer: () => void;
  /** Whether something may have been written. */
  readonly kept: boolean;
}

/** Longest group: keeps one commit under about 10 ms, so that nobody waits for a crowd. */
const MAX_GROUP = 128;
/** The WAL-reset bug can corrupt files written by older libraries (fixed in 3.51.3). */
const OLDEST_SAFE = [3, 51, 3];

/**
 * Opens (creates) a database file; with `readOnly`, one that is there, on connections through which SQLite writes
 * nothing.
 * @throws Error when the SQLite library is too old or the file cannot be opened.
 */
export function openSqlite(path: string, readOnly = false): Driver {
  const writer = connect(path, { readonly: readOnly });
  if (readOnly) {
    writer.pragma('query_only = ON');
    requireSafeVersion(writer);
    return new SqliteDriver(path, writer);
  }
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  writer.pragma('secure_delete = ON');
  writer.pragma('temp_store = MEMORY'); // what savepoints keep to undo would go to a file, four writes a page
  requireSafeVersion(writer);
  return new SqliteDriver(path, writer);
}

class SqliteDriver implements Driver {
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

  read<T>(steps: Steps<T>): T {
    this.#reader ??= new Connection(connect(this.#path, { readonly: true }));
    return this.#reader.snapshot(steps);
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

  /** One transaction for everyone who waits; each in a savepoint of its own; answers after COMMIT. */
  #flush(group: readonly Waiting[]): void {
    const attempts: Attempt[] = [];
    try {
      this.#writer.exec('BEGIN IMMEDIATE');
      for (const waiting of group) attempts.push(this.#attempt(waiting));
      this.#writer.exec(attempts.some(({ kept }) => kept) ? 'COMMIT' : 'ROLLBACK');
    } catch (cause) {
      this.#writer.abandon();
      const error = storageUnavailable(cause);
      for (const waiting of group) waiting.reject(error);
      return;
    }
    for (const { answer } of attempts) answer();
  }

  #attempt({ job, resolve, reject }: Waiting): Attempt {
    let kept = true;
    try {
      const value = this.#writer.savepoint(job.steps(), (done) => {
        const instead = job.undone?.(done);
        kept = instead === undefined;
        return instead;
      });
      return { answer: () => resolve(value), kept };
    } catch (error) {
      if (!this.#writer.inTransaction) throw error;
      const aftermath = error instanceof CrmError ? job.refused?.(error) : undefined;
      if (aftermath !== undefined) this.#writer.savepoint(aftermath);
      return { answer: () => reject(error), kept: true };
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

  savepoint<T>(steps: Steps<T>, undone?: Job<T>['undone']): T {
    this.exec('SAVEPOINT unit');
    try {
      let value = this.drive(steps);
      const instead = undone?.(value);
      if (instead !== undefined) {
        this.exec('ROLLBACK TO unit');
        value = this.drive(instead);
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

function storageUnavailable(cause: unknown): CrmError {
  const error = new CrmError({
    code: 'crm.storage_unavailable',
    tag: 'internal-error',
    status: 503,
    message: 'The database did not take the change; nothing was written.',
    retryable: true,
    nextSteps: ['Wait a moment and repeat the call with the same idempotency_key.'],
  });
  error.cause = cause;
  return error;
}
