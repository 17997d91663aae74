/**
 * The gateway's own SQLite database: its file, its server key, and group commits that are on disk before a write
 * resolves. The only file of the gateway that uses better-sqlite3.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { CrmError } from '../contract/errors.js';
import { databaseFileGone, type FilesInPlace, IN_MEMORY, rememberFiles } from '../database-file/file-identity.js';
import { isLocked, lockDelay, OPENING_WAIT_MS, type QueuedChange, rejectOverdue } from '../database-file/lock-wait.js';
import { DatabaseFileError } from '../database-file/open-error.js';
import { type OutageWatch, type ReportOutage, watchOutage } from '../database-file/outage-watch.js';
import { createWalTruncation, type WalTruncation } from '../database-file/wal-truncation.js';
import { serverKeyLacks } from '../database-file/wrong-key.js';
import { deriveKeys, follow, type KeyRing, loadKeys } from '../secrets/keys.js';
import { migrateGatewayDb } from './gateway-migrations.js';

export type GatewayScalar = string | number | null;

/** Runs statements; each is prepared once and cached. */
export interface GatewayConnection {
  /** Returns the first row, or undefined. */
  one<Row>(sql: string, ...args: readonly GatewayScalar[]): Row | undefined;
  /** Returns every row. The statement must have a LIMIT. */
  all<Row>(sql: string, ...args: readonly GatewayScalar[]): readonly Row[];
  /** Runs a change and returns the number of rows it changed. */
  run(sql: string, ...args: readonly GatewayScalar[]): number;
  /** Runs a script of several statements. */
  script(sql: string): void;
}

export interface GatewayDb {
  readonly keys: KeyRing;
  /** Sees at once what other processes have committed. */
  readonly reader: Pick<GatewayConnection, 'one' | 'all'>;
  /**
   * Runs `work` in an exclusive transaction and resolves once it is on disk.
   * @throws what `work` threw, after its changes were rolled back; or the database's own error, when the whole group
   * was rolled back; or 503 `crm.storage_unavailable` when the file is gone.
   */
  write<T>(work: (connection: GatewayConnection) => T): Promise<T>;
  /** Removes the bytes of what was erased from the file's write-ahead log, now or as soon as no reader prevents it. */
  dropErased(): void;
  /** Why no changes are taken, after a look at the file; undefined while they are. */
  outage(): CrmError | undefined;
  /** Waits for queued writes, then closes the file. */
  close(): Promise<void>;
}

export interface GatewayDbOptions {
  /**
   * The file; it is created when missing, its directory is not. `:memory:` for a database that ends with the process.
   */
  readonly path: string;
  /** Default: the path of the database plus `.key`; for `:memory:`, a random key that ends with the process. */
  readonly keyPath?: string;
  readonly onOutage?: ReportOutage;
}

/** Older SQLite libraries can corrupt a file that several processes write (the WAL-reset bug). */
const MIN_SQLITE_VERSION = '3.51.3';
/** Maximum writes per commit, which bounds the wait of each. */
const MAX_GROUP = 128;

/**
 * Opens or creates the gateway's database. Several processes may have the file open.
 * @throws Error when the file cannot be opened or was made by a newer version, when its key is missing or wrong, or
 * when SQLite is too old.
 */
export function openGatewayDb({ path, keyPath, onOutage }: GatewayDbOptions): GatewayDb {
  if (path !== IN_MEMORY) createPrivateFile(path);
  const database = new Database(path, { timeout: OPENING_WAIT_MS });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('secure_delete = ON');
    database.pragma('trusted_schema = OFF');
    const connection = connect(database);
    requireSafeVersion(connection);
    migrateGatewayDb(connection, new Date().toISOString());
    const keys = openKeys(connection, path, keyPath);
    database.pragma('busy_timeout = 0'); // from now on callers are served: see lock-wait.ts
    return new GatewayDatabase(database, connection, keys, rememberFiles(path), onOutage);
  } catch (error) {
    database.close();
    throw error;
  }
}

interface QueuedWrite extends QueuedChange {
  readonly work: (connection: GatewayConnection) => unknown;
  readonly resolve: (value: unknown) => void;
}

class GatewayDatabase implements GatewayDb {
  readonly keys: KeyRing;
  readonly reader: GatewayConnection;
  readonly #database: Database.Database;
  readonly #connection: GatewayConnection;
  readonly #queue: QueuedWrite[] = [];
  readonly #truncation: WalTruncation;
  readonly #watch: OutageWatch;
  #outage: CrmError | undefined;
  #flushing: Promise<void> | undefined;
  /** The check value of the server key that this process follows. */
  #keyCheck: string | undefined;

