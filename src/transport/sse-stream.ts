/** One client's stream of the 2024-11-05 transport, as a transport of the SDK. Routing of requests: sse.ts. */
import type { ServerResponse } from 'node:http';
import type { Transport } from '@modelcontextprotocol/server';
import type { CrmError } from '../contract/errors.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { createIdsInFlight } from './ids-in-flight.js';
import { type JsonRpcFault, NOT_JSON, readMessages, requestsIn } from './json-rpc.js';
import { attachHeaders } from './request-headers.js';
import type { ManagedConnection } from './session-registry.js';
import { parseStrictJson } from './strict-json.js';

export interface SseStream extends ManagedConnection {
  readonly transport: Transport;
  /**
   * Receives the bytes of a message; returns the error that rejects it, if any. `rejection` rejects new requests only:
   * clients may still respond to the server's own requests.
   */
  receive(body: Buffer, headers: CallHeaders, rejection: CrmError | undefined): CrmError | JsonRpcFault | undefined;
  /** Ends the stream as soon as every request has its response. */
  finish(): void;
}

/** The protocol version of this transport, which has no batches. */
const SSE_VERSION = '2024-11-05';
const KEEP_ALIVE_MS = 15_000;
/** A client with this much unread output has stopped reading. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
};

/** Opens a stream on the response, for messages sent to `endpoint`; `onEnd` is called when it has ended. */
export function openSseStream(response: ServerResponse, endpoint: string, onEnd: () => void): SseStream {
  const ids = createIdsInFlight();
  let finishing = false;
  const write = (text: string) => {
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  };
  const end = () => void response.end();
  const keepAlive = setInterval(() => write(': keepalive\n\n'), KEEP_ALIVE_MS).unref();
  const transport: Transport = {
    async start() {
      response.writeHead(200, STREAM_HEADERS);
      write(`event: endpoint\ndata: ${endpoint}\n\n`);
    },
    async send(message) {
      write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
      if (!('method' in message) && message.id !== undefined) ids.release(message.id);
      if (finishing && ids.awaited === 0) end();
    },
    async close() {
      end();
    },
  };
  response.once('close', () => {
    clearInterval(keepAlive);
    onEnd();
    transport.onclose?.();
  });
  return {
    transport,
    end,
    finish() {
      finishing = true;
      if (ids.awaited === 0) end();
    },
    receive(body, headers, rejection) {
      const value = parseStrictJson(body);
      const read = value === undefined ? NOT_JSON : readMessages(value, SSE_VERSION);
      if ('code' in read) return read;
      if (rejection !== undefined && requestsIn(read.messages).length > 0) return rejection;
      const fault = ids.take(read);
      if (fault !== undefined) return fault;
      const request = new Request('http://localhost/messages');
      attachHeaders(request, headers);
      for (const message of read.messages) transport.onmessage?.(message, { request });
      return undefined;
    },
  };
}
