/** The HTTP door with the REST surface over a world, and requests as raw as a test wants them. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { Backend } from '../../src/contract/backend.js';
import { createPublishedDocuments } from '../../src/contract/published-documents.js';
import type { Application } from '../../src/mcp/server.js';
import { httpApplicationOf, openHttp } from '../../src/transport/http.js';
import { createRest } from '../../src/transport/rest.js';
import type { Data } from './world.js';

export interface RestDoor {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** What the door told its operator. */
  readonly errors: readonly Error[];
  close(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The body parsed; undefined when there is none, or it is no JSON. */
  readonly json: Data;
}

/** Opens a door on loopback over an application. */
export async function openRest(application: Application): Promise<RestDoor> {
  const operations = application.catalogue.entries.map(({ operation }) => operation);
  const rest = createRest({
    pipeline: application.pipeline,
    operations,
    documents: createPublishedDocuments('openapi.yaml', 'dist/openapi.json'),
  });
  const errors: Error[] = [];
  const door = await openHttp(httpApplicationOf(application, rest), {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    allowedOrigins: ['app.example.com'],
    onError: (error) => void errors.push(error),
  });
  return { origin: new URL(door.url).origin, errors, close: door.close };
}

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: string | Buffer;
}

/** One request on a connection of its own; a POST of JSON unless it says otherwise. */
export function send({ origin }: RestDoor, { method = 'POST', path, headers = {}, body }: Sent): Promise<Reply> {
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

/** A POST of a value to an endpoint of the contract. */
export function post(door: RestDoor, path: string, value: unknown, headers: object = {}): Promise<Reply> {
  return send(door, { path: `/crm${path}`, headers: { ...headers }, body: JSON.stringify(value) });
}

/** Bytes on a connection of their own; resolves with all that came until the server, or `enough`, ended it. */
export function exchange(
  { origin }: RestDoor,
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
    socket.on('error', () => {}); // what came until then is the answer
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}

/** The application over its store, but for what another backend does its own way. */
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
