/** Requests over MCP Streamable HTTP, protocol 2026-07-28. Not: what their results mean. */
import { createEventReader } from './event-stream.js';

export interface Endpoint {
  readonly url: string;
  /** Credentials and place, by header name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The session the server gave, if it gives any: what it calls this client from then on. */
  readonly session: { id?: string };
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** A reply, and how it came. */
export interface Exchange {
  readonly status: number;
  readonly ms: number;
  readonly requestId: string | undefined;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;
  readonly reply: { readonly result?: unknown; readonly error?: RpcError };
}

/** No reply of MCP: nothing came, it took too long, or something else answered. */
export class Fault extends Error {
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
const DEADLINE_MS = 60_000;
const MOST_CHARACTERS = 16 * 1024 * 1024;
const SHOWN_OF_STRANGE_BODY = 300;

let lastId = 0;

/**
 * One request and its reply, by JSON or by an event stream.
 * @throws Fault when there is none.
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
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  try {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { ...endpoint.headers, ...headersFor(method, params), ...sessionHeader(endpoint) },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: claims() } }),
      signal: either,
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
    throw toFault(error, elapsed(), endpoint, deadline, signal);
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

/** A session that the server does not know any more is not told it again. */
function keepSession({ session }: Endpoint, response: Response): void {
  const given = response.headers.get(SESSION_HEADER);
  if (given !== null) session.id = given;
  else if (response.status === 404) delete session.id;
}

function retryAfterOf(response: Response): number | undefined {
  const seconds = response.headers.get('retry-after');
  return seconds === null || !/^\d{1,6}$/.test(seconds) ? undefined : Number(seconds) * 1000;
}

function claims(): object {
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
    if (text.length > MOST_CHARACTERS) throw new Fault('The answer is too long for this page.', elapsed());
    const reply = streams
      ? events(piece)
          .map(parse)
          .find((message) => isReply(message, id))
      : undefined;
    if (reply !== undefined) return reply as Exchange['reply'];
  }
  const reply = parse(text);
  if (isReply(reply, id)) return reply;
  throw new Fault(`Not an answer of MCP: ${text.slice(0, SHOWN_OF_STRANGE_BODY)}`, elapsed(), response.status);
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

/** A refusal before the request was read has `id: null`. */
function isReply(message: unknown, id: number): message is Exchange['reply'] {
  if (typeof message !== 'object' || message === null) return false;
  const reply = message as { readonly id?: unknown; readonly result?: unknown; readonly error?: unknown };
  return (reply.id === id && reply.result !== undefined) || (reply.error !== undefined && (reply.id ?? id) === id);
}

function toFault(error: unknown, ms: number, endpoint: Endpoint, deadline: AbortSignal, cancel?: AbortSignal): Fault {
  if (error instanceof Fault) return error;
  if (cancel?.aborted) return new Fault('Cancelled. The server may have done it all the same.', ms);
  if (deadline.aborted) return new Fault(`No answer within ${DEADLINE_MS / 1000} seconds.`, ms);
  return new Fault(`No connection to ${endpoint.url}. ${whyNot()}`, ms);
}

/** Browsers do not tell a page why; these are the usual reasons. */
function whyNot(): string {
  return location.protocol === 'file:'
    ? 'Is the server running? A page opened from disk may call it only when it was started with --demo, or with --allow-origin null.'
    : 'Is the server running?';
}
