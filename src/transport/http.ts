/** The HTTP door: MCP at /mcp for every protocol era, REST under /crm, with Host and Origin checked first. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { API_VERSION } from '../contract/version.js';
import { type Application, createCallTool, createServerFactory } from '../mcp/server.js';
import { callerOf } from '../pipeline/call.js';
import { CLIENT_ADDRESS, HEADER_NAMES, type Headers, REQUEST_ID } from '../pipeline/headers.js';
import { clientAddressOf } from './client-address.js';
import { createCors } from './cors.js';
import { createHealth } from './health.js';
import { createHostOriginCheck, createMalformedRequestHandler, sendJsonRpcError } from './host-origin-check.js';
import {
  createConnectionRegistry,
  createMcpEndpoint,
  type McpApplication,
  type SessionLimits,
} from './mcp-endpoint.js';
import type { Pages } from './pages.js';
import { isRestPath, type Rest } from './rest.js';
import { createGracefulShutdown, type ShutdownLimits } from './shutdown.js';
import { createSse, type Sse } from './sse.js';
import type { SseStream } from './sse-stream.js';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Host names (no port) besides loopback that requests may be addressed to. */
  readonly allowedHosts: readonly string[];
  /** Origin host names besides loopback whose pages may call; `null` for pages that have none. */
  readonly allowedOrigins: readonly string[];
  /** Proxies of the operator's own that every request comes through; default none. */
  readonly trustedProxies?: number;
  /** For clients of the 2025 eras; without it there are none. */
  readonly sessions?: SessionLimits | undefined;
  /** Serve the transport of 2024-11-05 too; needs `sessions`, whose limits are its own. */
  readonly sse?: boolean;
  /** How long closing may take; default five seconds for what is under way, and no grace. */
  readonly drain?: ShutdownLimits;
  /** Whether calls would be answered; default yes. */
  readonly isReady?: () => boolean | Promise<boolean>;
  readonly pages?: Pages;
  readonly onError: (error: Error) => void;
}

/** What the door serves: MCP, and the REST surface, if there is one. */
export interface HttpApplication extends McpApplication {
  /** A name for a request, which the call in it takes over; default a random UUID. */
  readonly nameRequest?: () => string;
  readonly rest?: Rest;
}

export interface HttpTransport {
  /** Where MCP clients connect, with the port that was really taken. */
  readonly url: string;
  /** Says so, takes nothing new, lets what is under way finish, then closes. */
  close(): Promise<void>;
}

/** An application as the HTTP door serves it. */
export function httpApplicationOf(application: Application, rest?: Rest): HttpApplication {
  return {
    factory: createServerFactory(application, headersOf),
    callTool: createCallTool(application),
    serverInfo: application.info,
    isKnown: async (headers) => (await callerOf(application.pipeline, headers)) !== undefined,
    nameRequest: () => application.pipeline.makeStamp({}).request_id,
    ...(application.confirmation === undefined ? {} : { mayAsk: application.confirmation.covers }),
    ...(rest === undefined ? {} : { rest }),
  };
}

/** The headers of the contract among those of a request. The request's name goes to the first who asks: one call. */
export function headersOf(request: Request | undefined): Headers {
  const pairs = HEADER_NAMES.map((name) => [name, request?.headers.get(name) ?? undefined]);
  request?.headers.delete(REQUEST_ID);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

export const MCP_PATH = '/mcp';

const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 65_000;
const DRAIN: ShutdownLimits = { graceMs: 0, drainMs: 5_000 };
/** Connections that are open for no reason we know of are given this long to go. */
const FAREWELL_MS = 500;

/**
 * Opens the HTTP door.
 * @throws Error when the address is taken or may not be bound.
 */
export async function openHttp(face: HttpApplication, options: HttpOptions): Promise<HttpTransport> {
  const { onError, allowedHosts, allowedOrigins, isReady = () => true } = options;
  const mcp = createMcpEndpoint(face, options);
  const sse = createSseFor(face, options);
  const objectionTo = createHostOriginCheck(allowedHosts, allowedOrigins);
  const answerCors = createCors(allowedOrigins);
  const departure = createGracefulShutdown(options.drain ?? DRAIN);
  const answerHealth = createHealth(() => !departure.isStopping && isReady());
  const nameRequest = face.nameRequest ?? randomUUID;
  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const name = nameRequest();
    req.headers[REQUEST_ID] = name; // over whatever the client sent
    req.headers[CLIENT_ADDRESS] = clientAddressOf(req, options.trustedProxies ?? 0); // this too
    res.setHeader('x-api-version', API_VERSION);
    res.setHeader(REQUEST_ID, name);
    const path = pathOf(req);
    if (await answerHealth(req, res, path)) return;
    const closing = departure.stoppingError;
    if (closing !== undefined) res.setHeader('connection', 'close');
    const stranger = objectionTo(req);
    if (stranger === undefined && (answerCors(req, res) || options.pages?.(req, res, path))) return;
    if (face.rest !== undefined && isRestPath(path)) await face.rest(req, res, stranger ?? closing);
    else if (stranger !== undefined) sendJsonRpcError(res, stranger);
    else if (path === MCP_PATH) await mcp.serve(req, res, closing);
    else if (!(await sse?.serve(req, res, path, closing))) notHere(res);
  };
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    const served = serve(req, res).catch((error) => {
      onError(error as Error);
      res.destroy();
    });
    departure.track(served, res);
  };
  const server = createServer(SERVER_OPTIONS, listener);
  server.on('checkExpectation', listener).on('clientError', createMalformedRequestHandler(nameRequest));
  await listen(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}${MCP_PATH}`,
    close: async () => {
      await departure.drain(() => {
        mcp.endStreams();
        sse?.endStreams();
      });
      const shut = shutDown(server);
      sse?.close();
      await mcp.close();
      await shut;
    },
  };
}

const SERVER_OPTIONS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  requireHostHeader: false, // the admission asks for it, in the form of every other refusal
};

function createSseFor(face: HttpApplication, { sse, sessions, onError }: HttpOptions): Sse | undefined {
  if (sse !== true || sessions === undefined) return undefined;
  return createSse({ factory: face.factory, streams: createConnectionRegistry<SseStream>(face, sessions), onError });
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function notHere(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: `Nothing is served here. MCP clients connect to ${MCP_PATH}.` }));
}

function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Takes no connection any more, and ends those there are, the idle ones first. */
function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), FAREWELL_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
