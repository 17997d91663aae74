/** The HTTP transport: MCP at /mcp for every protocol version, REST under /crm, both behind Host and Origin checks. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Readiness } from '../contract/backend.js';
import { API_VERSION } from '../contract/version.js';
import { createFindMissingScopes } from '../mcp/missing-scopes.js';
import { type Application, createCallTool, createServerFactory } from '../mcp/server.js';
import { callerOf } from '../pipeline/call.js';
import { CLIENT_ADDRESS, parseHeaders, REQUEST_ID } from '../pipeline/headers.js';
import { acceptFirst } from './accept-first.js';
import type { Bearer } from './bearer.js';
import { clientAddressOf } from './client-address.js';
import { type ConnectionLimit, createConnectionLimit } from './connection-limit.js';
import { createCors } from './cors.js';
import { createHealth } from './health.js';
import {
  createHostOriginCheck,
  createMalformedRequestHandler,
  repeatedHost,
  sendJsonRpcError,
} from './host-origin-check.js';
import { discard } from './http-body.js';
import {
  createConnectionRegistry,
  createMcpEndpoint,
  type McpApplication,
  type McpEndpoint,
  type SessionLimits,
} from './mcp-endpoint.js';
import type { ServeMetrics } from './metrics-endpoint.js';
import type { Pages } from './pages.js';
import { headersOf } from './request-headers.js';
import { isRestPath, type Rest } from './rest.js';
import { createGracefulShutdown, type GracefulShutdown, type ShutdownLimits } from './shutdown.js';
import { createSse, MESSAGES_PATH, SSE_PATH, type Sse } from './sse.js';
import type { SseStream } from './sse-stream.js';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Host names (no port) besides loopback that requests may be addressed to. */
  readonly allowedHosts: readonly string[];
  /** Origin host names besides loopback whose pages may call; `null` for pages that have no origin. */
  readonly allowedOrigins: readonly string[];
  /** The number of the operator's own proxies that every request passes; default none. */
  readonly trustedProxies?: number;
  /** For clients of the 2025 protocol versions; without it there are no sessions. */
  readonly sessions?: SessionLimits | undefined;
  /** Serve the HTTP+SSE transport of 2024-11-05 too; needs `sessions` and applies the same limits separately. */
  readonly sse?: boolean;
  /** Limits of a graceful shutdown; default five seconds for in-flight calls and no grace period. */
  readonly drain?: ShutdownLimits;
  /** Whether calls would be served; default yes. */
  readonly isReady?: () => Readiness | Promise<Readiness>;
  /** Open connections; a further one is answered 503. */
  readonly maxConnections?: number;
  readonly pages?: Pages;
  /** Admits callers with access tokens; without it there is no OAuth. */
  readonly bearer?: Bearer | undefined;
  /** Serves the operator's metrics; without it there are none on this port. */
  readonly metrics?: ServeMetrics;
  readonly onError: (error: Error) => void;
}

/** What the transport serves: MCP, and the REST surface if there is one. */
export interface HttpApplication extends McpApplication {
  /** Makes the id of a request, which the call in it takes over; default a random UUID. */
  readonly nameRequest?: () => string;
  readonly rest?: Rest;
  /** Makes the servers of the HTTP+SSE transport; default `factory`. */
  readonly sseFactory?: McpApplication['factory'];
}

export interface HttpTransport {
  /** Where MCP clients connect, with the actual port. */
  readonly url: string;
  /** What is open now, over Streamable HTTP and over HTTP+SSE. */
  open(): OpenConnections;
  /** Whether it rejects new calls, or soon will. */
  readonly isStopping: boolean;
  /** Shuts down gracefully: reports not ready, rejects new calls, drains in-flight calls, then closes. */
  close(): Promise<void>;
}

interface OpenConnections {
  readonly connections: number;
  readonly sessions: { readonly http: number; readonly sse: number };
  readonly streams: { readonly http: number; readonly sse: number };
}

/** An application as the HTTP transport serves it. `overSse` replaces it on the HTTP+SSE transport. */
export function httpApplicationOf(application: Application, rest?: Rest, overSse?: Application): HttpApplication {
  return {
    factory: createServerFactory(application, headersOf),
    callTool: createCallTool(application),
    missingScopes: createFindMissingScopes(application),
    serverInfo: application.info,
    isKnown: async (headers) => (await callerOf(application.pipeline, headers)) !== undefined,
    nameRequest: application.pipeline.mintRequestId,
    ...(application.confirmation === undefined ? {} : { mayAsk: application.confirmation.covers }),
    ...(rest === undefined ? {} : { rest }),
    ...(overSse === undefined ? {} : { sseFactory: createServerFactory(overSse, headersOf) }),
  };
}

export const MCP_PATH = '/mcp';

const MAX_CONNECTIONS = 4096;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 65_000;
const DRAIN: ShutdownLimits = { graceMs: 0, drainMs: 5_000 };
/** How long connections may stay open after the drain before they are cut. */
const CLOSE_TIMEOUT_MS = 500;

/**
 * Opens the HTTP transport.
 * @throws Error when the address is taken or may not be bound.
 */
