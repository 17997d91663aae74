/** A TCP proxy on 127.0.0.1 in front of a PostgreSQL server, which fails as networks do. */
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/**
 * - `before-commit`: the next COMMIT does not reach the server; the connection is cut.
 * - `after-commit`: the next COMMIT reaches the server, its answer does not reach the client; the connection is cut.
 * - `stall`: from the next COMMIT on, nothing passes any more on its connection, which stays open.
 */
export type CommitFault = 'before-commit' | 'after-commit' | 'stall';

/** COMMIT in a Parse message. It is seen where statements are not prepared by name (`prepared_statements=off`). */
const COMMIT = Buffer.from('\0COMMIT\0');

export interface TcpProxy {
  readonly port: number;
  /** Happens once. */
  fault: CommitFault | undefined;
  /** What passes in each direction is late by this time. */
  delayMs: number;
  /** Connections that the proxy has accepted so far. */
  readonly accepted: number;
  /** Nothing passes any more on the connections that are open now; later ones work. */
  stallAll(): void;
  /** Ends all connections, and refuses new ones. */
  refuse(): Promise<void>;
  /** Accepts connections again. */
  accept(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a proxy to a port of 127.0.0.1. */
export async function openProxy(target: number): Promise<TcpProxy> {
  const proxy = new FaultyProxy(target);
  await proxy.accept();
  return proxy;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  isStalled: boolean;
}

class FaultyProxy implements TcpProxy {
  port = 0;
  fault: CommitFault | undefined;
  delayMs = 0;
  accepted = 0;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #listener: Server | undefined;

  constructor(target: number) {
    this.#target = target;
  }

  async accept(): Promise<void> {
    const listener = createServer((client) => this.#join(client));
    await new Promise<void>((resolve) => listener.listen(this.port, '127.0.0.1', resolve));
    this.port = (listener.address() as { port: number }).port;
    this.#listener = listener;
  }

  stallAll(): void {
    for (const pair of this.#pairs) pair.isStalled = true;
  }

  async refuse(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener?.close(resolve));
    for (const pair of this.#pairs) cut(pair);
    await closed;
  }

  async close(): Promise<void> {
    if (this.#listener?.listening) await this.refuse();
  }

  #join(client: Socket): void {
    this.accepted += 1;
    const server = createConnection(this.#target, '127.0.0.1');
    const pair: Pair = { client, server, isStalled: false };
    this.#pairs.add(pair);
    client.on('data', (data) => this.#toServer(pair, data));
    server.on('data', (data) => this.#pass(pair, client, data));
    for (const socket of [client, server]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        if (pair.isStalled && socket === server) return; // the client must not notice
        cut(pair);
        this.#pairs.delete(pair);
      });
    }
  }

  #toServer(pair: Pair, data: Buffer): void {
    if (this.fault === undefined || !data.includes(COMMIT)) {
      this.#pass(pair, pair.server, data);
      return;
    }
    const { fault } = this;
    this.fault = undefined;
    if (fault === 'stall') pair.isStalled = true;
    else if (fault === 'before-commit') cut(pair);
    else {
      pair.server.removeAllListeners('data').once('data', () => cut(pair));
      pair.server.write(data);
    }
  }

  #pass(pair: Pair, to: Socket, data: Buffer): void {
    if (pair.isStalled) return;
    if (this.delayMs === 0) to.write(data);
    else setTimeout(() => to.write(data), this.delayMs);
  }
}

function cut({ client, server }: Pair): void {
  client.destroy();
  server.destroy();
}
