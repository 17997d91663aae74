/** A pool of sessions to PostgreSQL, which finds the primary among several hosts, again after each failover. */
import { Client, type ClientBase, type ClientConfig, Pool, type PoolClient } from 'pg';
import type { DatabaseSession } from './batch.js';
import { requestCancel } from './cancel-request.js';
import type { PostgresAddress, PostgresHost } from './connection-url.js';

export interface ConnectionPool {
  /**
   * A session for one transaction. Tries each host once a round until `deadline` (milliseconds of the monotonic clock).
   * @throws an error of connecting if there was one, else one that says that no session became free.
   */
  acquire(deadline: number): Promise<DatabaseSession>;
  /** Gives the session back. */
  release(session: DatabaseSession): void;
  /** Closes the session's connection, and in a while also when the server does not answer. */
  close(session: DatabaseSession): void;
  /**
   * The session's connection was lost, or its server takes no writes any more: closes it, and every other that was
   * opened earlier, once it is free. A connection that is lost without a word is found out only by waiting.
   * @param leaves whether another host should be tried first
   */
  abandon(session: DatabaseSession, leaves: boolean): void;
  /** Asks the server to stop what the session is doing. The session must then be closed: the request may come late. */
  cancel(session: DatabaseSession): void;
  /** Closes the session's connection at once: what it was doing fails. */
  destroy(session: DatabaseSession): void;
  /** Open sessions, and callers that wait for one. */
  counts(): { readonly open: number; readonly idle: number; readonly waiting: number };
  /** Waits for all sessions to be given back, and for their connections to be closed. */
  end(): Promise<void>;
}

/** One attempt to connect takes at most this long, so that a host that does not answer leaves time for the others. */
const CONNECT_MS = 5000;
/** Between two rounds over all hosts. */
const ROUND_PAUSE_MS = 100;
const IDLE_MS = 30_000;
/** A connection without traffic is probed after this time. */
const KEEP_ALIVE_MS = 10_000;
const CLOSE_MS = 1000;

/** Opens no connection yet. */
export function createConnectionPool(address: PostgresAddress, applicationName: string): ConnectionPool {
  return new HostPool(address, applicationName);
}

class HostPool implements ConnectionPool {
  readonly #pool: Pool;
  readonly #address: PostgresAddress;
  readonly #sessions = new WeakMap<PoolClient, DatabaseSession & { readonly generation: number }>();
  /** Clients whose connections are not closed yet. */
  readonly #clients = new Set<Client>();
  /** The host that new connections go to: the last one that was good, or the next to try. */
  #host = 0;
  /** Clients that cannot connect at all. pg-pool also makes clients where nobody would catch what is thrown. */
  readonly #faults = new WeakMap<Client, unknown>();
  readonly #hostOf = new WeakMap<ClientBase, PostgresHost>();
  /** Counts how often connections were found lost. */
  #generation = 0;

