/**
 * The fast path of a tool call over HTTP: serves a plain call in a plain request without the SDK's web objects. Which
 * calls are plain, and their answers: plain-call.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import type { CallHeaders } from '../pipeline/headers.js';
import {
  type AnswerPlainCall,
  createPlainCalls,
  type PlainCall,
  type PlainCallService,
  STATELESS_VERSION,
  TOOLS_CALL,
} from './plain-call.js';

/** A request as the SDK takes it; its body may have been read already. */
export type UnhandledRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & AsyncIterable<unknown>;

/** A plain call that came in a request, and where its response goes. */
export interface FastExchange {
  readonly request: Pick<IncomingMessage, 'method' | 'headers'>;
  readonly response: ServerResponse;
  readonly headers: CallHeaders;
  readonly call: PlainCall;
  /** The client declared in its session that it has a user. */
  readonly hasUser?: boolean | undefined;
  /** Called when the result is known, before it is sent. */
  readonly onResult?: () => void;
}

/** Serves a request and returns true, or leaves it to the SDK. */
export type FastPath = (exchange: FastExchange) => Promise<boolean>;

/** The fast path in front of the SDK's handler. */
export function createFastPath(service: PlainCallService): FastPath {
  const answer: AnswerPlainCall = createPlainCalls(service);
  return async ({ request, response, headers, call, hasUser = false, onResult }) => {
    if (!isPlain(request) || !agreesWith(call, request.headers)) return false;
    const running = answer(call, headers, hasUser);
    if (running === undefined) return false;
    const text = await running;
    onResult?.();
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
    return true;
  };
}

type HttpHeaders = IncomingMessage['headers'];

function isPlain({ method, headers }: FastExchange['request']): boolean {
  const accept = headers.accept ?? '';
  return (
    method === 'POST' &&
    headers['content-type'] === 'application/json' &&
    headers['transfer-encoding'] === undefined &&
    headers['content-encoding'] === undefined &&
    accept.includes('application/json') &&
    accept.includes('text/event-stream')
  );
}

/** Whether the headers claim the message's protocol version: stateless with all its headers, or older with none. */
function agreesWith({ message, era }: PlainCall, headers: HttpHeaders): boolean {
  const version = headers['mcp-protocol-version'];
  if (era === 'stateless') {
    return (
      version === STATELESS_VERSION &&
      headers['mcp-method'] === TOOLS_CALL &&
      headers['mcp-name'] === message.params.name
    );
  }
  if (headers['mcp-method'] !== undefined || headers['mcp-name'] !== undefined) return false;
  return version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(String(version));
}

/** A request whose body has been read, as the SDK takes it. */
export function withBody({ method, url, headers }: IncomingMessage, body: Buffer): UnhandledRequest {
  return {
    method,
    url,
    headers,
    async *[Symbol.asyncIterator]() {
      yield body;
    },
  };
}
