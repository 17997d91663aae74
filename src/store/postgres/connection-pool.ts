/** A pool of sessions to PostgreSQL, which finds the primary among several hosts, again after each failover. */
import { Client, type ClientBase, type ClientConfig, Connection, Pool, type PoolClient } from 'pg';
import type { DatabaseSession } from './batch.js';
import type { PostgresAddress, PostgresHost } from './connection-url.js';

export interface ConnectionPool {
  /**
   * A session for one transaction. Tries each host once a round until `deadline` (milliseconds of the monotonic clock).
   * @throws the error of the last attempt.
   */
  acquire(deadline: number): Promise<DatabaseSession>;
  /** Gives the session back; a `broken` one is closed. */
  release(session: DatabaseSession, broken?: boolean): void;
  /** Asks the server to stop what the session is doing; the statement then fails with SQLSTATE 57014. */
  cancel(session: DatabaseSession): void;
  /** Closes the session's connection at once: what it was doing fails. */
  destroy(session: DatabaseSession): void;
  /** Open sessions, and callers that wait for one. */
  counts(): { readonly open: number; readonly idle: number; readonly waiting: number };
  end(): Promise<void>;
}

/** One attempt to connect takes at most this long, so that a host that does not answer leaves time for the others. */
const CONNECT_MS = 5000;
/** Between two rounds over all hosts. */
const ROUND_PAUSE_MS = 100;
const IDLE_MS = 30_000;

/** Opens no connection yet. */
export function createConnectionPool(address: PostgresAddress, applicationName: string): ConnectionPool {
  return new HostPool(address, applicationName);
}

class HostPool implements ConnectionPool {
  readonly #pool: Pool;
  readonly #address: PostgresAddress;
  readonly #sessions = new WeakMap<PoolClient, DatabaseSession>();
  /** The host that new connections go to: the last one that was good, or the next to try. */
  #host = 0;
  readonly #hostOf = new WeakMap<Client, PostgresHost>();

  constructor(address: PostgresAddress, applicationName: string) {
    this.#address = address;
    const pool = this;
    /** pg-pool makes its clients from one set of options; the host differs from one to the next. */
    class HostClient extends Client {
      constructor(options?: string | ClientConfig) {
        const host = pool.#currentHost();
        super({ ...(options as ClientConfig), connectionString: address.urlOf(host) });
        pool.#hostOf.set(this, host);
        this.on('error', () => {}); // the statement that was running reports it
      }
    }
    this.#pool = new Pool({
      application_name: applicationName,
      max: address.poolSize,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      keepAlive: true,
      Client: HostClient,
      onConnect: (client: ClientBase) => this.#check(client),
    } as ConstructorParameters<typeof Pool>[0]);
    this.#pool.on('error', () => {}); // an idle connection was lost; the next caller gets another
  }

  async acquire(deadline: number): Promise<DatabaseSession> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return this.#sessionOf(await this.#pool.connect());
      } catch (error) {
        this.#host += 1;
        const isRoundOver = attempt % this.#address.hosts.length === 0;
        if (isRoundOver && (!isTransient(error) || performance.now() + ROUND_PAUSE_MS >= deadline)) throw error;
        if (isRoundOver) await new Promise((resolve) => setTimeout(resolve, ROUND_PAUSE_MS));
      }
    }
  }

  release({ client }: DatabaseSession, broken = false): void {
    client.release(broken);
  }

  cancel({ client }: DatabaseSession): void {
    const { processID, secretKey } = client as unknown as { readonly processID: number; readonly secretKey: number };
    const host = this.#hostOf.get(client as unknown as Client);
    if (host === undefined) return;
    const { ssl } = client as unknown as Client;
    const request = new Connection({ ssl } as ConstructorParameters<typeof Connection>[0]);
    const wire = request as unknown as {
      connect(port: number, host: string): void;
      cancel(processID: number, secretKey: number): void;
    };
    request.on('error', () => {}); // the statement ends by its own timeout then
    request.on(ssl ? 'sslconnect' : 'connect', () => wire.cancel(processID, secretKey));
    wire.connect(host.port, host.host);
  }

  destroy({ client }: DatabaseSession): void {
    (client as unknown as { readonly connection: Connection }).connection.stream.destroy();
  }

  counts() {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { open: totalCount, idle: idleCount, waiting: waitingCount };
  }

  end(): Promise<void> {
    return this.#pool.end();
  }

  #currentHost(): PostgresHost {
    const { hosts } = this.#address;
    return hosts[this.#host % hosts.length] as PostgresHost;
  }

  #sessionOf(client: PoolClient): DatabaseSession {
    const known = this.#sessions.get(client);
    if (known !== undefined) return known;
    const session = { client, prepared: new Set<string>(), prepares: this.#address.prepares };
    this.#sessions.set(client, session);
    return session;
  }

  async #check(client: ClientBase): Promise<void> {
    if (!this.#address.needsPrimary) return;
    const { rows } = await client.query('SHOW transaction_read_only');
    if ((rows as { transaction_read_only: string }[])[0]?.transaction_read_only === 'on') throw new NotPrimaryError();
  }
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
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  if (code === undefined) return /terminat|timeout/i.test(message ?? '');
  return /^(08...|57P0[1-3]|53300|25006|ECONN\w+|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/.test(code);
}
