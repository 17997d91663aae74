/** A minimal MCP client over HTTP for tests of many calls: one socket, one request at a time, raw bodies. */
import { connect } from 'node:net';

export interface Wire {
  /** Sends an MCP request; resolves with the raw body, chunk sizes included. */
  send(headers: Readonly<Record<string, unknown>>, method: string, params: object): Promise<string>;
  close(): void;
}

export function openWire(url: string): Wire {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('utf8');
  let waiting: { found(body: string): void; failed(error: Error): void } | undefined;
  let text = '';
  socket.on('data', (part: string) => {
    text += part;
    if (!isWhole(text)) return;
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    text = '';
    waiting?.found(body);
  });
  socket.on('error', (error) => waiting?.failed(error));
  socket.on('close', () => waiting?.failed(new Error('the server closed the connection')));
  return {
    send: (headers, method, params) =>
      new Promise((found, failed) => {
        waiting = { found, failed };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.write(
          `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n` +
            `accept: application/json, text/event-stream\r\n${lines.join('')}` +
            `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      }),
    close: () => void socket.removeAllListeners('close').destroy(),
  };
}

/** The JSON-RPC result in a body, as JSON or as the one event of a stream. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of results they do not type
export function resultOf(body: string): any {
  return JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)).result;
}

/** Whether the last chunk, or the declared number of bytes, has arrived. */
function isWhole(text: string): boolean {
  if (text.endsWith('\r\n0\r\n\r\n')) return true;
  const announced = /^content-length: (\d+)\r$/im.exec(text.slice(0, 2000))?.[1];
  const start = text.indexOf('\r\n\r\n') + 4;
  return announced !== undefined && Buffer.byteLength(text.slice(start)) >= Number(announced);
}
