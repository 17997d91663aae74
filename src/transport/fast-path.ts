/**
 * The fast path of a tool call over HTTP: serves a plain, complete `tools/call` without the SDK's web objects, which
 * cost more than the call itself. Hands every unusual request to the SDK unchanged.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import { canAsk } from '../mcp/elicitation.js';
import type { CallTool } from '../mcp/server.js';
import type { CallHeaders } from '../pipeline/headers.js';

/** A request as the SDK takes it; its body may have been read already. */
export type UnhandledRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & AsyncIterable<unknown>;

export interface FastPathOptions {
  readonly callTool: CallTool;
  readonly serverInfo: object;
  /** Whether a tool may ask the client's user; calls from clients with a user then go to the SDK. */
  readonly mayAsk?: (toolName: string) => boolean;
  readonly maxBodyBytes: number;
}

/** Serves a request, or returns it for the SDK; `userKnown`: the client declared in its session that it has a user. */
export type FastPath = (
  request: IncomingMessage,
  response: ServerResponse,
  headers: CallHeaders,
  userKnown?: boolean,
) => Promise<UnhandledRequest | undefined>;

export const STATELESS_VERSION = '2026-07-28';
const TOOLS_CALL = 'tools/call';

/** The fast path in front of the SDK's handler. Rejects only when the client disconnects before the body is read. */
export function createFastPath({ callTool, serverInfo, mayAsk, maxBodyBytes }: FastPathOptions): FastPath {
  return async (request, response, callHeaders, userKnown = false) => {
    const { headers } = request;
    if (!isPlain(request) || !(Number(headers['content-length']) <= maxBodyBytes)) return request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const message = parse(body.toString('utf8'));
    const running =
      message !== undefined &&
      agreesWith(message, headers) &&
      !(mayAsk?.(message.params.name) && (userKnown || hasUser(message)))
        ? callTool(message.params.name, message.params.arguments ?? {}, callHeaders)
        : undefined;
    if (message === undefined || running === undefined) return withBody(request, body);
    const result = await running;
    const complete = headers['mcp-method'] === undefined ? result : statelessResult(result, serverInfo);
    const text = JSON.stringify({ result: complete, jsonrpc: '2.0', id: message.id });
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
    return undefined;
  };
}

interface Message {
  readonly id: string | number;
  readonly params: { readonly name: string; readonly arguments?: object; readonly _meta?: object };
}

type HttpHeaders = IncomingMessage['headers'];

function isPlain({ method, headers }: IncomingMessage): boolean {
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

/** A single `tools/call` with only the fields such a call needs; undefined for anything else. */
function parse(text: string): Message | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(message) || !onlyHas(message, ['jsonrpc', 'id', 'method', 'params'])) return undefined;
  const { jsonrpc, id, method, params } = message;
  if (jsonrpc !== '2.0' || method !== TOOLS_CALL) return undefined;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
  if (!isObject(params) || !onlyHas(params, ['name', 'arguments', '_meta'])) return undefined;
  if (typeof params.name !== 'string') return undefined;
  if (params.arguments !== undefined && !isObject(params.arguments)) return undefined;
  if (params._meta !== undefined && !isObject(params._meta)) return undefined;
  return message as unknown as Message;
}

/** Whether headers and message agree on the protocol version: stateless with all its fields, or older with none. */
function agreesWith({ params }: Message, headers: HttpHeaders): boolean {
  const meta = (params._meta ?? {}) as { readonly [key: string]: unknown };
  const version = headers['mcp-protocol-version'];
  if (PROTOCOL_VERSION_META_KEY in meta) {
    return (
      meta[PROTOCOL_VERSION_META_KEY] === STATELESS_VERSION &&
      version === STATELESS_VERSION &&
      isObject(meta[CLIENT_CAPABILITIES_META_KEY]) &&
      headers['mcp-method'] === TOOLS_CALL &&
      headers['mcp-name'] === params.name
    );
  }
  if (headers['mcp-method'] !== undefined || headers['mcp-name'] !== undefined) return false;
  return version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(String(version));
}

function hasUser({ params }: Message): boolean {
  const meta = (params._meta ?? {}) as { readonly [key: string]: unknown };
  return canAsk(meta[CLIENT_CAPABILITIES_META_KEY] as { readonly elicitation?: unknown } | undefined);
}

/** Adds the fields of the stateless protocol version to a result. */
function statelessResult(result: CallToolResult, serverInfo: object): object {
  return { ...result, _meta: { ...result._meta, [SERVER_INFO_META_KEY]: serverInfo }, resultType: 'complete' };
}

function withBody({ method, url, headers }: IncomingMessage, body: Buffer): UnhandledRequest {
  return {
    method,
    url,
    headers,
    async *[Symbol.asyncIterator]() {
      yield body;
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onlyHas(value: object, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}
