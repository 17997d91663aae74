/**
 * The transport of 2024-11-05, for clients that have no other: answers come on one long stream (GET /sse), messages go
 * to the address it names (POST /messages). Not: how many streams there may be and whose they are (registry.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { CrmError } from '../contract/errors.js';
import { bodyTooLarge } from '../pipeline/body.js';
import { contractHeaders } from '../pipeline/headers.js';
import { sendJsonRpcError } from './host-origin-check.js';
import { MAX_MCP_BODY_BYTES } from './mcp-endpoint.js';
import { discard, isPlainJson, readBytes } from './request-body.js';
import type { SessionRegistry } from './session-registry.js';
import { sessionNotFound } from './sessions.js';
import { openSseStream, type SseStream } from './sse-stream.js';

export const SSE_PATH = '/sse';
const MESSAGES_PATH = '/messages';

export interface SseOptions {
  readonly factory: McpServerFactory;
  readonly streams: SessionRegistry<SseStream>;
  readonly onError: (error: Error) => void;
}

export interface Sse {
  /** Answers the two addresses; false: the request is for another. `objection` is what stands against new work. */
  serve(request: IncomingMessage, response: ServerResponse, path: string, objection?: CrmError): Promise<boolean>;
  /** Ends every stream as soon as nobody waits for an answer on it. */
  endStreams(): void;
  close(): void;
}

/** Serves it. */
export function createSse({ factory, streams, onError }: SseOptions): Sse {
  const open = async (request: IncomingMessage, response: ServerResponse, objection: CrmError | undefined) => {
    if (request.method !== 'GET') return notAllowed(response, 'GET');
    if (objection !== undefined) return sendJsonRpcError(response, objection);
    const opened = await streams.open(contractHeaders(request.headers), (id, over) =>
      openSseStream(response, `${MESSAGES_PATH}?sessionId=${id}`, over),
    );
    if (opened === undefined) return sendJsonRpcError(response, strangersHaveNone());
    opened.hold(response);
    const server = await factory({ era: 'legacy' });
    ('server' in server ? server.server : server).onerror = onError;
    await server.connect(opened.connection.transport);
  };
  const receive = async (request: IncomingMessage, response: ServerResponse, objection: CrmError | undefined) => {
    if (request.method !== 'POST') return notAllowed(response, 'POST');
    const headers = contractHeaders(request.headers);
    const id = new URLSearchParams(request.url?.split('?')[1]).get('sessionId') ?? '';
    const absent = objection ?? sessionNotFound();
    const fault = streams.find(id, headers) === undefined ? absent : mediaTypeFault(request);
    if (fault !== undefined) {
      discard(request);
      return sendJsonRpcError(response, fault);
    }
    const body = await readBytes(request, MAX_MCP_BODY_BYTES);
    if (body === 'too large') return sendJsonRpcError(response, bodyTooLarge());
    const stream = streams.find(id, headers)?.connection;
    if (stream === undefined) return sendJsonRpcError(response, absent);
    const refusal = stream.receive(body, headers, objection);
    if (refusal !== undefined) return sendJsonRpcError(response, refusal);
    response.writeHead(202).end('Accepted');
  };
  return {
    async serve(request, response, path, objection) {
      if (path !== SSE_PATH && path !== MESSAGES_PATH) return false;
      try {
        await (path === SSE_PATH ? open : receive)(request, response, objection);
      } catch (error) {
        if (!(error instanceof CrmError) || response.headersSent) throw error;
        sendJsonRpcError(response, error);
      }
      return true;
    },
    endStreams: () => {
      for (const { connection } of streams.all()) connection.finish();
    },
    close: () => streams.close(),
  };
}

function notAllowed(response: ServerResponse, allow: string): void {
  response.setHeader('allow', allow);
  const message = `This path is served by ${allow} alone.`;
  sendJsonRpcError(
    response,
    new CrmError({ code: 'crm.method_not_allowed', tag: 'validation-error', status: 405, message }),
  );
}

function mediaTypeFault(request: IncomingMessage): CrmError | undefined {
  if (isPlainJson(request)) return undefined;
  return new CrmError({
    code: 'crm.unsupported_media_type',
    tag: 'validation-error',
    status: 415,
    message: 'The body must be application/json in UTF-8, without content-encoding.',
  });
}

function strangersHaveNone(): CrmError {
  return new CrmError({
    code: 'crm.credentials_invalid',
    tag: 'unauthorized',
    message: 'This transport is for callers who are known: send the headers of a valid credential with every request.',
  });
}
