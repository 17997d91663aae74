/**
 * An upstream made of bare sockets: it records every request it has received whole, answers /stat as an honest one, and
 * can play anything on the rest. Not: the faults it plays.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Every byte of it, as Latin-1. */
  readonly raw: string;
}

/** One request and the socket it came on. */
export interface Line {
  readonly socket: Socket;
  readonly request: Received;
  /** Sends bytes as they are. */
  say(text: string | Buffer): void;
  /** A whole answer with its length told. Objects are sent as JSON. */
  answer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void;
  /** No more connections; this one ends with the answer. */
  stopListening(): void;
}

/** What happens to a request; and, where that matters, to a connection before one is whole. */
export interface Play {
  readonly onRequest?: (line: Line) => void;
  /** On a new connection. */
  readonly onConnection?: (socket: Socket) => void;
  /** On the first bytes of a request. */
  readonly onFirstBytes?: (socket: Socket) => void;
  /** After /stat was answered. */
  readonly afterStat?: (line: Line) => void;
  /** The connection of /stat is not used again. */
  readonly freshConnection?: true;
}

export interface TestUpstream {
  readonly base: URL;
  readonly received: Received[];
  /** Requests that came whole, /stat by way of identification aside. */
  asked(): readonly Received[];
  connections(): number;
  close(): Promise<void>;
}

export interface TestUpstreamOptions {
  readonly play?: Play;
  /** Key and certificate, PEM: speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What /stat says first; default an owner in good standing. Later calls of /stat are played like all others. */
  readonly stat?: (line: Line) => void;
}

/** The data of an honest GET /stat. */
export const STAT = {
  status: 'ok',
  version: '1.0.0',
  backend: 'store',
  caller: { actor: 'service_account_guid:1', context_source: 'api_key', owner: true, roles: [] },
  org: { orgcode: 'ACME', status: 'verified' },
  context: {},
};

export const BUILD = { build_major: 'MONDAY', build_minor: '1', build_id: 'MONDAY-1765671116' };

/** The envelope of a success as an honest upstream sends it. */
export function successOf(data: unknown, more: object = {}): object {
  return { success: true, data, build: BUILD, stats: { call: 'POST /x', service: 'crm', request_id: 'up-1' }, ...more };
}

/** Says yes to everything. */
export const HONEST: Play = { onRequest: (line) => line.answer(200, successOf({ done: true })) };

/** Opens one on loopback; its URL has the path /crm. */
export async function openUpstream(options: TestUpstreamOptions = {}): Promise<TestUpstream> {
  const { play = HONEST, tls } = options;
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const state = { connections: 0, stats: 0 };
  const stat = options.stat ?? ((line: Line) => line.answer(200, successOf(STAT), connectionOf(play)));

  const serve = (line: Line) => {
    received.push(line.request);
    const isStat = line.request.path === '/crm/stat';
    if (isStat) state.stats += 1;
    if (isStat && state.stats === 1) {
      stat(line);
      play.afterStat?.(line);
    } else {
      (play.onRequest ?? HONEST.onRequest)?.(line);
    }
  };

  const accept = (socket: Socket) => {
    state.connections += 1;
    socket.on('error', () => {});
    const faulty = state.stats > 0;
    if (faulty) play.onConnection?.(socket);
    read(socket, () => server.close(), serve, faulty ? play.onFirstBytes : undefined);
  };
  const server: Server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  server.on('tlsClientError', () => {});
  // Also those that never finish a handshake.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return {
    base: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/crm`),
    received,
    asked: () => received.slice(received.findIndex(({ path }) => path === '/crm/stat') + 1),
    connections: () => state.connections,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        if (server.listening) server.close(() => done());
        else done();
      }),
  };
}

function connectionOf({ freshConnection }: Play): Record<string, string> {
  return freshConnection === true ? { connection: 'close' } : {};
}

function read(
  socket: Socket,
  stopListening: () => void,
  serve: (line: Line) => void,
  onFirstBytes: Play['onFirstBytes'],
): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    if (pending.length === 0) onFirstBytes?.(socket);
    pending = Buffer.concat([pending, chunk]);
    for (let request = cut(pending); request !== undefined; request = cut(pending)) {
      pending = pending.subarray(request.raw.length);
      serve(lineOf(socket, request, stopListening));
    }
  });
}

/** The first request in the buffer, when it is whole. */
function cut(buffer: Buffer): Received | undefined {
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

function lineOf(socket: Socket, request: Received, stopListening: () => void): Line {
  const say = (text: string | Buffer) => {
    if (!socket.destroyed) socket.write(text);
  };
  return {
    socket,
    request,
    say,
    answer(status, body, headers = {}) {
      const bytes = toBytes(body);
      say(
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

/** Status line and headers, with the empty line behind them. */
export function head(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Word\r\n${lines.join('')}\r\n`;
}