export async function openHttp(application: HttpApplication, options: HttpOptions): Promise<HttpTransport> {
  const mcp = createMcpEndpoint(application, options);
  const sse = createSseFor(application, options);
  const shutdown = createGracefulShutdown(options.drain ?? DRAIN);
  const nameRequest = application.nameRequest ?? randomUUID;
  const server = createServer(SERVER_OPTIONS);
  const limit = createConnectionLimit(server, options.maxConnections ?? MAX_CONNECTIONS);
  const serve = createDispatcher({ rest: application.rest, mcp, sse, shutdown, nameRequest, limit }, options);
  const listener = acceptFirst(server, (req, res) => {
    const served = serve(req, res).catch((error) => {
      options.onError(error as Error);
      res.destroy();
    });
    shutdown.track(served, res);
  });
  server
    .on('request', listener)
    .on('checkExpectation', listener)
    .on('clientError', createMalformedRequestHandler(nameRequest));
  await listen(server, options);
  return {
    url: urlOf(server, options),
    get isStopping() {
      return shutdown.isStopping;
    },
    open: () => ({
      connections: limit.open,
      sessions: { http: mcp.open().sessions, sse: sse?.size ?? 0 },
      streams: { http: mcp.open().streams, sse: sse?.size ?? 0 },
    }),
    close: async () => {
      await shutdown.drain(() => {
        mcp.endStreams();
        sse?.endStreams();
      });
      const closed = closeServer(server);
      sse?.close();
      await mcp.close();
      await closed;
    },
  };
}

const SERVER_OPTIONS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  requireHostHeader: false, // the Host check rejects its absence, in the form of every other error
};

interface Endpoints {
  readonly rest: Rest | undefined;
  readonly mcp: McpEndpoint;
  readonly sse: Sse | undefined;
  readonly shutdown: GracefulShutdown;
  readonly nameRequest: () => string;
  readonly limit: ConnectionLimit;
}

/** Names each request, checks where it comes from, and hands it to the endpoint of its path. */
function createDispatcher({ rest, mcp, sse, shutdown, nameRequest, limit }: Endpoints, options: HttpOptions) {
  const { allowedHosts, allowedOrigins, trustedProxies = 0, pages, bearer, metrics, isReady = () => true } = options;
  const checkHostAndOrigin = createHostOriginCheck(allowedHosts, allowedOrigins);
  const serveCors = createCors(allowedOrigins, bearer !== undefined);
  const serveHealth = createHealth(() => !shutdown.isStopping && isReady());
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const name = nameRequest();
    req.headers[REQUEST_ID] = name; // overwrites what the client sent
    req.headers[CLIENT_ADDRESS] = clientAddressOf(req, trustedProxies); // so does this
    res.setHeader('x-api-version', API_VERSION);
    res.setHeader(REQUEST_ID, name);
    const path = pathOf(req);
    const ambiguous = repeatedHost(req);
    const full = limit.check(req);
    if (full !== undefined || ambiguous !== undefined) res.setHeader('connection', 'close');
    if (ambiguous === undefined && (await serveHealth(req, res, path))) return;
    if (metrics !== undefined && (await metrics(req, res, path))) return;
    const stopping = full ?? shutdown.stoppingError;
    if (stopping !== undefined) res.setHeader('connection', 'close');
    const forbidden = ambiguous ?? checkHostAndOrigin(req);
    if (forbidden === undefined && (serveCors(req, res) || pages?.(req, res, path))) return;
    if (forbidden === undefined && bearer?.serveMetadata(req, res, path)) return;
    const isRest = rest !== undefined && isRestPath(path);
    const sent = parseHeaders(req.headers);
    const needsCaller = bearer !== undefined && forbidden === undefined && (isRest || isMcpPath(path));
    const { headers, rejection } = needsCaller
      ? await bearer.admit(req, res, sent, isRest)
      : { headers: sent, rejection: undefined };
    const rejected = forbidden ?? rejection;
    if (isRest) await rest(req, res, headers, rejected ?? stopping);
    else if (rejected !== undefined) {
      if (rejection !== undefined) discard(req);
      sendJsonRpcError(res, rejected);
    } else if (path === MCP_PATH || path === `${MCP_PATH}/`) await mcp.serve(req, res, headers, stopping);
    else if (!(await sse?.serve(req, res, path, headers, stopping))) sendNotFound(res);
  };
}

/** Whether MCP is served at a path, over any of its HTTP transports. */
function isMcpPath(path: string): boolean {
  return [MCP_PATH, `${MCP_PATH}/`, SSE_PATH, MESSAGES_PATH].includes(path);
}

function createSseFor(application: HttpApplication, { sse, sessions, bearer, onError }: HttpOptions): Sse | undefined {
  if (sse !== true || sessions === undefined) return undefined;
  const streams = createConnectionRegistry<SseStream>(application, sessions);
  const { missingScopes } = application;
  return createSse({ factory: application.sseFactory ?? application.factory, streams, bearer, missingScopes, onError });
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function urlOf(server: Server, options: HttpOptions): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return `http://${host}:${port}${MCP_PATH}`;
}

function sendNotFound(response: ServerResponse): void {
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

/** Accepts no new connections and ends the open ones, idle ones first. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
