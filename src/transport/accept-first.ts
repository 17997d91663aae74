/**
 * Lets connections in before requests are served. Node accepts one connection a turn of the event loop, and serves in
 * that turn whatever the connections before it have sent: of 64 connections that are opened at once, the last would
 * wait for hundreds of calls of the others. While connections come in, requests wait for them, but not for long.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** How long requests wait for connections that keep coming in. */
const MOST_MS = 10;

/** Serves as `serve` does, after the connections that wait to be accepted. `now` tells milliseconds. */
export function acceptFirst(server: Server, serve: Serve, now = () => performance.now()): Serve {
  let waiting: Parameters<Serve>[] = [];
  let isAccepting = false;
  let hasAccepted = false; // in this turn
  let since = 0;
  const endTurn = () => {
    if (hasAccepted && now() - since < MOST_MS) {
      hasAccepted = false;
      setImmediate(endTurn);
      return;
    }
    isAccepting = false;
    const ready = waiting;
    waiting = [];
    for (const [request, response] of ready) {
      if (!request.destroyed) serve(request, response); // else its client has gone
    }
  };
  server.on('connection', () => {
    hasAccepted = true;
    if (isAccepting) return;
    isAccepting = true;
    since = now();
    setImmediate(endTurn);
  });
  return (request, response) => {
    if (isAccepting) waiting.push([request, response]);
    else serve(request, response);
  };
}
