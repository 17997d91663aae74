/**
 * MCP over requests of node:http, for every protocol version: sessions for clients that open one, the fast path for
 * plain tool calls, the SDK for everything else. Does not check Host and Origin; see http.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { createMcpHandler, isLegacyRequest, type McpServerFactory } from '@modelcontextprotocol/server';
import type { CrmError } from '../contract/errors.js';
import type { CallTool, ServerInfo } from '../mcp/server.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { createEventLog } from './event-log.js';
import { createFastPath, STATELESS_VERSION } from './fast-path.js';
import { sendJsonRpcError } from './host-origin-check.js';
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
export interface McpApplication {
  readonly factory: McpServerFactory;
  readonly callTool: CallTool;
  readonly serverInfo: ServerInfo;
  /** Whether a tool may ask the client's user. */
  readonly mayAsk?: (toolName: string) => boolean;
  /** Whether the headers carry the credential of a known caller; without it no caller gets a session. */
  readonly isKnown?: (headers: CallHeaders) => Promise<boolean>;
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
  readonly onError: (error: Error) => void;
}

export interface McpEndpoint {
  /** Serves a request; `rejection` rejects new work, but lets responses to the server's own requests pass. */
  serve(request: IncomingMessage, response: ServerResponse, headers: CallHeaders, rejection?: CrmError): Promise<void>;
  /** Ends the streams on which no client waits for a response. */
  endStreams(): void;
  close(): Promise<void>;
}

/** The largest body of the contract, plus its JSON-RPC envelope. */
export const MAX_MCP_BODY_BYTES = 1024 * 1024;

/** Serves MCP. */
export function createMcpEndpoint(application: McpApplication, { sessions: limits, onError }: McpOptions): McpEndpoint {
  const maxBodyBytes = MAX_MCP_BODY_BYTES;
  const { factory } = application;
  const handler = createMcpHandler(factory, { onerror: onError, maxRequestBodySize: maxBodyBytes });
  const fastPath = createFastPath({ ...application, maxBodyBytes });
  const sessions = limits && createConnectionRegistry<Session>(application, limits);
  const log = createEventLog(monotonic);
  const open = (id: string, onEnd: () => void) => openSession(id, onEnd, { factory, log, maxBodyBytes, onError });
  const listening = new Set<ServerResponse>();
  const addListening = (response: ServerResponse) => {
    listening.add(response);
    response.once('close', () => listening.delete(response));
  };

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
    const missing = sessions !== undefined && id !== undefined ? sessionNotFound() : undefined;
    const error = rejection ?? missing;
    if (error !== undefined && held === undefined) return sendJsonRpcError(response, error);
    held?.hold(response);

    const hasUser = held?.connection.hasUser;
    const unhandled = rejection === undefined ? await fastPath(request, response, headers, hasUser) : request;
    if (unhandled === undefined) return;
    const fetch: WebHandler = async (web, message) => {
      if (rejection !== undefined && !isClientResponse(message)) throw rejection;
      attachHeaders(web, headers);
      if (web.method === 'GET' || methodOf(message) === 'subscriptions/listen') addListening(response);
      const inSession = await serveInSession({ request: web, message, response, headers }, held);
      return inSession ?? handler.fetch(web, message === undefined ? {} : { parsedBody: message });
    };
    await serveWithWebHandler(unhandled, response, fetch, { maxBodyBytes, onError });
  };
  return {
    serve,
    endStreams: () => listening.forEach((response) => void response.end()),
    close: async () => {
      sessions?.close();
      await handler.close();
    },
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

/** The session a request names, if its protocol version has sessions. */
function sessionIdOf({ headers }: IncomingMessage): string | undefined {
  if (headers['mcp-protocol-version'] === STATELESS_VERSION) return undefined;
  return headers[SESSION_ID]?.toString();
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
