/** A connection of SQLite: runs steps with cached statements, and copies the database. */
import Database from 'better-sqlite3';
import { OPENING_WAIT_MS } from '../../database-file/lock-wait.js';
import { ConcurrentChangeError, type Job } from '../engine/driver.js';
import { isTogether, type Scalar, type Step, type Steps, type Together, type Yielded } from '../engine/step.js';

/** Pages of 4 KiB that a copy moves before it reports. */
const PAGES_AT_ONCE = 2048;
/** Older SQLite versions can corrupt a database when the WAL is reset (fixed in 3.51.3). */
const OLDEST_SAFE = [3, 51, 3];

/** One connection, whose statements are prepared once. */
export class SqliteConnection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  readonly #queries = new Map<string, Query>();
  #version: Database.Statement | undefined;
  #waits = true;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  get prepared(): readonly string[] {
    return [...this.#statements.keys(), ...this.#queries.keys()];
  }

  get canWrite(): boolean {
    return !this.#database.readonly;
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** A number that changes with every commit of another connection. */
  version(): number {
    this.#version ??= this.#database.prepare('PRAGMA data_version').pluck();
    return this.#version.get() as number;
  }

  exec(sql: string): void {
    this.#prepared(sql).run();
  }

  script(sql: string): void {
    this.#database.exec(sql);
  }

  /** Begins a transaction that may write. @throws at once when another process holds the lock. */
  begin(): void {
    this.stopWaiting();
    this.exec('BEGIN IMMEDIATE');
  }

  /**
   * For a process that writes many rows: a larger cache, and fewer checkpoints, since most commits write pages of
   * indexes again. The log grows to 40 MB instead of 4.
   */
  prepareForManyRows(): void {
    this.#database.pragma('cache_size = -128000');
    this.checkpointFrom(10_000);
  }

  /** With so many pages in the log, a COMMIT moves them into the database. */
  checkpointFrom(pages: number): void {
    this.#database.pragma(`wal_autocheckpoint = ${pages}`);
  }

  /** Moves the write-ahead log into the database and empties it. Returns false when another process prevents that. */
  truncateWal(): boolean {
    this.stopWaiting();
    try {
      const [result] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
      return result?.busy === 0;
    } catch {
      return false;
    }
  }

  async copyTo(path: string): Promise<void> {
    await this.#database.backup(path);
  }

  /** In a transaction, because SQLite would begin the copy again after every change of another process. */
  async copySnapshotTo(path: string, onPages: (copied: number, of: number) => void): Promise<void> {
    this.exec('BEGIN');
    try {
      this.#prepared('SELECT COUNT(*) FROM sqlite_schema').get(); // the transaction takes its snapshot now
      await this.#database.backup(path, {
        progress: ({ totalPages, remainingPages }) => {
          onPages(totalPages - remainingPages, totalPages);
          return PAGES_AT_ONCE;
        },
      });
    } finally {
      this.exec('COMMIT');
    }
  }

  snapshot<T>(read: (connection: this) => T): T {
    if (this.inTransaction) return read(this); // in memory, during a migration
    this.exec('BEGIN');
    try {
      return read(this);
    } finally {
      if (this.inTransaction) this.exec('COMMIT');
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
    while (!turn.done) {
      turn = isTogether(turn.value) ? this.#resume(steps, turn.value) : steps.next(this.#answer(turn.value));
    }
    return turn.value;
  }

  /** Runs independent steps one after the other: there is no round trip to save. */
  #resume<T>(steps: Steps<T>, { parts }: Together): IteratorResult<Yielded, T> {
    let results: readonly unknown[];
    try {
      results = parts.map((part) => this.drive(part));
    } catch (error) {
      return steps.throw(error);
    }
    return steps.next(results);
  }

  abandon(): void {
    if (this.inTransaction) this.exec('ROLLBACK');
  }

  close(): void {
    this.#database.close();
  }

  /** Lets SQLite wait for no lock any more: see lock-wait.ts. */
  stopWaiting(): void {
    if (!this.#waits) return;
    this.#database.pragma('busy_timeout = 0');
    this.#waits = false;
  }

  #answer(yielded: Step | readonly Step[]): unknown {
    return 'mode' in yielded ? this.#execute(yielded) : yielded.map((step) => this.#execute(step));
  }

  /** Locks need no statement: a transaction that may write has locked the whole database, which holds all orgs. */
  #execute({ sql, args, mode, expected }: Step): unknown {
    if (mode === 'lock' || mode === 'lock-key' || mode === 'enter-org') return undefined;
    if (mode === 'one') return this.#query(sql).get(args);
    if (mode === 'all') return this.#query(sql).all(args);
    const statement = this.#prepared(sql);
    const { changes } = statement.run(args);
    if (expected !== undefined && changes !== expected) throw new ConcurrentChangeError();
    return mode === 'count' ? changes : undefined;
  }

  #query(sql: string): Query {
    let query = this.#queries.get(sql);
    if (query === undefined) {
      query = createQuery(this.#database.prepare(sql));
      this.#queries.set(sql, query);
    }
    return query;
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

type Row = Record<string, Scalar>;

/** A statement that returns rows. */
interface Query {
  get(args: readonly Scalar[]): Row | undefined;
  all(args: readonly Scalar[]): readonly Row[];
}

/** Makes the rows itself: better-sqlite3 makes the names of the columns anew for every row, in as much time again. */
function createQuery(statement: Database.Statement): Query {
  statement.raw();
  const fields = statement.columns().map(({ name }, index) => `${JSON.stringify(name)}: values[${index}]`);
  // The names come from this program's own statements. To set them one by one takes three times as long.
  const toRow = new Function('values', `return { ${fields.join(', ')} };`) as (values: readonly Scalar[]) => Row;
  return {
    get(args) {
      const values = statement.get(args) as readonly Scalar[] | undefined;
      return values === undefined ? undefined : toRow(values);
    },
    all: (args) => (statement.all(args) as readonly (readonly Scalar[])[]).map(toRow),
  };
}

/** Opens a database file, and creates it when it is missing, unless it is to be read only. */
export function connect(path: string, options: { readonly: boolean }): Database.Database {
  const database = new Database(path, { ...options, timeout: OPENING_WAIT_MS });
  database.pragma('cache_size = -32000');
  database.pragma('trusted_schema = OFF');
  return database;
}

/** @throws Error when the SQLite library is too old. */
export function requireSafeVersion(database: Database.Database): void {
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  const parts = version.split('.').map(Number);
  const difference = OLDEST_SAFE.map((minimum, index) => (parts[index] ?? 0) - minimum).find((delta) => delta !== 0);
  if ((difference ?? 0) < 0)
    throw new Error(`SQLite ${version} is too old: ${OLDEST_SAFE.join('.')} or newer is needed`);
}
