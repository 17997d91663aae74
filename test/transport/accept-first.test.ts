/** Connections are accepted before requests are served, for a time that is limited. */
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { acceptFirst } from '../../src/transport/accept-first.js';
import { READY_PATH } from '../../src/transport/health.js';
import { openHttp } from '../../src/transport/http.js';

afterEach(() => vi.useRealTimers());

test('of connections that are opened at once, none is served before all are accepted', async () => {
  vi.useFakeTimers({ toFake: ['performance'] }); // no time passes, so that only connections count
  const acceptedBefore: number[] = [];
  const transport = await openHttp(
    { factory: unused, callTool: unused, serverInfo: {} },
    {
      host: '127.0.0.1',
      port: 0,
      allowedHosts: [],
      allowedOrigins: [],
      isReady: () => acceptedBefore.push(transport.open().connections) > 0,
      onError: unused,
    },
  );
  const { port, host } = new URL(transport.url);
  const sockets = Array.from({ length: 8 }, () => connect({ host: '127.0.0.1', port: Number(port) }));
  for (const socket of sockets) socket.write(`GET ${READY_PATH} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  await Promise.all(sockets.map((socket) => once(socket, 'data')));
  for (const socket of sockets) socket.destroy();
  await transport.close();
  expect(acceptedBefore).toEqual(Array.from({ length: 8 }, () => 8));
});

test('requests wait 10 ms at most for connections that keep coming in', async () => {
  const { server, serve, served, clock } = stage();
  for (const time of [0, 4, 8]) {
    clock.now = time;
    server.emit('connection');
    serve(`at ${time}`);
    expect(served).toEqual([]);
    await nextTurn();
  }
  clock.now = 12;
  server.emit('connection');
  await nextTurn();
  expect(served).toEqual(['at 0', 'at 4', 'at 8']);
});

test('a request is served at once when no connection was accepted', async () => {
  const { server, serve, served } = stage();
  server.emit('connection');
  await nextTurn();
  await nextTurn();
  serve('later');
  expect(served).toEqual(['later']);
});

test('a request whose client has gone meanwhile is not served', async () => {
  const { server, serve, served } = stage();
  server.emit('connection');
  serve('left').destroyed = true;
  serve('stayed');
  await nextTurn();
  await nextTurn();
  expect(served).toEqual(['stayed']);
});

/** A server without sockets, what it has served, and its clock. */
function stage() {
  const server = new EventEmitter();
  const served: (string | undefined)[] = [];
  const clock = { now: 0 };
  const listener = acceptFirst(
    server as Server,
    ({ url }) => served.push(url),
    () => clock.now,
  );
  const serve = (url: string) => {
    const request = { url, destroyed: false };
    listener(request as IncomingMessage, {} as ServerResponse);
    return request;
  };
  return { server, serve, served, clock };
}

function unused(): never {
  throw new Error('not used here');
}
