/**
 * A load generator over raw keep-alive sockets: it sends prepared requests and reads lengths only, so that it needs
 * less of the machine than the server it measures.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { percentile } from './measure.js';

export interface Load {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tool: string;
  readonly args: object;
  /** Each has one call in flight. */
  readonly connections: number;
  readonly total: number;
}

/** Calls a second, and milliseconds that calls took. */
export interface Latencies {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

/** Makes the calls over connections that it opens and closes. @throws Error at the first failed call. */
export async function runLoad({ url, headers, tool, args, connections, total }: Load): Promise<Latencies> {
  const request = createRequest(new URL(url), headers, tool, args);
  const opened = await Promise.all(Array.from({ length: connections }, () => openConnection(new URL(url))));
  let left = total;
  const latencies: number[] = [];
  const started = performance.now();
  const drive = async (connection: Connection) => {
    while (left > 0) {
      left -= 1;
      const sent = performance.now();
      await connection.send(request());
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(opened.map(drive));
  const rate = total / ((performance.now() - started) / 1000);
  for (const connection of opened) connection.close();
  const worst = latencies.reduce((most, latency) => Math.max(most, latency), 0);
  return { rate, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), worst };
}

function createRequest({ host, pathname }: URL, headers: Readonly<Record<string, string>>, name: string, args: object) {
  const fields = Object.entries({
    ...headers,
    host,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  });
  const head = `POST ${pathname} HTTP/1.1\r\n${fields.map(([field, value]) => `${field}: ${value}\r\n`).join('')}`;
  let id = 0;
  return () => {
    id += 1;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });
    return `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  };
}

interface Connection {
  send(request: string): Promise<void>;
  close(): void;
}

const HEAD_END = '\r\n\r\n';

async function openConnection({ hostname, port }: URL): Promise<Connection> {
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let answer = '';
  let length = -1;
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  const fail = (error: Error) => waiting?.reject(error);
  socket.on('error', fail).on('close', () => fail(new Error('the server closed the connection')));
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk;
    if (length < 0) length = lengthOf(answer);
    if (length < 0 || answer.length < length) return;
    const whole = answer;
    answer = '';
    length = -1;
    if (isSuccess(whole)) waiting?.resolve();
    else fail(new Error(whole.slice(0, 1000)));
  });
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request, 'latin1');
      }),
    close: () => socket.destroy(),
  };
}

/** The length of a response with its head; -1 while the head is incomplete. */
function lengthOf(answer: string): number {
  const end = answer.indexOf(HEAD_END);
  if (end < 0) return -1;
  const length = /content-length: (\d+)/i.exec(answer.slice(0, end))?.[1];
  if (length === undefined) throw new Error(`no length: ${answer.slice(0, end)}`);
  return end + HEAD_END.length + Number(length);
}

function isSuccess(answer: string): boolean {
  return answer.startsWith('HTTP/1.1 200') && !answer.includes('"isError":true') && !answer.includes('"error":{');
}
