/** The HTTP transport with the REST surface over a world, and raw requests to it. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { Backend } from '../../src/contract/backend.js';
import { createPublishedDocuments } from '../../src/contract/published-documents.js';
import type { Application } from '../../src/mcp/server.js';
import { httpApplicationOf, openHttp } from '../../src/transport/http.js';
import { createRest } from '../../src/transport/rest.js';
import type { Data } from './world.js';

export interface RestServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** Errors reported to the operator. */
  readonly errors: readonly Error[];
  close(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The parsed body; undefined without a body or when it is not JSON. */
  readonly json: Data;
}

/** Serves an application on loopback. */
export async function openRest(application: Application): Promise<RestServer> {
  const operations = application.catalogue.entries.map(({ operation }) => operation);
  const rest = createRest({
    pipeline: application.pipeline,
    operations,
    documents: createPublishedDocuments('openapi.yaml', 'dist/openapi.json'),
  });
  const errors: Error[] = [];
  const server = await openHttp(httpApplicationOf(application, rest), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: ['app.example.com'],
    onError: (error) => void errors.push(error),
  });
  return { origin: new URL(server.url).origin, errors, close: server.close };
}

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: string | Buffer;
}

/** Sends one request on its own connection; by default a POST of JSON. */
export function send({ origin }: RestServer, { method = 'POST', path, headers = {}, body }: Sent): Promise<Reply> {
  const all = { ...(method === 'POST' ? { 'content-type': 'application/json' } : {}), ...headers };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return new Promise((resolve, reject) => {
    const outgoing = request(`${origin}${path}`, { method, headers: Object.fromEntries(given) as Data, agent: false });
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      const { statusCode = 0, headers } = response;
      response.on('end', () => resolve({ status: statusCode, headers, text, json: parsed(text) }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Posts a value to an endpoint of the contract. */
export function post(server: RestServer, path: string, value: unknown, headers: object = {}): Promise<Reply> {
  return send(server, { path: `/crm${path}`, headers: { ...headers }, body: JSON.stringify(value) });
}

/** Sends bytes on their own connection; resolves with all text received until the server, or `enough`, ends it. */
export function exchange(
  { origin }: RestServer,
  bytes: string | Buffer,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
      if (enough(text)) socket.destroy();
    });
    socket.on('error', () => {}); // the text received so far is the result
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}

/** The application with some methods of its backend replaced. */
export function withBackend(application: Application, other: Partial<Backend>): Application {
  const { backend } = application.pipeline;
  const mixed = { ...backend, identify: backend.identify.bind(backend), ...other };
  return { ...application, pipeline: { ...application.pipeline, backend: mixed } };
}

function parsed(text: string): Data {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
