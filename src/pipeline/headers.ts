/**
 * The request headers of the contract (§1). A transport parses them once per request into `CallHeaders`; every later
 * step takes that value, and none reads a raw header again.
 */

import type { VerifiedToken } from '../contract/backend.js';

/** Raw headers: lower-case name → value. HTTP requests and the environment of a stdio connection both fit. */
export type Headers = { readonly [name: string]: string | readonly string[] | undefined };

export const ORGCODE = 'x-orgcode';
export const SESSION = 'x-session-guid';
export const API_KEY = 'x-api-key';
export const LOGICAL_GUID = 'x-logical-guid';
export const CHANNEL_CODE = 'x-channel-code';
export const CCCODE = 'x-cccode';
export const IDEMPOTENCY_KEY = 'idempotency-key';

export const TRACEPARENT = 'traceparent';
export const TRACESTATE = 'tracestate';

/** Narrow the list of tools: these headers remove tools and never add any. */
export const MCP_TOOLSETS = 'x-mcp-toolsets';
export const MCP_TOOLS = 'x-mcp-tools';
export const MCP_READ_ONLY = 'x-mcp-readonly';

/** The id of the request. The HTTP transport sets it and overwrites a value the client sent. */
export const REQUEST_ID = 'x-request-id';

/**
 * The client's address, or the part of it that one party controls. The HTTP transport sets it and overwrites a value
 * the client sent; stdio has none.
 */
export const CLIENT_ADDRESS = 'x-client-address';

/** Every header that `parseHeaders` reads. */
export const HEADER_NAMES: readonly string[] = [
  ORGCODE,
  SESSION,
  API_KEY,
  LOGICAL_GUID,
  CHANNEL_CODE,
  CCCODE,
  IDEMPOTENCY_KEY,
  TRACEPARENT,
  TRACESTATE,
  MCP_TOOLSETS,
  MCP_TOOLS,
  MCP_READ_ONLY,
  REQUEST_ID,
  CLIENT_ADDRESS,
];

/** Which tools a connection leaves out of its list, by the `x-mcp-*` headers. */
export interface ToolFilter {
  /** Undefined when the header is absent; an empty list selects nothing. */
  readonly toolsets: readonly string[] | undefined;
  readonly tools: readonly string[] | undefined;
  readonly readOnly: boolean;
}

/**
 * The headers of one request. Strings are trimmed; undefined means absent, empty or given twice. Nothing is validated
 * here: each step of the pipeline checks its own fields, in the contract's order.
 *
 * Holds secrets (`session`, `apiKey`): never log, serialise or return this value or a part of it.
 */
export interface CallHeaders {
  readonly orgcode: string | undefined;
  readonly session: string | undefined;
  readonly apiKey: string | undefined;
  /** Set by a transport that has verified an access token, where no other credential was sent. */
  readonly token?: VerifiedToken;
  readonly logicalGuid: string | undefined;
  readonly channelCode: string | undefined;
  readonly cccode: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The trace the caller is part of, from a well-formed W3C `traceparent`. */
  readonly traceId: string | undefined;
  /** The whole `traceparent`. */
  readonly traceParent: string | undefined;
  /** The `traceparent` of the HTTP request, where the message in it names another. */
  readonly linkedTrace: string | undefined;
  /** What other systems recorded about that trace, from a well-formed W3C `tracestate`. */
  readonly traceState: string | undefined;
  readonly requestId: string | undefined;
  readonly clientAddress: string | undefined;
  readonly toolFilter: ToolFilter;
}

/** Reads each header of the contract once; ignores all others. */
export function parseHeaders(raw: Headers): CallHeaders {
  const { traceId, traceParent } = traceOf(text(raw[TRACEPARENT]));
  const session = text(raw[SESSION]);
  const apiKey = text(raw[API_KEY]);
  return {
    orgcode: text(raw[ORGCODE]),
    session,
    apiKey,
    logicalGuid: text(raw[LOGICAL_GUID]),
    channelCode: text(raw[CHANNEL_CODE]),
    cccode: text(raw[CCCODE]),
    idempotencyKey: text(raw[IDEMPOTENCY_KEY]),
    traceId,
    traceParent,
    linkedTrace: undefined,
    traceState: traceId === undefined ? undefined : traceStateOf(text(raw[TRACESTATE]), [session, apiKey]),
    requestId: text(raw[REQUEST_ID]),
    clientAddress: text(raw[CLIENT_ADDRESS]),
    toolFilter: toolFilterOf(text(raw[MCP_TOOLSETS]), text(raw[MCP_TOOLS]), text(raw[MCP_READ_ONLY])),
  };
}

const TRACE = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const NO_TRACE = { traceId: undefined, traceParent: undefined };
const NO_FILTER: ToolFilter = { toolsets: undefined, tools: undefined, readOnly: false };

/** A request without any header of the contract. */
export const NO_HEADERS: CallHeaders = /* @__PURE__ */ parseHeaders({});

/** Splits a list of names, separated by commas or white space. */
export function splitNames(names: string): readonly string[] {
  return names.split(/[\s,]+/).filter((name) => name !== '');
}

function text(value: string | readonly string[] | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  const trimmed = value.trim();
  return trimmed === '' ? undefined : trimmed;
}

function traceOf(traceparent: string | undefined): Pick<CallHeaders, 'traceId' | 'traceParent'> {
  const traceId = traceparent === undefined ? undefined : TRACE.exec(traceparent)?.[1];
  return traceId === undefined ? NO_TRACE : { traceId, traceParent: traceparent };
}

/**
 * The headers with the trace context that an MCP message carries in `_meta`, which is nearer to the call than that of
 * the HTTP request around it.
 */
export function withMessageTrace(headers: CallHeaders, meta: object | undefined): CallHeaders {
  const { traceparent, tracestate } = (meta ?? {}) as { readonly traceparent?: unknown; readonly tracestate?: unknown };
  if (typeof traceparent !== 'string') return headers;
  const { traceId, traceParent } = traceOf(traceparent);
  if (traceId === undefined) return headers;
  const { session, apiKey, traceParent: linkedTrace } = headers;
  const traceState = typeof tracestate === 'string' ? traceStateOf(text(tracestate), [session, apiKey]) : undefined;
  return { ...headers, traceId, traceParent, traceState, linkedTrace };
}

const MAX_TRACESTATE = 512;
const MAX_TRACESTATE_MEMBERS = 32;
const TRACESTATE_MEMBER = /^[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}$/;

/** It is logged, so a value that repeats the credential is dropped. */
function traceStateOf(value: string | undefined, secrets: readonly (string | undefined)[]): string | undefined {
  if (value === undefined || value.length > MAX_TRACESTATE) return undefined;
  const members = value.split(',').map((member) => member.trim());
  const given = members.filter((member) => member !== '');
  if (given.length > MAX_TRACESTATE_MEMBERS || !given.every((member) => TRACESTATE_MEMBER.test(member)))
    return undefined;
  return secrets.some((secret) => secret !== undefined && value.includes(secret)) ? undefined : given.join(',');
}

/** Any value of the read-only header but `false` and `0` means read-only. */
function toolFilterOf(
  toolsets: string | undefined,
  tools: string | undefined,
  readOnly: string | undefined,
): ToolFilter {
  if (toolsets === undefined && tools === undefined && readOnly === undefined) return NO_FILTER;
  return {
    toolsets: toolsets === undefined ? undefined : splitNames(toolsets),
    tools: tools === undefined ? undefined : splitNames(tools),
    readOnly: readOnly !== undefined && !['false', '0'].includes(readOnly.toLowerCase()),
  };
}
