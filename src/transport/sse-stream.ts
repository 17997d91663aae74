/** One client's stream of the 2024-11-05 transport, as the SDK takes a transport. Not: which requests reach it. */
import type { ServerResponse } from 'node:http';
import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/server';
import { badRequest, type CrmError } from '../contract/errors.js';
import type { Headers as ContractHeaders } from '../pipeline/headers.js';
import type { ManagedConnection } from './session-registry.js';
import { parseJson } from './strict-json.js';

export interface SseStream extends ManagedConnection {
  readonly transport: Transport;
  /**
   * Takes in the bytes of a message; answers what stands against it, if anything. `objection` stands against new
   * requests alone: our own questions may still be answered.
   */
  receive(body: Buffer, headers: ContractHeaders, objection: CrmError | undefined): CrmError | undefined;
  /** Ends when every request has been answered. */
  finish(): void;
}

const KEEP_ALIVE_MS = 15_000;
/** A client that lets so much wait for it has stopped reading. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
};

/** A stream on that response, for messages sent to `endpoint`; `over` is called when it has ended. */
export function openSseStream(response: ServerResponse, endpoint: string, over: () => void): SseStream {
  const unanswered = new Set<unknown>();
  let finishing = false;
  const write = (text: string) => {
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength > MOST_WAITING_BYTES) response.destroy();
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
      if (!('method' in message) && 'id' in message) unanswered.delete(message.id);
      if (finishing && unanswered.size === 0) end();
    },
    async close() {
      end();
    },
  };
  response.once('close', () => {
    clearInterval(keepAlive);
    over();
    transport.onclose?.();
  });
  return {
    transport,
    end,
    finish() {
      finishing = true;
      if (unanswered.size === 0) end();
    },
    receive(body, headers, objection) {
      const message = messageIn(body);
      if (message === undefined) return badRequest('crm.malformed_body', 'The body must be one message of JSON-RPC.');
      if (isJSONRPCRequest(message)) {
        if (objection !== undefined) return objection;
        unanswered.add(message.id);
      }
      const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]);
      transport.onmessage?.(message, { request: new Request('http://localhost/messages', { headers: pairs }) });
      return undefined;
    },
  };
}

function messageIn(body: Buffer): JSONRPCMessage | undefined {
  try {
    return parseJSONRPCMessage(parseJson(body));
  } catch {
    return undefined;
  }
}
