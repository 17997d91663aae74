/**
 * MCP over requests of node:http, whatever era: sessions for those that open one, the lane for plain tool calls, the
 * SDK for everything else. Not: who may knock (http.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { createMcpHandler, isLegacyRequest, type McpServerFactory } from '@modelcontextprotocol/server';
import type { CrmError } from '../contract/errors.js';
import type { CallTool, ServerInfo } from '../mcp/server.js';
import { contractHeaders, type Headers } from '../pipeline/headers.js';
import { createEventLog } from './event-log.js';
import { createFastPath, STATELESS_VERSION } from './fast-path.js';
import { sendJsonRpcError } from './host-origin-check.js';
import { createSessionRegistry, type ManagedConnection, type SessionRegistry } from './session-registry.js';
import { openSession, SESSION_ID, type Session, sessionNotFound } from './sessions.js';
import { serveWithWebHandler, type WebHandler } from './web-adapter.js';

/** What is served: the SDK's servers, and tool calls without the SDK. */
export interface McpApplication {
  readonly factory: McpServerFactory;
  readonly callTool: CallTool;
  readonly serverInfo: ServerInfo;
  /** Whether a tool may ask its client's user. */
  readonly mayAsk?: (toolName: string) => boolean;
  /** Whether headers carry the credential of somebody who is known; without it nobody has a session. */
  readonly isKnown?: (headers: Headers) => Promise<boolean>;
}

export interface SessionLimits {
  /** Sessions at once. */
  readonly most: number;
  /** One that nobody used for so long is over. */
  readonly idleMs: number;
}

export interface McpOptions {
  /** Without it there are no sessions, and nothing is kept between requests. */
  readonly sessions?: SessionLimits | undefined;
  readonly onError: (error: Error) => void;
}

export interface McpEndpoint {
  /** Answers a request; `objection` is what the door has against new work, answers to our questions excepted. */
  serve(request: IncomingMessage, response: ServerResponse, objection?: CrmError): Promise<void>;
  /** Ends the streams on which nobody waits for an answer. */
  endStreams(): void;
  close(): Promise<void>;
}

/** The largest body of the contract, and room for its JSON-RPC envelope. */
export const MAX_MCP_BODY_BYTES = 1024 * 1024;

/** Serves MCP. */
export function createMcpEndpoint(face: McpApplication, { sessions: limits, onError }: McpOptions): McpEndpoint {
  const maxBodyBytes = MAX_MCP_BODY_BYTES;
  const handler = createMcpHandler(face.factory, { onerror: onError, maxRequestBodySize: maxBodyBytes });
  const lane = createFastPath({ ...face, maxBodyBytes });
  const sessions = limits && createConnectionRegistry<Session>(face, limits);
  const log = createEventLog(monotonic);
  const open = (id: string, over: () => void) =>
    openSession(id, over, { factory: face.factory, log, maxBodyBytes, onError });
  const standing = new Set<ServerResponse>();
  const stand = (response: ServerResponse) => {
    standing.add(response);
    response.once('close', () => standing.delete(response));
  };

  const serve: McpEndpoint['serve'] = async (request, response, objection) => {
    const id = sessionIdOf(request);
    const held = id === undefined ? undefined : sessions?.find(id, contractHeaders(request.headers));
    const absent = sessions !== undefined && id !== undefined ? sessionNotFound() : undefined;
    const refusal = objection ?? absent;
    if (refusal !== undefined && held === undefined) return sendJsonRpcError(response, refusal);
    held?.hold(response);

    const unanswered = objection === undefined ? await lane(request, response, held?.connection.hasUser) : request;
    if (unanswered === undefined) return;
    const fetch: WebHandler = async (web, message) => {
      if (objection !== undefined && !isAnswer(message)) throw objection;
      if (web.method === 'GET' || methodOf(message) === 'subscriptions/listen') stand(response);
      const opens = sessions !== undefined && methodOf(message) === 'initialize';
      if ((held !== undefined || opens) && (await isLegacyRequest(web, message))) {
        if (held !== undefined) return held.connection.fetch(web, message);
        const opened = await sessions?.open(contractHeaders(request.headers), open);
        opened?.hold(response);
        if (opened !== undefined) return opened.connection.fetch(web, message);
      }
      return handler.fetch(web, message === undefined ? {} : { parsedBody: message });
    };
    await serveWithWebHandler(unanswered, response, fetch, { maxBodyBytes, onError });
  };
  return {
    serve,
    endStreams: () => standing.forEach((response) => void response.end()),
    close: async () => {
      sessions?.close();
      await handler.close();
    },
  };
}

const NOBODY = async () => false;

/** Keeps connections of known callers, within those limits. */
export function createConnectionRegistry<Kept extends ManagedConnection>(
  face: McpApplication,
  limits: SessionLimits,
): SessionRegistry<Kept> {
  return createSessionRegistry<Kept>({ ...limits, isKnown: face.isKnown ?? NOBODY, clock: monotonic });
}

function monotonic(): number {
  return performance.now();
}

/** The session a request names, if it is of an era that has sessions. */
function sessionIdOf({ headers }: IncomingMessage): string | undefined {
  if (headers['mcp-protocol-version'] === STATELESS_VERSION) return undefined;
  return headers[SESSION_ID]?.toString();
}

function methodOf(message: unknown): unknown {
  return (message as { readonly method?: unknown } | null | undefined)?.method;
}

/** What a client says without starting anything: the answer to a question of ours, or a notification. */
function isAnswer(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    !Array.isArray(message) &&
    !('id' in message && 'method' in message)
  );
}
