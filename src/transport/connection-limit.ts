/**
 * Limits the open connections of a server. A connection over the limit is answered 503 and closed; those that are open
 * stay as they are. Health checks are answered on it too, so that a full server does not look like a dead one.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { CrmError } from '../contract/errors.js';

export interface ConnectionLimit {
  /** The error of a request on a connection over the limit; undefined on any other. */
  check(request: IncomingMessage): CrmError | undefined;
  /** Open connections. */
  readonly open: number;
}

/** Connections that may wait for their 503; further ones are cut. */
const MOST_REJECTED = 256;
const REJECTED_MS = 5_000;
const RETRY_AFTER_MS = 1_000;

/** Lets `server` have `most` connections. */
export function createConnectionLimit(server: Server, most: number): ConnectionLimit {
  const rejected = new WeakSet<Socket>();
  let open = 0;
  server.maxConnections = most + MOST_REJECTED;
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open <= most) return;
    rejected.add(socket);
    const timer = setTimeout(() => socket.destroy(), REJECTED_MS).unref();
    socket.once('close', () => clearTimeout(timer));
  });
  return {
    check: ({ socket }) => (rejected.has(socket) ? tooManyConnections() : undefined),
    get open() {
      return open;
    },
  };
}

function tooManyConnections(): CrmError {
  return new CrmError({
    code: 'crm.too_many_connections',
    tag: 'internal-error',
    status: 503,
    message: 'The server has as many connections as it may have. Nothing was done.',
    details: { outcome: 'not_done', retry_after_ms: RETRY_AFTER_MS },
  });
}