  constructor(address: PostgresAddress, applicationName: string) {
    this.#address = address;
    const pool = this;
    /** pg-pool makes its clients from one set of options; the host differs from one to the next. */
    class HostClient extends Client {
      constructor(options: ClientConfig) {
        const host = pool.#currentHost();
        const own = { ...options, connectionTimeoutMillis: CONNECT_MS, connectionString: address.urlOf(host) };
        const fault = faultOf(own);
        super(fault === undefined ? own : {});
        if (fault !== undefined) pool.#faults.set(this, fault);
        pool.#hostOf.set(this, host);
        this.on('error', () => {}); // the statement that was running reports it
      }
      override connect(): Promise<Client>;
      override connect(callback: (error: Error) => void): void;
      override connect(callback?: (error: Error) => void): Promise<Client> | undefined {
        if (callback === undefined) return super.connect();
        const fault = pool.#faults.get(this);
        if (fault !== undefined) {
          process.nextTick(callback, fault);
          return undefined;
        }
        pool.#clients.add(this);
        this.once('end', () => pool.#clients.delete(this));
        super.connect((error: Error | null) => {
          if (error !== null && error !== undefined) pool.#leave(this);
          callback(error as Error);
        });
        return undefined;
      }
    }
    this.#pool = new Pool({
      application_name: applicationName,
      max: address.poolSize,
      idleTimeoutMillis: IDLE_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      Client: HostClient,
      onConnect: (client: ClientBase) => this.#check(client),
    } as unknown as ConstructorParameters<typeof Pool>[0]);
    this.#pool.on('error', () => {}); // an idle connection was lost; the next caller gets another
  }

  async acquire(deadline: number): Promise<DatabaseSession> {
    let hope = false;
    let last: unknown;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#newest(deadline);
      } catch (error) {
        hope ||= isTransient(error);
        if (performance.now() + ROUND_PAUSE_MS >= deadline) throw last ?? error;
        last = error;
        if (attempt % this.#address.hosts.length > 0) continue;
        if (!hope) throw error;
        hope = false;
        await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
      }
    }
  }

  release({ client }: DatabaseSession): void {
    client.release();
  }

  close(session: DatabaseSession): void {
    const timer = setTimeout(() => this.destroy(session), CLOSE_MS);
    session.client.once('end', () => clearTimeout(timer));
    session.client.release(true);
  }

  abandon(session: DatabaseSession, leaves: boolean): void {
    const { generation = 0 } = this.#sessions.get(session.client) ?? {};
    if (generation === this.#generation) this.#generation += 1;
    if (leaves) this.#leave(session.client);
    this.close(session);
  }

  cancel({ client }: DatabaseSession): void {
    requestCancel(client);
  }

  destroy({ client }: DatabaseSession): void {
    streamOf(client).destroy();
  }

  counts() {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { open: totalCount, idle: idleCount, waiting: waitingCount };
  }

  async end(): Promise<void> {
    await this.#pool.end();
    await Promise.all([...this.#clients].map(closed));
  }

  #currentHost(): PostgresHost {
    const { hosts } = this.#address;
    return hosts[this.#host % hosts.length] as PostgresHost;
  }

  /** Of several connections that fail at the same time, one moves on to the next host. */
  #leave(client: ClientBase): void {
    if (this.#hostOf.get(client) === this.#currentHost()) this.#host += 1;
  }

  async #newest(deadline: number): Promise<DatabaseSession> {
    for (;;) {
      const client = await this.#connect(deadline);
      const session = this.#sessionOf(client);
      if (session.generation === this.#generation) return session;
      this.close(session);
    }
  }

  /** pg-pool cannot take a request back: a session that comes too late is given to the next in line. */
  #connect(deadline: number): Promise<PoolClient> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const giveUp = () => {
        isLate = true;
        reject(new Error('no connection to the database was free in time'));
      };
      const timer = Number.isFinite(deadline) ? setTimeout(giveUp, deadline - performance.now()) : undefined;
      this.#pool.connect().then(
        (client) => {
          clearTimeout(timer);
          if (isLate) client.release();
          else resolve(client);
        },
        (error) => {
          clearTimeout(timer);
          reject(error);
        },
      );
    });
  }

  #sessionOf(client: PoolClient): DatabaseSession & { readonly generation: number } {
    const known = this.#sessions.get(client);
    if (known !== undefined) return known;
    const { prepares } = this.#address;
    const session = { client, prepared: new Map(), prepares, generation: this.#generation };
    this.#sessions.set(client, session);
    return session;
  }

  /** Asks whether the server takes writes. A pooler also accepts clients when its server is gone. */
  async #check(client: ClientBase): Promise<void> {
    const { needsPrimary, prepares } = this.#address;
    const isPooled = !prepares;
    if (!needsPrimary && !isPooled) return;
    const timer = setTimeout(() => streamOf(client).destroy(), CONNECT_MS);
    try {
      const { rows } = await client.query('SHOW transaction_read_only');
      const [row] = rows as { transaction_read_only: string }[];
      if (needsPrimary && row?.transaction_read_only === 'on') throw new NotPrimaryError();
    } catch (error) {
      this.#leave(client);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What is wrong with options, such as a certificate file that cannot be read. */
function faultOf(options: ClientConfig): unknown {
  try {
    new Client(options);
    return undefined;
  } catch (error) {
    return error;
  }
}

function streamOf(client: ClientBase): { destroy(): void } {
  return (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream;
}

function closed(client: Client): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => streamOf(client).destroy(), CLOSE_MS);
    client.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The host answers but takes no writes: a standby, or a primary that is being replaced. */
class NotPrimaryError extends Error {
  readonly code = '25006';
  constructor() {
    super('the server is read-only, and the URL asks for one that takes writes');
  }
}

/** Whether another attempt may succeed: the server starts, stops, is full, or cannot be reached. */
function isTransient(error: unknown): boolean {
  const { code, message, syscall } = error as { code?: string; message?: string; syscall?: string };
  if (code === undefined) return /terminat|timeout/i.test(message ?? '');
  if (code === 'ENOENT') return syscall === 'connect'; // the socket file of a server that is not running
  return /^(08...|57P0[1-3]|53300|25006|ECONN\w+|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/.test(code);
}