  constructor(
    database: Database.Database,
    connection: GatewayConnection,
    keys: KeyRing,
    inPlace: FilesInPlace,
    onOutage: ReportOutage | undefined,
  ) {
    this.#database = database;
    this.reader = connection;
    this.#connection = connection;
    this.keys = keys;
    this.#truncation = createWalTruncation(() => this.#truncateWal());
    this.#watch = watchOutage(() => {
      this.#outage = inPlace() ? this.#keyTrouble() : databaseFileGone();
      return this.#outage;
    }, onOutage);
  }

  write<T>(work: (connection: GatewayConnection) => T): Promise<T> {
    if (this.#outage !== undefined) return Promise.reject(this.#outage);
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#flushing ??= this.#flush();
    });
  }

  dropErased(): void {
    this.#truncation.request();
  }

  outage(): CrmError | undefined {
    return this.#watch.look();
  }

  async close(): Promise<void> {
    await this.#flushing;
    this.#watch.stop();
    this.#truncation.stop();
    this.#database.close();
  }

  async #flush(): Promise<void> {
    let failed = 0;
    while (this.#queue.length > 0) {
      await (failed === 0 ? new Promise(setImmediate) : delay(lockDelay(failed))); // later writes share the commit
      if (this.#begin()) {
        this.#commit(this.#queue.splice(0, MAX_GROUP));
        failed = 0;
      } else failed += 1;
    }
    this.#flushing = undefined;
  }

  /** Begins a transaction, without waiting. Returns false when there is nothing to run in it now. */
  #begin(): boolean {
    try {
      this.#connection.run('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (isLocked(error)) rejectOverdue(this.#queue, performance.now(), () => error as Error);
      else for (const { reject } of this.#queue.splice(0)) reject(error);
      return false;
    }
  }

  /** Runs a group in the transaction, with a savepoint per write. Writes are settled after COMMIT. */
  #commit(group: readonly QueuedWrite[]): void {
    const settlements: (() => void)[] = [];
    try {
      this.#followKey();
      for (const queued of group) settlements.push(this.#attempt(queued));
      this.#connection.run('COMMIT');
    } catch (error) {
      if (this.#database.inTransaction) this.#connection.run('ROLLBACK');
      for (const { reject } of group) reject(error);
      return;
    }
    for (const settle of settlements) settle();
  }

  /** Looks at the key file and at the generation in use, which another process may have changed. */
  #keyTrouble(): CrmError | undefined {
    try {
      const check = this.#readKeyCheck();
      if (check !== undefined) this.keys.refresh(check);
      this.#followKey();
      return undefined;
    } catch (error) {
      return error instanceof DatabaseFileError ? serverKeyLacks(error) : undefined; // others report what else fails
    }
  }

  /** In a transaction: what it hashes is then found by every process. */
  #followKey(): void {
    const check = this.#readKeyCheck();
    if (check === undefined || check === this.#keyCheck) return;
    this.keys.refresh(check);
    follow(this.keys, check);
    this.#keyCheck = check;
  }

  #readKeyCheck(): string | undefined {
    return this.#connection.one<{ key_check: string }>(KEY_CHECK)?.key_check;
  }

  #truncateWal(): boolean {
    try {
      const [result] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
      return result?.busy === 0;
    } catch {
      return false;
    }
  }

  #attempt({ work, resolve, reject }: QueuedWrite): () => void {
    this.#connection.run('SAVEPOINT work');
    try {
      const value = work(this.#connection);
      this.#connection.run('RELEASE work');
      return () => resolve(value);
    } catch (error) {
      if (!this.#database.inTransaction) throw error; // SQLite rolled back the whole transaction, not only this work
      this.#connection.run('ROLLBACK TO work');
      this.#connection.run('RELEASE work');
      return () => reject(error);
    }
  }
}

function connect(database: Database.Database): GatewayConnection {
  const statements = new Map<string, Database.Statement>();
  const prepared = (sql: string) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return {
    one: <Row>(sql: string, ...args: readonly GatewayScalar[]) => prepared(sql).get(args) as Row | undefined,
    all: <Row>(sql: string, ...args: readonly GatewayScalar[]) => prepared(sql).all(args) as readonly Row[],
    run: (sql, ...args) => prepared(sql).run(args).changes,
    script: (sql) => void database.exec(sql),
  };
}

/** Creates the file with mode 0600 whatever the umask. SQLite gives its WAL files the same mode. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600)); // never opens an existing file: closing it would drop SQLite's locks
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function requireSafeVersion(connection: GatewayConnection): void {
  const { version } = connection.one<{ version: string }>('SELECT sqlite_version() AS version') ?? { version: '0' };
  if (version.localeCompare(MIN_SQLITE_VERSION, 'en', { numeric: true }) < 0) {
    throw new Error(`SQLite ${version} is too old: ${MIN_SQLITE_VERSION} or newer is needed`);
  }
}

const KEY_CHECK = 'SELECT key_check FROM server_key LIMIT 1';

/** Loads the server key. Its check value is stored at first opening, so that a wrong key fails at start. */
function openKeys(connection: GatewayConnection, path: string, keyPath: string | undefined): KeyRing {
  if (path === IN_MEMORY && keyPath === undefined) return deriveKeys(randomBytes(32));
  const isNew = connection.one(KEY_CHECK) === undefined;
  const keys = loadKeys(keyPath ?? `${path}.key`, isNew);
  const check = keys.mac('key-check');
  connection.run('INSERT INTO server_key (one, key_check) VALUES (1, ?) ON CONFLICT (one) DO NOTHING', check);
  follow(keys, connection.one<{ key_check: string }>(KEY_CHECK)?.key_check ?? '');
  return keys;
}
