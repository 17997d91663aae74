/**
 * One exchange of node:http, answered by a handler of web requests. As the SDK's own adapter, but a stream ends as soon
 * as its client is gone, so that it can be taken up again at once, and can be ended from here.
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

/** Answers the request, which comes with the JSON value of its body, if it has one and it is one. */
export type WebHandler = (request: Request, message: unknown) => Promise<Response>;

/** Answers one exchange; resolves when all is sent, or nobody is there to take it. */
export async function serveWithWebHandler(
  incoming: UnhandledRequest,
  outgoing: ServerResponse,
  fetch: WebHandler,
  { maxBodyBytes, onError }: WebAdapterOptions,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const reply = await answer(incoming, gone.signal, fetch, maxBodyBytes).catch((error: Error) => {
    onError(error);
    return Response.json({ jsonrpc: '2.0', error: FAULT, id: null }, { status: 500 });
  });
  outgoing.writeHead(reply.status, Object.fromEntries(reply.headers));
  if (isStream(reply)) outgoing.flushHeaders(); // the first event may be long in coming
  if (reply.body !== null) await pump(reply.body.getReader(), outgoing);
  outgoing.end();
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

const FAULT = { code: -32603, message: 'Internal server error' };

async function answer(
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

/** The id of a request; of nothing else. */
function idOf(message: unknown): unknown {
  const { id, method } = (message ?? {}) as { readonly id?: unknown; readonly method?: unknown };
  return method === undefined ? null : (id ?? null);
}

/** The JSON of a body, which stays to be read; undefined where there is none. */
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
      if (!outgoing.write(part.value)) await room(outgoing);
    }
  } catch {
    // The stream broke off: whoever made it was told, and its reader sees it end.
  } finally {
    outgoing.off('close', stop);
  }
}

/** Until what was written has gone out, or nobody takes it any more. */
function room(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go).off('close', go);
      resolve();
    };
    outgoing.on('drain', go).on('close', go);
  });
}
