/** The HTTP transport with sessions in this process, and raw clients: whole responses, streams read event by event. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Application } from '../../src/mcp/server.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { type HttpOptions, type HttpTransport, httpApplicationOf, openHttp } from '../../src/transport/http.js';
import type { Data } from './world.js';

export const JSON_RPC = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Opens the transport on a free port of loopback. */
export function openSessionTransport(
  application: Application,
  options: Partial<HttpOptions> = {},
): Promise<HttpTransport> {
  return openHttp(httpApplicationOf(application), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: [],
    sessions: { most: 100, idleMs: 60_000 },
    onError: () => {}, // client errors are reported here, and most of these tests cause some
    ...options,
  });
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The JSON of the body, or of the last event in it. */
  readonly json: Data;
}

type Sent = { readonly method?: string; readonly headers?: Headers; readonly body?: unknown };

/** Sends one request and reads the whole response. */
export async function ask(url: string, { method = 'POST', headers = {}, body }: Sent): Promise<Reply> {
  const stream = await openStream(url, { method, headers, body });
  await stream.ended;
  const { status, headers: answered } = stream;
  return { status, headers: answered, text: stream.text(), json: lastJson(stream.text()) };
}

export interface Stream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** All text received so far. */
  text(): string;
  /** Resolves with the first matching event; rejects when the stream ends without it. */
  event(matches: (event: StreamEvent) => boolean): Promise<StreamEvent>;
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>;
  /** Breaks the connection. */
  drop(): void;
}

export interface StreamEvent {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: string;
  /** The JSON-RPC message in the event; undefined when there is none. */
  readonly message: Data;
}

/** Sends a request and resolves when its response begins. */
export function openStream(url: string, { method = 'GET', headers = {}, body }: Sent): Promise<Stream> {
  const all = { ...JSON_RPC, ...headers } as Record<string, string>;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: all, agent: false });
    outgoing.once('error', reject).once('response', (response) => resolve(follow(outgoing, response)));
    outgoing.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function follow(outgoing: ClientRequest, response: IncomingMessage): Stream {
  let text = '';
  let look = () => {};
  response.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    look();
  });
  outgoing.on('error', () => {}); // the connection was broken by either side
  response.on('error', () => {});
  const ended = new Promise<void>((resolve) => response.once('close', () => resolve()));
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    event: (matches) =>
      new Promise((found, failed) => {
        look = () => {
          const event = eventsIn(text).find(matches);
          if (event !== undefined) found(event);
        };
        look();
        void ended.then(() => failed(new Error(`the stream ended without it: ${text}`)));
      }),
    ended,
    drop: () => void outgoing.destroy(),
  };
}

/** Every complete event of a stream. */
export function eventsIn(text: string): readonly StreamEvent[] {
  const blocks = text.split('\n\n').slice(0, -1);
  return blocks.map((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    const data = field('data') ?? '';
    return {
      id: field('id'),
      name: field('event'),
      data,
      message: data.startsWith('{') ? JSON.parse(data) : undefined,
    };
  });
}

function lastJson(text: string): Data {
  if (text.startsWith('{')) return JSON.parse(text);
  return eventsIn(text).at(-1)?.message;
}

export const message = (method: string, params: object = {}, id = 1) => ({ jsonrpc: '2.0', id, method, params });

export const notification = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params });

/** The first message of a client of the 2025 protocol versions. */
export const initialize = (capabilities: object = {}) =>
  message('initialize', {
    protocolVersion: '2025-11-25',
    capabilities,
    clientInfo: { name: 'raw', version: '1' },
  });

/** Opens a session; returns the headers of requests in it. */
export async function openSession(url: string, headers: Headers, capabilities: object = {}): Promise<Headers> {
  const { status, headers: answered, text } = await ask(url, { headers, body: initialize(capabilities) });
  const id = answered['mcp-session-id'];
  if (status !== 200 || id === undefined) throw new Error(`no session: ${status} ${text}`);
  const inSession = { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  await ask(url, { headers: inSession, body: notification('notifications/initialized') });
  return inSession;
}
