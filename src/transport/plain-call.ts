/**
 * Answers plain tool calls without the SDK, whose checks and objects cost more than the call itself. The same for every
 * transport: a `tools/call` that is plain in every respect is answered exactly as the SDK would answer it, and anything
 * else is left to the SDK unchanged.
 */
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type JSONRPCMessage,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
} from '@modelcontextprotocol/server';
import { canAsk } from '../mcp/elicitation.js';
import type { CallTool } from '../mcp/server.js';
import { type CallHeaders, withMessageTrace } from '../pipeline/headers.js';
import { type JsonRpcFault, NOT_JSON, type ReadMessages, readMessages } from './json-rpc.js';
import { parseStrictJson } from './strict-json.js';

export const STATELESS_VERSION = '2026-07-28';
export const TOOLS_CALL = 'tools/call';

/** How a client speaks: with a handshake (`older`), or with all that a request needs in the request itself. */
export type Era = 'older' | 'stateless';

/** A single `tools/call` with only the fields such a call needs. */
export interface ToolCall {
  readonly jsonrpc: '2.0';
  readonly method: typeof TOOLS_CALL;
  readonly id: string | number;
  readonly params: { readonly name: string; readonly arguments?: object; readonly _meta?: Meta };
}

type Meta = { readonly [key: string]: unknown };

/** A plain tool call, and what its `_meta` says about its client. */
export interface PlainCall {
  readonly message: ToolCall;
  readonly era: Era;
}

/** What is served without the SDK. */
export interface PlainCallService {
  readonly callTool: CallTool;
  readonly serverInfo: object;
  /** Whether a tool may ask the client's user; calls from clients with a user then go to the SDK. */
  readonly mayAsk?: (toolName: string) => boolean;
}

/** Runs a plain call: resolves with the text of its response, or is undefined where the SDK must serve it. */
export type AnswerPlainCall = (call: PlainCall, headers: CallHeaders, hasUser: boolean) => Promise<string> | undefined;

/** `hasUser`: whether the client declared on its connection that it has a user. */
export function createPlainCalls({ callTool, serverInfo, mayAsk }: PlainCallService): AnswerPlainCall {
  return ({ message, era }, headers, hasUser) => {
    const { name, arguments: args = {}, _meta } = message.params;
    if (mayAsk?.(name) && (hasUser || declaresUser(_meta))) return undefined;
    const running = callTool(name, args, withMessageTrace(headers, _meta));
    return running?.then((result) => {
      const complete = era === 'older' ? result : statelessResult(result, serverInfo);
      return JSON.stringify({ result: complete, jsonrpc: '2.0', id: message.id });
    });
  };
}

/** The messages in bytes that a client of that protocol version sent, and `call` if they are one plain tool call. */
export function messagesIn(
  bytes: Buffer,
  version: string | undefined,
): { readonly read: ReadMessages | JsonRpcFault; readonly call?: PlainCall } {
  const value = parseStrictJson(bytes);
  const call = plainCallIn(value);
  // The SDK's schemas, which cost more than the rest, would find nothing in a plain call.
  if (call !== undefined)
    return { call, read: { messages: [call.message as unknown as JSONRPCMessage], isBatch: false } };
  return { read: value === undefined ? NOT_JSON : readMessages(value, version) };
}

/** A JSON value as a plain tool call; undefined for anything else. */
function plainCallIn(value: unknown): PlainCall | undefined {
  if (!isObject(value) || !onlyHas(value, MESSAGE_FIELDS)) return undefined;
  const { jsonrpc, id, method, params } = value;
  if (jsonrpc !== '2.0' || method !== TOOLS_CALL) return undefined;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
  if (!isObject(params) || !onlyHas(params, PARAMS)) return undefined;
  if (typeof params.name !== 'string') return undefined;
  if (params.arguments !== undefined && !isObject(params.arguments)) return undefined;
  const era = params._meta === undefined ? 'older' : eraOf(params._meta);
  return era && { message: value as unknown as ToolCall, era };
}

const MESSAGE_FIELDS = ['jsonrpc', 'id', 'method', 'params'];
const PARAMS = ['name', 'arguments', '_meta'];
const RESERVED = 'io.modelcontextprotocol/';
const STATELESS_FIELDS = [PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY];

/** The era that `_meta` claims: stateless with all its fields, older with none of them; undefined when it is not plain. */
function eraOf(meta: unknown): Era | undefined {
  if (!isObject(meta)) return undefined;
  const { progressToken } = meta;
  if (progressToken !== undefined && typeof progressToken !== 'string' && !Number.isSafeInteger(progressToken))
    return undefined;
  const reserved = Object.keys(meta).filter((key) => key.startsWith(RESERVED));
  if (reserved.length === 0) return 'older';
  const {
    [PROTOCOL_VERSION_META_KEY]: version,
    [CLIENT_CAPABILITIES_META_KEY]: capabilities,
    [CLIENT_INFO_META_KEY]: info,
  } = meta;
  if (!reserved.every((key) => STATELESS_FIELDS.includes(key)) || version !== STATELESS_VERSION) return undefined;
  return isPlainCapabilities(capabilities) && (info === undefined || isPlainInfo(info)) ? 'stateless' : undefined;
}

/** Capabilities as clients send them: objects in objects, and whether a list changes. */
function isPlainCapabilities(value: unknown): boolean {
  if (!isObject(value)) return false;
  return Object.entries(value).every(([name, part]) =>
    name === 'listChanged' ? typeof part === 'boolean' : isPlainCapabilities(part),
  );
}

function isPlainInfo(value: unknown): boolean {
  if (!isObject(value) || typeof value.name !== 'string' || typeof value.version !== 'string') return false;
  return onlyHas(value, INFO_FIELDS) && Object.values(value).every((text) => typeof text === 'string');
}

const INFO_FIELDS = ['name', 'title', 'version', 'description', 'websiteUrl'];

function declaresUser(meta: Meta | undefined): boolean {
  return canAsk(meta?.[CLIENT_CAPABILITIES_META_KEY] as { readonly elicitation?: unknown } | undefined);
}

/** Adds the fields of the stateless protocol version to a result. */
function statelessResult(result: CallToolResult, serverInfo: object): object {
  return { ...result, _meta: { ...result._meta, [SERVER_INFO_META_KEY]: serverInfo }, resultType: 'complete' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onlyHas(value: object, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}
