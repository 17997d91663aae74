/**
 * MCP over requests of node:http, for every protocol version: sessions for clients that open one, the fast path for
 * plain tool calls, the SDK for everything else. Does not check Host and Origin; see http.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { createMcpHandler, isLegacyRequest, type McpServerFactory } from '@modelcontextprotocol/server';
import { CrmError } from '../contract/errors.js';
import type { FindMissingScopes } from '../mcp/missing-scopes.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { normaliseAccept } from './accept.js';
import { type Bearer, endWithToken } from './bearer.js';
import { createEventLog } from './event-log.js';
import { createFastPath, type FastExchange, withBody } from './fast-path.js';
import { sendJsonRpcError } from './host-origin-check.js';
import { createIdsInFlight } from './ids-in-flight.js';
import { BATCH_VERSION } from './json-rpc.js';
import { MAX_MCP_BODY_BYTES, readMcpBody, sendFault } from './mcp-body.js';
import { messagesIn, type PlainCallService, STATELESS_VERSION } from './plain-call.js';
import { attachHeaders } from './request-headers.js';
import {
  createSessionRegistry,
  type ManagedConnection,
  type RegistryEntry,
  type SessionRegistry,
} from './session-registry.js';
import { openSession, SESSION_ID, type Session, sessionNotFound } from './sessions.js';
import { serveWithWebHandler, type WebHandler } from './web-adapter.js';

/** What is served: the SDK's servers, and tool calls without the SDK. */
export interface McpApplication extends PlainCallService {
  readonly factory: McpServerFactory;
  /** Whether the headers carry the credential of a known caller; without it no caller gets a session. */
  readonly isKnown?: (headers: CallHeaders) => Promise<boolean>;
  /** Which scopes an access token lacks for messages. */
  readonly missingScopes?: FindMissingScopes;
}

export interface SessionLimits {
  /** Concurrent sessions. */
  readonly most: number;
  /** A session that is unused for this long ends. */
  readonly idleMs: number;
}

export interface McpOptions {
  /** Without it there are no sessions, and nothing is kept between requests. */
  readonly sessions?: SessionLimits | undefined;
  readonly bearer?: Bearer | undefined;
  readonly onError: (error: Error) => void;
}

export interface McpEndpoint {
  /** Serves a request; `rejection` rejects new work, but lets responses to the server's own requests pass. */
  serve(request: IncomingMessage, response: ServerResponse, headers: CallHeaders, rejection?: CrmError): Promise<void>;
  /** Ends the streams on which no client waits for a response. */
  endStreams(): void;
  /** What is open: sessions, and streams for messages of the server. */
  open(): { readonly sessions: number; readonly streams: number };
  close(): Promise<void>;
}

/** Serves MCP. */
export function createMcpEndpoint(application: McpApplication, options: McpOptions): McpEndpoint {
  const { sessions: limits, onError } = options;
  const handler = createMcpHandler(application.factory, { onerror: onError, maxRequestBodySize: MAX_MCP_BODY_BYTES });
  const fastPath = createFastPath(application);
  const sessions = limits && createConnectionRegistry<Session>(application, limits);
  const log = createEventLog(monotonic);
  const open = (id: string, onEnd: () => void) =>
    openSession(id, onEnd, { factory: application.factory, log, maxBodyBytes: MAX_MCP_BODY_BYTES, onError });
  const adapter = { maxBodyBytes: MAX_MCP_BODY_BYTES, onError };
  const listening = new Set<ServerResponse>();
  const scopeError = createScopeCheck(application, options);

  /** Runs a message in its session, opening one for `initialize`; undefined when it belongs to none. */
  const serveInSession = async (
    { request, message, response, headers }: Exchange,
    held: RegistryEntry<Session> | undefined,
  ): Promise<Response | undefined> => {
    const opens = sessions !== undefined && methodOf(message) === 'initialize';
    if ((held === undefined && !opens) || !(await isLegacyRequest(request, message))) return undefined;
    if (held !== undefined) return held.connection.fetch(request, message);
    const opened = await sessions?.open(headers, open);
    opened?.hold(response);
    return opened?.connection.fetch(request, message);
  };

  const serve: McpEndpoint['serve'] = async (request, response, headers, rejection) => {
    const id = sessionIdOf(request);
    const held = id === undefined ? undefined : sessions?.find(id, headers);
    const noSession = sessions !== undefined && id !== undefined ? sessionNotFound() : undefined;
    const error = rejection ?? noSession;
    if (error !== undefined && held === undefined) return sendJsonRpcError(response, error);
    held?.hold(response);

    normaliseAccept(request);
    const fetch: WebHandler = async (web, message) => {
      if (rejection !== undefined && !isClientResponse(message)) throw rejection;
      attachHeaders(web, headers);
      if (web.method === 'GET' || methodOf(message) === 'subscriptions/listen') listen(listening, headers, response);
      const inSession = await serveInSession({ request: web, message, response, headers }, held);
      return inSession ?? handler.fetch(web, message === undefined ? {} : { parsedBody: message });
    };
    if (request.method !== 'POST') {
      return serveWithWebHandler(request, response, fetch, adapter);
    }
    const body = await readMcpBody(request, response);
    if (body instanceof CrmError) return sendJsonRpcError(response, body);
    const { read, call } = messagesIn(body, versionOf(request, held));
    if ('code' in read) return sendFault(response, read);
    const lacking = await scopeError({ request, response, headers }, read.messages);
    if (lacking !== undefined) return sendJsonRpcError(response, lacking);
    const ids = held?.connection.ids ?? (read.isBatch ? createIdsInFlight() : undefined); // else there is only one
    const fault = ids?.take(read);
    if (fault !== undefined) return sendFault(response, fault);
    const release = () => ids?.releaseAll(read.messages);
    if (call !== undefined && rejection === undefined) {
      const exchange = { request, response, headers, call, hasUser: held?.connection.hasUser };
      if (await fastPath({ ...exchange, onResult: release })) return;
    }
    await serveWithWebHandler(withBody(request, body), response, releasing(fetch, release), adapter);
  };
  return {
    serve,
    open: () => ({ sessions: sessions?.size ?? 0, streams: listening.size }),
    endStreams: () => listening.forEach((response) => void response.end()),
    close: async () => {
      sessions?.close();
      await handler.close();
    },
  };
}

