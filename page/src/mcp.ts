/** Sends requests over MCP Streamable HTTP, protocol 2026-07-28. outcome.ts interprets the results. */
import { createEventReader } from './event-stream.js';

export interface Endpoint {
  readonly url: string;
  /** Credentials and operating context, by header name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The session id that the server assigned, if any. */
  readonly session: { id?: string };
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** A JSON-RPC response with its HTTP facts. */
export interface Exchange {
  readonly status: number;
  readonly ms: number;
  readonly requestId: string | undefined;
  /** The Retry-After header, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  readonly reply: { readonly result?: unknown; readonly error?: RpcError };
}

/** There is no valid MCP response: no connection, a timeout, or a response that is not MCP. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly ms: number,
    readonly status?: number,
  ) {
    super(message);
  }
}

const PROTOCOL = '2026-07-28';
const SESSION_HEADER = 'mcp-session-id';
const META = 'io.modelcontextprotocol';
const TIMEOUT_MS = 60_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;
const SHOWN_OF_INVALID_BODY = 300;

let lastId = 0;

/**
 * Sends one request and reads its response, as JSON or as an event stream.
 * @throws RequestError when there is no valid response.
 */
export async function request(
  endpoint: Endpoint,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  signal?: AbortSignal,
): Promise<Exchange> {
  lastId += 1;
  const id = lastId;
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const combined = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  try {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { ...endpoint.headers, ...headersFor(method, params), ...sessionHeader(endpoint) },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: clientMeta() } }),
      signal: combined,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
    });
    keepSession(endpoint, response);
    const reply = await readReply(response, id, elapsed);
    const requestId = response.headers.get('x-request-id') ?? undefined;
    return { status: response.status, ms: elapsed(), requestId, retryAfterMs: retryAfterOf(response), reply };
  } catch (error) {
    throw toRequestError(error, elapsed(), endpoint, timeout, signal);
  }
}

function headersFor(method: string, params: Readonly<Record<string, unknown>>): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': PROTOCOL,
    'mcp-method': method,
    ...(typeof params.name === 'string' ? { 'mcp-name': params.name } : {}),
  };
}

function sessionHeader({ session }: Endpoint): Record<string, string> {
  return session.id === undefined ? {} : { [SESSION_HEADER]: session.id };
}

/** Stores the session id of a response and forgets a session that the server no longer knows. */
function keepSession({ session }: Endpoint, response: Response): void {
  const given = response.headers.get(SESSION_HEADER);
  if (given !== null) session.id = given;
  else if (response.status === 404) delete session.id;
}

function retryAfterOf(response: Response): number | undefined {
  const seconds = response.headers.get('retry-after');
  return seconds === null || !/^\d{1,6}$/.test(seconds) ? undefined : Number(seconds) * 1000;
}

function clientMeta(): object {
  return {
    [`${META}/protocolVersion`]: PROTOCOL,
    [`${META}/clientInfo`]: { name: 'mcp.html', version: '1' },
    [`${META}/clientCapabilities`]: {},
  };
}

async function readReply(response: Response, id: number, elapsed: () => number): Promise<Exchange['reply']> {
  const type = response.headers.get('content-type') ?? '';
  const streams = type.startsWith('text/event-stream');
  const events = createEventReader();
  let text = '';
  for await (const piece of piecesOf(response)) {
    text += piece;
    if (text.length > MAX_CHARACTERS) throw new RequestError('The response is too long for this page.', elapsed());
    const reply = streams
      ? events(piece)
          .map(parse)
          .find((message) => isReply(message, id))
      : undefined;
    if (reply !== undefined) return reply as Exchange['reply'];
  }
  const reply = parse(text);
  if (isReply(reply, id)) return reply;
  throw new RequestError(`Not an MCP response: ${text.slice(0, SHOWN_OF_INVALID_BODY)}`, elapsed(), response.status);
}

async function* piecesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  if (reader === undefined) return;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      yield decoder.decode(part.value, { stream: true });
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An error that was raised before the request was parsed has `id: null`. */
function isReply(message: unknown, id: number): message is Exchange['reply'] {
  if (typeof message !== 'object' || message === null) return false;
  const reply = message as { readonly id?: unknown; readonly result?: unknown; readonly error?: unknown };
  return (reply.id === id && reply.result !== undefined) || (reply.error !== undefined && (reply.id ?? id) === id);
}

function toRequestError(
  error: unknown,
  ms: number,
  endpoint: Endpoint,
  timeout: AbortSignal,
  cancel?: AbortSignal,
): RequestError {
  if (error instanceof RequestError) return error;
  if (cancel?.aborted) return new RequestError('Cancelled. The server may still have completed the call.', ms);
  if (timeout.aborted) return new RequestError(`No response within ${TIMEOUT_MS / 1000} seconds.`, ms);
  return new RequestError(`Cannot connect to ${endpoint.url}. ${connectionHint()}`, ms);
}

/** Browsers do not tell a page why a connection failed; this names the usual reasons. */
function connectionHint(): string {
  return location.protocol === 'file:'
    ? 'Is the server running? A page opened from disk can connect only if the server was started with --demo or --allow-origin null.'
    : 'Is the server running?';
}
