/**
 * The HTTP+SSE transport of 2024-11-05, for clients without a newer one: responses come on one long stream (GET /sse),
 * messages go to the address it names (POST /messages). Limits and ownership of streams: session-registry.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { CrmError } from '../contract/errors.js';
import type { FindMissingScopes } from '../mcp/missing-scopes.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { type Bearer, endWithToken } from './bearer.js';
import { sendJsonRpcError } from './host-origin-check.js';
import { discard } from './http-body.js';
import { isTransportError, readMcpBody, sendFault } from './mcp-body.js';
import type { SessionRegistry } from './session-registry.js';
import { sessionNotFound } from './sessions.js';
import { openSseStream, type SseStream } from './sse-stream.js';
import { parseStrictJson } from './strict-json.js';

export const SSE_PATH = '/sse';
export const MESSAGES_PATH = '/messages';

export interface SseOptions {
  readonly factory: McpServerFactory;
  readonly streams: SessionRegistry<SseStream>;
  readonly bearer?: Bearer | undefined;
  readonly missingScopes?: FindMissingScopes | undefined;
  readonly onError: (error: Error) => void;
}

export interface Sse {
  /** Serves the two paths; returns false for any other. `rejection` is the error that rejects new work. */
  serve(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    headers: CallHeaders,
    rejection?: CrmError,
  ): Promise<boolean>;
  /** Open streams. */
  readonly size: number;
  /** Ends every stream as soon as no client waits for a response on it. */
  endStreams(): void;
  close(): void;
}

/** Serves the transport. */
export function createSse({ factory, streams, bearer, missingScopes, onError }: SseOptions): Sse {
  const open = async ({ request, response, headers, rejection }: SseRequest) => {
    if (request.method !== 'GET') return sendMethodNotAllowed(response, 'GET');
    if (rejection !== undefined) return sendJsonRpcError(response, rejection);
    const opened = await streams.open(headers, (id, onEnd) =>
      openSseStream(response, `${MESSAGES_PATH}?sessionId=${id}`, onEnd),
    );
    if (opened === undefined) return sendJsonRpcError(response, unknownCaller());
    opened.hold(response);
    endWithToken(headers, response, () => opened.connection.finish());
    const server = await factory({ era: 'legacy' });
    ('server' in server ? server.server : server).onerror = onError;
    await server.connect(opened.connection.transport);
  };
  const receive = async ({ request, response, headers, rejection }: SseRequest) => {
    if (request.method !== 'POST') return sendMethodNotAllowed(response, 'POST');
    const id = new URLSearchParams(request.url?.split('?')[1]).get('sessionId') ?? '';
    const notFound = rejection ?? sessionNotFound();
    if (streams.find(id, headers) === undefined) {
      discard(request);
      return sendJsonRpcError(response, notFound);
    }
    const body = await readMcpBody(request, response);
    if (body instanceof CrmError) return sendJsonRpcError(response, body);
    const stream = streams.find(id, headers)?.connection;
    if (stream === undefined) return sendJsonRpcError(response, notFound);
    const missing =
      headers.token === undefined ? [] : await missingScopes?.(headers, [parseStrictJson(body) ?? {}].flat());
    if (bearer !== undefined && missing !== undefined && missing.length > 0)
      return sendJsonRpcError(response, bearer.lacksScopes(response, headers, missing, false));
    const error = stream.receive(body, headers, rejection);
    if (error === undefined) response.writeHead(202).end('Accepted');
    else if (isTransportError(error)) sendJsonRpcError(response, error);
    else sendFault(response, error);
  };
  return {
    async serve(request, response, path, headers, rejection) {
      if (path !== SSE_PATH && path !== MESSAGES_PATH) return false;
      try {
        await (path === SSE_PATH ? open : receive)({ request, response, headers, rejection });
      } catch (error) {
        if (!(error instanceof CrmError) || response.headersSent) throw error;
        sendJsonRpcError(response, error);
      }
      return true;
    },
    get size() {
      return streams.size;
    },
    endStreams: () => {
      for (const { connection } of streams.all()) connection.finish();
    },
    close: () => streams.close(),
  };
}

interface SseRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: CallHeaders;
  readonly rejection: CrmError | undefined;
}

function sendMethodNotAllowed(response: ServerResponse, allow: string): void {
  response.setHeader('allow', allow);
  const message = `This path is served by ${allow} alone.`;
  sendJsonRpcError(
    response,
    new CrmError({ code: 'crm.method_not_allowed', tag: 'validation-error', status: 405, message }),
  );
}

function unknownCaller(): CrmError {
  return new CrmError({
    code: 'crm.credentials_invalid',
    tag: 'unauthorized',
    message: 'This transport is for callers who are known: send the headers of a valid credential with every request.',
  });
}
