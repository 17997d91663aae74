/** The header names of the contract (§1) and a lookup that does not care where headers come from. */

/** Lower-case header name → value. HTTP requests and the stdio environment both fit. */
export type Headers = { readonly [name: string]: string | readonly string[] | undefined };

export const ORGCODE = 'x-orgcode';
export const SESSION = 'x-session-guid';
export const API_KEY = 'x-api-key';
export const LOGICAL_GUID = 'x-logical-guid';
export const CHANNEL_CODE = 'x-channel-code';
export const CCCODE = 'x-cccode';
export const IDEMPOTENCY_KEY = 'idempotency-key';

export const TRACEPARENT = 'traceparent';

/** What a client wants to see less of; these take tools away and never add any. */
export const MCP_TOOLSETS = 'x-mcp-toolsets';
export const MCP_TOOLS = 'x-mcp-tools';
export const MCP_READ_ONLY = 'x-mcp-readonly';

/** What a door calls the request. It writes this itself, over whatever was sent under the name. */
export const REQUEST_ID = 'x-request-id';

/**
 * The address a request came from, or the part of it that one party holds. A door writes this itself, over whatever was
 * sent under the name; on stdio there is none.
 */
export const CLIENT_ADDRESS = 'x-client-address';

/** Every header the pipeline reads; a door hands on these and no others. */
export const HEADER_NAMES: readonly string[] = [
  ORGCODE,
  SESSION,
  API_KEY,
  LOGICAL_GUID,
  CHANNEL_CODE,
  CCCODE,
  IDEMPOTENCY_KEY,
  TRACEPARENT,
  MCP_TOOLSETS,
  MCP_TOOLS,
  MCP_READ_ONLY,
  REQUEST_ID,
  CLIENT_ADDRESS,
];

/** The headers of the contract among all of a request, by name in lower case. */
export function contractHeaders(all: Headers): Headers {
  return Object.fromEntries(HEADER_NAMES.flatMap((name) => (name in all ? [[name, all[name]]] : [])));
}

/** One header's value, trimmed; undefined when absent, empty or given twice. */
export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  if (typeof value !== 'string') return undefined;
  const trimmed = value.trim();
  return trimmed === '' ? undefined : trimmed;
}