/** Keeps a stream of messages until it is closed, or the access token that opened it expires. */
function listen(listening: Set<ServerResponse>, headers: CallHeaders, response: ServerResponse): void {
  listening.add(response);
  response.once('close', () => listening.delete(response));
  endWithToken(headers, response, () => void response.end());
}

/** The error of messages for which the access token was not issued, if there is one. */
function createScopeCheck({ missingScopes }: McpApplication, { bearer }: McpOptions) {
  return async (
    { request, response, headers }: Pick<FastExchange, 'response' | 'headers'> & { readonly request: IncomingMessage },
    messages: readonly unknown[],
  ): Promise<CrmError | undefined> => {
    const missing = bearer && (await missingScopes?.(headers, messages));
    if (bearer === undefined || missing === undefined || missing.length === 0) return undefined;
    return bearer.lacksScopes(response, headers, missing, isStateless(request));
  };
}

/**
 * The protocol version that decides about batches: the negotiated one, unless the header names another. Without both it
 * is the version that MCP tells a server to assume, which has batches.
 */
function versionOf({ headers }: IncomingMessage, held: RegistryEntry<Session> | undefined): string | undefined {
  const named = headers['mcp-protocol-version']?.toString();
  if (held !== undefined && (named === undefined || named === BATCH_VERSION)) return held.connection.version;
  return named ?? BATCH_VERSION;
}

/** Releases the ids of a request that the SDK rejects; in a session, others are released by their responses. */
function releasing(fetch: WebHandler, release: () => void): WebHandler {
  return async (request, message) => {
    try {
      const response = await fetch(request, message);
      if (!response.ok) release();
      return response;
    } catch (error) {
      release();
      throw error;
    }
  };
}

/** One message from a client, and where its response goes. */
interface Exchange {
  readonly request: Request;
  readonly message: unknown;
  readonly response: ServerResponse;
  readonly headers: CallHeaders;
}

const NEVER_KNOWN = async () => false;

/** Keeps connections of known callers, within these limits. */
export function createConnectionRegistry<Connection extends ManagedConnection>(
  application: McpApplication,
  limits: SessionLimits,
): SessionRegistry<Connection> {
  const isKnown = application.isKnown ?? NEVER_KNOWN;
  return createSessionRegistry<Connection>({ ...limits, isKnown, clock: monotonic });
}

function monotonic(): number {
  return performance.now();
}

function isStateless({ headers }: IncomingMessage): boolean {
  return headers['mcp-protocol-version'] === STATELESS_VERSION;
}

/** The session a request names, if its protocol version has sessions. */
function sessionIdOf(request: IncomingMessage): string | undefined {
  return isStateless(request) ? undefined : request.headers[SESSION_ID]?.toString();
}

function methodOf(message: unknown): unknown {
  return (message as { readonly method?: unknown } | null | undefined)?.method;
}

/** Whether a message starts no work: a response to a request of the server, or a notification. */
function isClientResponse(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    !Array.isArray(message) &&
    !('id' in message && 'method' in message)
  );
}
