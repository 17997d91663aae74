/**
 * The ways a call can reach the embedded CRM: at once, or through a gateway to its REST door. Through a gateway every
 * envelope is held against what the store itself says; a difference fails the test that made the call.
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
 * `embedded`: the pipeline over the store. `gateway`: callers' own credentials go upstream. `second-org`: credentials
 * held for callers, and a populated neighbour in the same database. Upstream is our REST, which honours keys.
 */
export type Path = 'embedded' | 'gateway' | 'second-org';

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
/** Stories may start a thousand calls at once; a gateway turns away what would wait too long. */
const AT_ONCE = 200;

/** Opens the REST door over `embedded`, and a gateway to it that stamps calls by `clock`. */
export async function openDetour(
  path: Exclude<Path, 'embedded'>,
  embedded: Application,
  log: Log,
  clock: () => number = Date.now,
): Promise<Detour> {
  const answered = new Map<string, Envelope>();
  const places = createConcurrencyLimit(AT_ONCE, Number.POSITIVE_INFINITY);
  const door = await openDoor(embedded, answered);
  const db = openGatewayDb({ path: ':memory:' });
  const held = path === 'second-org';
  const backend = createGateway({
    base: new URL(`http://127.0.0.1:${(door.address() as AddressInfo).port}/crm`),
    operations: CONTRACT.operations,
    honoursKeys: true,
    responseValidation: 'strict',
    dataSchemaOf: ({ id }) => RESPONSES.get(id),
    upstreamCredentials: held ? createHeldCredentials(db) : (credentials) => credentials,
    sendOnce: (_performance, send) => send(),
    report: (event) => {
      throw new Error(`the gateway is not content: ${JSON.stringify(event)}`);
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
      const leave = await new Promise<Release>((granted) => {
        const place = places.take(() => queueMicrotask(() => granted(place as Release)));
      });
      const envelope = await call(application.pipeline, {
        operation,
        arguments: args,
        headers: parseHeaders(headers),
      }).finally(leave);
      const { request_id = '' } = envelope.stats;
      const known = answered.get(request_id);
      answered.delete(request_id);
      const original = parseHeaders({ ...headers, ...originals.get(headers[API_KEY]) });
      const request = { operation, arguments: args, headers: original };
      const [here, there] =
        known === undefined
          ? [comparable(envelope), comparable(await call(embedded.pipeline, request))]
          : [envelope, known];
      if (!isDeepStrictEqual(here, there)) {
        throw new Error(
          `${operation.id} through the gateway: ${JSON.stringify(here)}\nat once: ${JSON.stringify(there)}`,
        );
      }
      return envelope;
    },
    async close() {
      await backend.close();
      await db.close();
      door.closeAllConnections();
      await new Promise((done) => door.close(done));
    },
  };
}

/** The REST surface, and every envelope it sends under the name of its call. */
function openDoor({ pipeline }: Application, answered: Map<string, Envelope>): Promise<Server> {
  const rest = createRest({ pipeline, operations: CONTRACT.operations });
  const server = createServer((request, response) => {
    const end = response.end.bind(response);
    response.end = ((chunk?: unknown) => {
      const envelope = JSON.parse(String(chunk)) as Envelope;
      answered.set(String(envelope.stats.request_id), envelope);
      return end(chunk);
    }) as typeof response.end;
    void rest(request, response, parseHeaders(request.headers));
  });
  server.keepAliveTimeout = 60_000; // a test that holds up the loop must not look like an upstream that hangs up
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
 * What two equal refusals share. Their names and times differ, and so do fingerprints where the caller's key is not the
 * upstream's.
 */
function comparable(envelope: Envelope): unknown {
  const blank = ['request_id', 'trace_id', 'timestamp_utc', 'latency_ms', 'api_key_fingerprint'];
  return JSON.parse(JSON.stringify(envelope, (key, value) => (blank.includes(key) ? '' : value)));
}
