/**
 * The paths on which a call can reach the embedded CRM: directly, or through a gateway to its REST API. Through a
 * gateway, every envelope is compared with the store's own; a difference fails the test that made the call.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { createApplication } from '../../src/application.js';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { createConcurrencyLimit, type Release } from '../../src/gateway/concurrency-limit.js';
import { createGateway } from '../../src/gateway/gateway.js';
import { type GatewayDb, openGatewayDb } from '../../src/gateway/gateway-db.js';
import { createHeldCredentials, holdCredential } from '../../src/gateway/held-credentials.js';
import { createRandom32 } from '../../src/ids.js';
import type { Log } from '../../src/log.js';
import type { Application } from '../../src/mcp/server.js';
import { call } from '../../src/pipeline/call.js';
import { API_KEY, type Headers, ORGCODE, parseHeaders } from '../../src/pipeline/headers.js';
import { createRest } from '../../src/transport/rest.js';
import { RESPONSES } from './responses.js';

/**
 * `embedded`: the pipeline over the store on SQLite; `postgres`: on PostgreSQL. `gateway`: callers' own credentials go
 * upstream. `second-org`: credentials held for callers, and another org with data in the same database. The upstream is
 * our REST API, which honours keys.
 */
export type Path = 'embedded' | 'postgres' | 'gateway' | 'second-org';

export const PATH = (process.env.G3N_TEST_PATH ?? 'embedded') as Path;

/** A gateway in front of an application, over real HTTP. */
export interface Detour {
  readonly application: Application;
  /** The store's credentials as a caller of the gateway presents them. */
  present(headers: Headers): Promise<Headers>;
  send(operation: Operation, args: unknown, headers: Headers): Promise<Envelope>;
  close(): Promise<void>;
}

const DEADLINE_MS = 30_000;
/** Tests may start a thousand calls at once; a gateway rejects calls that would wait too long. */
const MAX_CONCURRENT = 200;

/** Opens a REST server over `embedded`, and a gateway to it that stamps calls by `clock`. */
export async function openDetour(
  path: 'gateway' | 'second-org',
  embedded: Application,
  log: Log,
  clock: () => number = Date.now,
): Promise<Detour> {
  const sent = new Map<string, Envelope>();
  const slots = createConcurrencyLimit(MAX_CONCURRENT, Number.POSITIVE_INFINITY);
  const server = await openRestServer(embedded, sent);
  const db = openGatewayDb({ path: ':memory:' });
  const held = path === 'second-org';
  const backend = createGateway({
    base: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/crm`),
    operations: CONTRACT.operations,
    honoursKeys: true,
    responseValidation: 'strict',
    dataSchemaOf: ({ id }) => RESPONSES.get(id),
    upstreamCredentials: held ? createHeldCredentials(db) : (credentials) => credentials,
    sendOnce: (_performance, send) => send(),
    report: (event) => {
      throw new Error(`the gateway reported an event: ${JSON.stringify(event)}`);
    },
    random32: createRandom32(),
    deadlineMs: DEADLINE_MS,
  });
  const application = createApplication(backend, log, { clock });
  const originals = new Map<unknown, Headers>();
  return {
    application,
    present: held ? (headers) => hold(db, headers, originals) : async (headers) => headers,
    async send(operation, args, headers) {
      const release = await new Promise<Release>((granted) => {
        const slot = slots.take(() => queueMicrotask(() => granted(slot as Release)));
      });
      const envelope = await call(application.pipeline, {
        operation,
        arguments: args,
        headers: parseHeaders(headers),
      }).finally(release);
      const { request_id = '' } = envelope.stats;
      const direct = sent.get(request_id);
      sent.delete(request_id);
      const original = parseHeaders({ ...headers, ...originals.get(headers[API_KEY]) });
      const request = { operation, arguments: args, headers: original };
      const [actual, expected] =
        direct === undefined
          ? [comparable(envelope), comparable(await call(embedded.pipeline, request))]
          : [envelope, direct];
      if (!isDeepStrictEqual(actual, expected)) {
        throw new Error(
          `${operation.id} through the gateway: ${JSON.stringify(actual)}\ndirectly: ${JSON.stringify(expected)}`,
        );
      }
      return envelope;
    },
    async close() {
      await backend.close();
      await db.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Opens the REST API, and records every envelope it sends by request id. */
function openRestServer({ pipeline }: Application, sent: Map<string, Envelope>): Promise<Server> {
  const rest = createRest({ pipeline, operations: CONTRACT.operations });
  const server = createServer((request, response) => {
    const end = response.end.bind(response);
    response.end = ((chunk?: unknown) => {
      const envelope = JSON.parse(String(chunk)) as Envelope;
      sent.set(String(envelope.stats.request_id), envelope);
      return end(chunk);
    }) as typeof response.end;
    void rest(request, response, parseHeaders(request.headers));
  });
  // A test that blocks the event loop must not look like an upstream that closes the connection.
  server.keepAliveTimeout = 60_000;
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

async function hold(db: GatewayDb, headers: Headers, originals: Map<unknown, Headers>): Promise<Headers> {
  const { [ORGCODE]: orgcode, [API_KEY]: secret } = headers;
  if (typeof orgcode !== 'string' || typeof secret !== 'string') return headers;
  const { caller_key } = await holdCredential(db, { orgcode, kind: 'api_key', secret, name: 'test' });
  originals.set(caller_key, { [API_KEY]: secret });
  return { ...headers, [API_KEY]: caller_key };
}

/**
 * Blanks the fields in which two equal errors differ: ids and times, and fingerprints if the caller's key is not the
 * upstream's.
 */
function comparable(envelope: Envelope): unknown {
  const blank = ['request_id', 'trace_id', 'timestamp_utc', 'latency_ms', 'api_key_fingerprint'];
  return JSON.parse(JSON.stringify(envelope, (key, value) => (blank.includes(key) ? '' : value)));
}
