/**
 * The request headers of the contract (§1). A transport parses them once per request into `CallHeaders`; every later
 * step takes that value, and none reads a raw header again.
 */

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
  readonly logicalGuid: string | undefined;
  readonly channelCode: string | undefined;
  readonly cccode: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The trace the caller is part of, from a well-formed W3C `traceparent`. */
  readonly traceId: string | undefined;
  /** What other systems recorded about that trace, from a well-formed W3C `tracestate`. */
  readonly traceState: string | undefined;
  readonly requestId: string | undefined;
  readonly clientAddress: string | undefined;
  readonly toolFilter: ToolFilter;
}

/** Reads each header of the contract once; ignores all others. */
export function parseHeaders(raw: Headers): CallHeaders {
  const traceId = traceIdOf(text(raw[TRACEPARENT]));
  return {
    orgcode: text(raw[ORGCODE]),
    session: text(raw[SESSION]),
    apiKey: text(raw[API_KEY]),
    logicalGuid: text(raw[LOGICAL_GUID]),
    channelCode: text(raw[CHANNEL_CODE]),
    cccode: text(raw[CCCODE]),
    idempotencyKey: text(raw[IDEMPOTENCY_KEY]),
    traceId,
    traceState: traceId === undefined ? undefined : traceStateOf(raw),
    requestId: text(raw[REQUEST_ID]),
    clientAddress: text(raw[CLIENT_ADDRESS]),
    toolFilter: toolFilterOf(text(raw[MCP_TOOLSETS]), text(raw[MCP_TOOLS]), text(raw[MCP_READ_ONLY])),
  };
}

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

function traceIdOf(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined) return undefined;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent)?.[1];
}

const MAX_TRACESTATE = 512;
const MAX_TRACESTATE_MEMBERS = 32;
const TRACESTATE_MEMBER = /^[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}$/;

/** It is logged, so a value that repeats the credential is dropped. */
function traceStateOf(raw: Headers): string | undefined {
  const value = text(raw[TRACESTATE]);
  if (value === undefined || value.length > MAX_TRACESTATE) return undefined;
  const members = value.split(',').map((member) => member.trim());
  const given = members.filter((member) => member !== '');
  if (given.length > MAX_TRACESTATE_MEMBERS || !given.every((member) => TRACESTATE_MEMBER.test(member)))
    return undefined;
  const secrets = [text(raw[SESSION]), text(raw[API_KEY])];
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
