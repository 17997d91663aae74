/**
 * The gateway's own small database: its file, its server key, and changes in groups, each on disk before it is
 * answered. The only file here that knows better-sqlite3. Not: what is kept in it.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { deriveKeys, type Keys, loadKeys, sameDigest } from '../secrets/keys.js';
import { migrate } from './gateway-migrations.js';

export type GatewayScalar = string | number | null;

/** Statements, prepared once and kept. */
export interface GatewayConnection {
  /** The first row, or undefined. */
  one<Row>(sql: string, ...args: readonly GatewayScalar[]): Row | undefined;
  /** Every row. The statement itself must carry a LIMIT. */
  all<Row>(sql: string, ...args: readonly GatewayScalar[]): readonly Row[];
  /** Runs a change; answers how many rows it touched. */
  run(sql: string, ...args: readonly GatewayScalar[]): number;
  /** Runs a script of several statements. */
  script(sql: string): void;
}

export interface GatewayDb {
  readonly keys: Keys;
  /** What others have committed is seen at once. */
  readonly reader: Pick<GatewayConnection, 'one' | 'all'>;
  /**
   * Runs `work` in a transaction, alone among all processes that have the file open; answers once it is on disk.
   * @throws what `work` threw, when all it did is undone; or the database's own error, when nobody's work was done.
   */
  write<T>(work: (connection: GatewayConnection) => T): Promise<T>;
  /** Waits for what is waiting to be written. */
  close(): Promise<void>;
}

export interface GatewayDbOptions {
  /** The file, made when it does not exist; its directory must. `:memory:` for one that goes with the process. */
  readonly path: string;
  /** Default: the database file with `.key` behind it; for `:memory:` a key that goes with the process too. */
  readonly keyPath?: string;
}

const IN_MEMORY = ':memory:';
const BUSY_MS = 5000;
/** Older libraries can corrupt a file that several processes write (the WAL-reset bug). */
const OLDEST_SAFE = '3.51.3';
/** Longest group, so that nobody waits for a crowd. */
const MAX_GROUP = 128;

/**
 * Opens or creates the gateway's database. Several processes may have the file open.
 * @throws Error when it cannot be opened, is of a newer version, its key is missing or wrong, or SQLite is too old.
 */
export function openGatewayDb({ path, keyPath }: GatewayDbOptions): GatewayDb {
  if (path !== IN_MEMORY) createPrivately(path);
  const database = new Database(path, { timeout: BUSY_MS });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('secure_delete = ON');
    database.pragma('trusted_schema = OFF');
    const connection = connect(database);
    requireSafeVersion(connection);
    migrate(connection, new Date().toISOString());
    return new File(database, connection, openKeys(connection, path, keyPath));
  } catch (error) {
    database.close();
    throw error;
  }
}

interface Waiting {
  readonly work: (connection: GatewayConnection) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

class File implements GatewayDb {
  readonly keys: Keys;
  readonly reader: GatewayConnection;
  readonly #database: Database.Database;
  readonly #connection: GatewayConnection;
  readonly #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  constructor(database: Database.Database, connection: GatewayConnection, keys: Keys) {
    this.#database = database;
    this.reader = connection;
    this.#connection = connection;
    this.keys = keys;
  }

  write<T>(work: (connection: GatewayConnection) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async close(): Promise<void> {
    await this.#flushing;
    this.#database.close();
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      await new Promise(setImmediate); // whoever comes meanwhile shares the commit
      this.#commit(this.#queue.splice(0, MAX_GROUP));
    }
    this.#flushing = undefined;
  }

  /** One transaction for everyone who waits; each in a savepoint of its own; answers after COMMIT. */
  #commit(group: readonly Waiting[]): void {
    const answers: (() => void)[] = [];
    try {
      this.#connection.run('BEGIN IMMEDIATE');
      for (const waiting of group) answers.push(this.#attempt(waiting));
      this.#connection.run('COMMIT');
    } catch (error) {
      if (this.#database.inTransaction) this.#connection.run('ROLLBACK');
      for (const { reject } of group) reject(error);
      return;
    }
    for (const answer of answers) answer();
  }

  #attempt({ work, resolve, reject }: Waiting): () => void {
    this.#connection.run('SAVEPOINT work');
    try {
      const value = work(this.#connection);
      this.#connection.run('RELEASE work');
      return () => resolve(value);
    } catch (error) {
      if (!this.#database.inTransaction) throw error; // the whole transaction is gone, not only this work
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

/** Made for its owner alone, whatever the umask: SQLite gives the files beside it the same mode. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600)); // never opens one that is there: closing it would drop SQLite's locks
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function requireSafeVersion(connection: GatewayConnection): void {
  const { version } = connection.one<{ version: string }>('SELECT sqlite_version() AS version') ?? { version: '0' };
  if (version.localeCompare(OLDEST_SAFE, 'en', { numeric: true }) < 0) {
    throw new Error(`SQLite ${version} is too old: ${OLDEST_SAFE} or newer is needed`);
  }
}

const KEY_CHECK = 'SELECT key_check FROM server_key LIMIT 1';

/** The server key, noted in the file at first opening, so that a wrong one is told at start and not call by call. */
function openKeys(connection: GatewayConnection, path: string, keyPath: string | undefined): Keys {
  if (path === IN_MEMORY && keyPath === undefined) return deriveKeys(randomBytes(32));
  const isNew = connection.one(KEY_CHECK) === undefined;
  const keys = loadKeys(keyPath ?? `${path}.key`, isNew);
  const check = keys.mac('key-check');
  connection.run('INSERT INTO server_key (one, key_check) VALUES (1, ?) ON CONFLICT (one) DO NOTHING', check);
  const noted = connection.one<{ key_check: string }>(KEY_CHECK)?.key_check ?? '';
  if (!sameDigest(noted, check)) throw new Error('the server key does not belong to this database');
  return keys;
}
