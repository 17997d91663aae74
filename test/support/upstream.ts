/**
 * A test upstream on plain sockets: it records every complete request, answers the first GET /stat with a valid caller,
 * and handles all other requests as its `UpstreamBehaviour` defines. The failures it simulates are in
 * upstream-failures.ts.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The whole request, decoded as Latin-1. */
  readonly raw: string;
}

/** One request, the socket it arrived on, and functions to answer it. */
export interface Exchange {
  readonly socket: Socket;
  readonly request: Received;
  /** Writes bytes to the socket unchanged. */
  sendBytes(text: string | Buffer): void;
  /** Sends a complete response with a Content-Length. Objects are sent as JSON. */
  answer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void;
  /** Accepts no further connections; open ones stay open. */
  stopListening(): void;
}

/** How the upstream reacts to a request, and to a connection before its first request is complete. */
export interface UpstreamBehaviour {
  readonly onRequest?: (exchange: Exchange) => void;
  readonly onConnection?: (socket: Socket) => void;
  readonly onFirstBytes?: (socket: Socket) => void;
  /** Called after the first /stat was answered. */
  readonly afterStat?: (exchange: Exchange) => void;
  /** Closes the connection of the first /stat, so that the next request opens a new one. */
  readonly freshConnection?: true;
}

export interface TestUpstream {
  readonly base: URL;
  readonly received: Received[];
  /** Complete requests received after the /stat that identified the caller. */
  requestsAfterStat(): readonly Received[];
  connections(): number;
  close(): Promise<void>;
}

export interface TestUpstreamOptions {
  readonly behaviour?: UpstreamBehaviour;
  /** Key and certificate (PEM); when given, the upstream uses TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Answers the first /stat; by default with `STAT`. `behaviour` handles later calls of /stat like all others. */
  readonly stat?: (exchange: Exchange) => void;
}

/** The data of a valid GET /stat: the owner of a verified org. */
export const STAT = {
  status: 'ok',
  version: '1.0.0',
  backend: 'store',
  caller: { actor: 'service_account_guid:1', context_source: 'api_key', owner: true, roles: [] },
  org: { orgcode: 'ACME', status: 'verified' },
  context: {},
};

export const BUILD = { build_major: 'MONDAY', build_minor: '1', build_id: 'MONDAY-1765671116' };

/** A valid success envelope. */
export function successOf(data: unknown, more: object = {}): object {
  return { success: true, data, build: BUILD, stats: { call: 'POST /x', service: 'crm', request_id: 'up-1' }, ...more };
}

/** Answers every request with success. */
export const ALWAYS_SUCCEED: UpstreamBehaviour = {
  onRequest: (exchange) => exchange.answer(200, successOf({ done: true })),
};

/** Opens a test upstream on loopback; its base URL has the path /crm. */
export async function openUpstream(options: TestUpstreamOptions = {}): Promise<TestUpstream> {
  const { behaviour = ALWAYS_SUCCEED, tls } = options;
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const state = { connections: 0, stats: 0 };
  const stat = options.stat ?? ((exchange: Exchange) => exchange.answer(200, successOf(STAT), connectionOf(behaviour)));

  const serve = (exchange: Exchange) => {
    received.push(exchange.request);
    const isStat = exchange.request.path === '/crm/stat';
    if (isStat) state.stats += 1;
    if (isStat && state.stats === 1) {
      stat(exchange);
      behaviour.afterStat?.(exchange);
    } else {
      (behaviour.onRequest ?? ALWAYS_SUCCEED.onRequest)?.(exchange);
    }
  };

  const accept = (socket: Socket) => {
    state.connections += 1;
    socket.on('error', () => {});
    const identified = state.stats > 0;
    if (identified) behaviour.onConnection?.(socket);
    read(socket, () => server.close(), serve, identified ? behaviour.onFirstBytes : undefined);
  };
  const server: Server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  server.on('tlsClientError', () => {});
  // Includes sockets that never finish a TLS handshake.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return {
    base: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/crm`),
    received,
    requestsAfterStat: () => received.slice(received.findIndex(({ path }) => path === '/crm/stat') + 1),
    connections: () => state.connections,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        if (server.listening) server.close(() => done());
        else done();
      }),
  };
}

function connectionOf({ freshConnection }: UpstreamBehaviour): Record<string, string> {
  return freshConnection === true ? { connection: 'close' } : {};
}

function read(
  socket: Socket,
  stopListening: () => void,
  serve: (exchange: Exchange) => void,
  onFirstBytes: UpstreamBehaviour['onFirstBytes'],
): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    if (pending.length === 0) onFirstBytes?.(socket);
    pending = Buffer.concat([pending, chunk]);
    for (let request = firstRequest(pending); request !== undefined; request = firstRequest(pending)) {
      pending = pending.subarray(request.raw.length);
      serve(exchangeOf(socket, request, stopListening));
    }
  });
}

/** The first request in the buffer, or undefined while it is incomplete. */
function firstRequest(buffer: Buffer): Received | undefined {
  const end = buffer.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = buffer.toString('latin1', 0, end).split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const length = end + 4 + Number(headers['content-length'] ?? 0);
  if (buffer.length < length) return undefined;
  return {
    method,
    path,
    headers,
    body: buffer.toString('utf8', end + 4, length),
    raw: buffer.toString('latin1', 0, length),
  };
}

function exchangeOf(socket: Socket, request: Received, stopListening: () => void): Exchange {
  const sendBytes = (text: string | Buffer) => {
    if (!socket.destroyed) socket.write(text);
  };
  return {
    socket,
    request,
    sendBytes,
    answer(status, body, headers = {}) {
      const bytes = toBytes(body);
      sendBytes(
        Buffer.concat([
          Buffer.from(head(status, { ...JSON_TYPE, 'content-length': `${bytes.length}`, ...headers })),
          bytes,
        ]),
      );
      if (headers.connection === 'close') socket.end();
    },
    stopListening,
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function toBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Status line and headers, including the empty line that ends them. */
export function head(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Word\r\n${lines.join('')}\r\n`;
}
