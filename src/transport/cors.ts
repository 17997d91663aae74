/**
 * CORS: preflight responses and response headers for pages of the origins the operator allows. Requests from other
 * origins have been rejected before; see host-origin-check.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { validateOriginHeader } from '@modelcontextprotocol/server';
import { CLIENT_ADDRESS, HEADER_NAMES, REQUEST_ID } from '../pipeline/headers.js';

/** The `Origin` header of pages without an origin, such as files opened from disk. */
export const NO_ORIGIN = 'null';

/**
 * Lets a page of an allowed origin read the response, and serves the preflight request. Returns true when it has served
 * the request. Credentials are custom headers that no browser sends by itself, so cookies are never allowed.
 */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

const METHODS = 'GET, HEAD, POST, DELETE, OPTIONS';
const REQUEST_HEADERS = [
  'content-type',
  'accept',
  'if-none-match',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
  'last-event-id',
  ...HEADER_NAMES.filter((name) => name !== REQUEST_ID && name !== CLIENT_ADDRESS), // set by the transport itself
];
const RESPONSE_HEADERS =
  'mcp-session-id, mcp-protocol-version, www-authenticate, retry-after, deprecation, sunset, etag, x-api-version, x-request-id';
/** Tool arguments that clients mirror in headers. */
const MIRRORED_ARGUMENT = /^mcp-param-[a-z0-9_-]{1,64}$/;
const MAX_MIRRORED = 32;
const PREFLIGHT_MAX_AGE_S = '600';

/** CORS for the allowed origins: host names without scheme and port, or `null`. `takesTokens`: OAuth is on. */
export function createCors(allowedOrigins: readonly string[], takesTokens = false): Cors {
  const requestHeaders = takesTokens ? [...REQUEST_HEADERS, 'authorization'] : REQUEST_HEADERS;
  const isAllowed = (origin: string) =>
    origin === NO_ORIGIN ? allowedOrigins.includes(NO_ORIGIN) : validateOriginHeader(origin, [...allowedOrigins]).ok;
  return ({ method, headers }, response) => {
    if (allowedOrigins.length === 0) return false;
    response.setHeader('vary', 'origin');
    const { origin } = headers;
    if (origin === undefined || !isAllowed(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
    response.setHeader('vary', 'origin, access-control-request-headers, access-control-request-private-network');
    response.setHeader('access-control-allow-methods', METHODS);
    response.setHeader('access-control-allow-headers', [...requestHeaders, ...mirrored(headers)].join(', '));
    response.setHeader('access-control-max-age', PREFLIGHT_MAX_AGE_S);
    if (headers['access-control-request-private-network'] === 'true') {
      response.setHeader('access-control-allow-private-network', 'true');
    }
    response.writeHead(204).end();
    return true;
  };
}

function mirrored(headers: IncomingMessage['headers']): readonly string[] {
  const requested = headers['access-control-request-headers'] ?? '';
  const names = requested.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => MIRRORED_ARGUMENT.test(name)).slice(0, MAX_MIRRORED);
}
