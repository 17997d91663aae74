/**
 * What browsers ask before a page of another origin may call, and read the answer (CORS), for the origins the operator
 * has named. Not: which origins may call at all: those that must not were refused before.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { validateOriginHeader } from '@modelcontextprotocol/server';
import { CLIENT_ADDRESS, HEADER_NAMES, REQUEST_ID } from '../pipeline/headers.js';

/** The origin of pages that have none, such as files opened from disk. */
export const NO_ORIGIN = 'null';

/**
 * Lets a page of a named origin read the answer, and answers the browser's question before a call. True: the request
 * is answered. Credentials are headers of ours, which no browser sends by itself: cookies are never allowed.
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
  ...HEADER_NAMES.filter((name) => name !== REQUEST_ID && name !== CLIENT_ADDRESS), // the door's own
];
const RESPONSE_HEADERS =
  'mcp-session-id, mcp-protocol-version, www-authenticate, retry-after, etag, x-api-version, x-request-id';
/** Arguments that a tool's schema sends in headers too. */
const MIRRORED_ARGUMENT = /^mcp-param-[a-z0-9_-]{1,64}$/;
const MOST_MIRRORED = 32;
const REMEMBERED_SECONDS = '600';

/** CORS for the named origins: host names without scheme and port, or `null`. */
export function createCors(allowedOrigins: readonly string[]): Cors {
  const isNamed = (origin: string) =>
    origin === NO_ORIGIN ? allowedOrigins.includes(NO_ORIGIN) : validateOriginHeader(origin, [...allowedOrigins]).ok;
  return ({ method, headers }, response) => {
    if (allowedOrigins.length === 0) return false;
    response.setHeader('vary', 'origin');
    const { origin } = headers;
    if (origin === undefined || !isNamed(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
    response.setHeader('vary', 'origin, access-control-request-headers, access-control-request-private-network');
    response.setHeader('access-control-allow-methods', METHODS);
    response.setHeader('access-control-allow-headers', [...REQUEST_HEADERS, ...mirrored(headers)].join(', '));
    response.setHeader('access-control-max-age', REMEMBERED_SECONDS);
    if (headers['access-control-request-private-network'] === 'true') {
      response.setHeader('access-control-allow-private-network', 'true');
    }
    response.writeHead(204).end();
    return true;
  };
}

function mirrored(headers: IncomingMessage['headers']): readonly string[] {
  const asked = headers['access-control-request-headers'] ?? '';
  const names = asked.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => MIRRORED_ARGUMENT.test(name)).slice(0, MOST_MIRRORED);
}
