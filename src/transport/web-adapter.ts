/**
 * Serves a node:http request with a handler of web requests. Works like the SDK's own adapter, but a stream ends as
 * soon as its client disconnects, so that the client can resume it at once, and the server can end it.
 */
import type { ServerResponse } from 'node:http';
import { toWebRequest } from '@modelcontextprotocol/node';
import { CrmError } from '../contract/errors.js';
import type { UnhandledRequest } from './fast-path.js';
import { jsonRpcErrorOf } from './host-origin-check.js';

export interface WebAdapterOptions {
  readonly maxBodyBytes: number;
  readonly onError: (error: Error) => void;
}

/** Serves a request; `message` is its body's JSON value, undefined when it has no body or no valid JSON. */
export type WebHandler = (request: Request, message: unknown) => Promise<Response>;

/** Serves one request; resolves when the response is sent or the client has disconnected. */
export async function serveWithWebHandler(
  incoming: UnhandledRequest,
  outgoing: ServerResponse,
  fetch: WebHandler,
  { maxBodyBytes, onError }: WebAdapterOptions,
): Promise<void> {
  const disconnected = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) disconnected.abort();
  });
  const response = await respond(incoming, disconnected.signal, fetch, maxBodyBytes).catch((error: Error) => {
    onError(error);
    return Response.json({ jsonrpc: '2.0', error: INTERNAL_ERROR, id: null }, { status: 500 });
  });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (isStream(response)) outgoing.flushHeaders(); // the first event may take long
  if (response.body !== null) await pump(response.body.getReader(), outgoing);
  outgoing.end();
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

const INTERNAL_ERROR = { code: -32603, message: 'Internal server error' };

async function respond(
  incoming: UnhandledRequest,
  signal: AbortSignal,
  fetch: WebHandler,
  maxRequestBodySize: number,
): Promise<Response> {
  const options = { signal, maxRequestBodySize };
  let request: Request;
  try {
    request = await toWebRequest(incoming as Parameters<typeof toWebRequest>[0], undefined, options);
  } catch (error) {
    if ((error as Error).name !== 'RequestBodyTooLargeError') throw error;
    const body = { jsonrpc: '2.0', error: { code: -32000, message: (error as Error).message }, id: null };
    return Response.json(body, { status: 413, headers: { connection: 'close' } });
  }
  const message = await messageOf(request);
  try {
    return await fetch(request, message);
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    const { text, ...init } = jsonRpcErrorOf(error, idOf(message));
    return new Response(text, init);
  }
}

/** The id of a request; null for any other message. */
function idOf(message: unknown): unknown {
  const { id, method } = (message ?? {}) as { readonly id?: unknown; readonly method?: unknown };
  return method === undefined ? null : (id ?? null);
}

/** The JSON value of a body, which stays readable; undefined when there is none. */
async function messageOf(request: Request): Promise<unknown> {
  if (request.body === null) return undefined;
  try {
    return JSON.parse(await request.clone().text());
  } catch {
    return undefined;
  }
}

async function pump(reader: ReadableStreamDefaultReader<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const stop = () => void reader.cancel().catch(() => {});
  outgoing.once('close', stop);
  if (outgoing.destroyed) stop();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (outgoing.destroyed || outgoing.writableEnded) return stop();
      if (!outgoing.write(part.value)) await drained(outgoing);
    }
  } catch {
    // The stream failed: its producer has the error, and its reader sees it end.
  } finally {
    outgoing.off('close', stop);
  }
}

/** Resolves when the written data has been sent or the connection is closed. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
  });
}
