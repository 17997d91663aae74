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
import { type CallHeaders, withMessageTrace } from '../pipeline/headers.js';

/** A request as the SDK takes it; its body may have been read already. */
export type UnhandledRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & AsyncIterable<unknown>;

export interface FastPathOptions {
  readonly callTool: CallTool;
  readonly serverInfo: object;
  /** Whether a tool may ask the client's user; calls from clients with a user then go to the SDK. */
  readonly mayAsk?: (toolName: string) => boolean;
}

/** A message that came in a request, and where its response goes. */
export interface FastExchange {
  readonly request: Pick<IncomingMessage, 'method' | 'headers'>;
  readonly response: ServerResponse;
  readonly headers: CallHeaders;
  readonly message: ToolCall;
  /** The client declared in its session that it has a user. */
  readonly hasUser?: boolean | undefined;
  /** Called when the result is known, before it is sent. */
  readonly onResult?: () => void;
}

/** Serves a request and returns true, or leaves it to the SDK. */
export type FastPath = (exchange: FastExchange) => Promise<boolean>;

export const STATELESS_VERSION = '2026-07-28';
const TOOLS_CALL = 'tools/call';

/** The fast path in front of the SDK's handler. */
export function createFastPath({ callTool, serverInfo, mayAsk }: FastPathOptions): FastPath {
  return async ({ request, response, headers: callHeaders, message, hasUser = false, onResult }) => {
    const { headers } = request;
    if (!isPlain(request) || !agreesWith(message, headers)) return false;
    const { name, arguments: args = {} } = message.params;
    if (mayAsk?.(name) && (hasUser || declaresUser(message))) return false;
    const running = callTool(name, args, withMessageTrace(callHeaders, message.params._meta));
    if (running === undefined) return false;
    const result = await running;
    onResult?.();
    const complete = headers['mcp-method'] === undefined ? result : statelessResult(result, serverInfo);
    const text = JSON.stringify({ result: complete, jsonrpc: '2.0', id: message.id });
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
    return true;
  };
}

/** A single `tools/call` with only the fields such a call needs. */
export interface ToolCall {
  readonly jsonrpc: '2.0';
  readonly method: 'tools/call';
  readonly id: string | number;
  readonly params: { readonly name: string; readonly arguments?: object; readonly _meta?: object };
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

/** A JSON value as a plain tool call; undefined for anything else. */
export function toolCallIn(message: unknown): ToolCall | undefined {
  if (!isObject(message) || !onlyHas(message, ['jsonrpc', 'id', 'method', 'params'])) return undefined;
  const { jsonrpc, id, method, params } = message;
  if (jsonrpc !== '2.0' || method !== TOOLS_CALL) return undefined;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
  if (!isObject(params) || !onlyHas(params, ['name', 'arguments', '_meta'])) return undefined;
  if (typeof params.name !== 'string') return undefined;
  if (params.arguments !== undefined && !isObject(params.arguments)) return undefined;
  if (params._meta !== undefined && !isObject(params._meta)) return undefined;
  return message as unknown as ToolCall;
}

/** Whether headers and message agree on the protocol version: stateless with all its fields, or older with none. */
function agreesWith({ params }: ToolCall, headers: HttpHeaders): boolean {
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

function declaresUser({ params }: ToolCall): boolean {
  const meta = (params._meta ?? {}) as { readonly [key: string]: unknown };
  return canAsk(meta[CLIENT_CAPABILITIES_META_KEY] as { readonly elicitation?: unknown } | undefined);
}

/** Adds the fields of the stateless protocol version to a result. */
function statelessResult(result: CallToolResult, serverInfo: object): object {
  return { ...result, _meta: { ...result._meta, [SERVER_INFO_META_KEY]: serverInfo }, resultType: 'complete' };
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onlyHas(value: object, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}
