/**
 * What browsers ask before a page of another origin may call, and read the answer (CORS). Not: which origins may: those
 * that must not were refused before.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HEADER_NAMES } from '../tools/headers.js';

/** The origin of pages that have none, such as files opened from disk. */
export const NO_ORIGIN = 'null';

const METHODS = 'GET, HEAD, POST, OPTIONS';
const REQUEST_HEADERS = [
  'content-type',
  'accept',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
  'last-event-id',
  ...HEADER_NAMES,
].join(', ');
const RESPONSE_HEADERS = 'mcp-session-id, retry-after, x-api-version, x-request-id';
const REMEMBERED_SECONDS = '600';

/**
 * Lets a page whose origin was admitted read the answer, and answers the browser's question before a call. True: the
 * request is answered. Credentials are headers of ours, which no browser sends by itself: cookies are never allowed.
 */
export function answerCors({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = headers;
  if (origin === undefined) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
  response.setHeader('vary', 'origin');
  if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
  response.setHeader('access-control-allow-methods', METHODS);
  response.setHeader('access-control-allow-headers', REQUEST_HEADERS);
  response.setHeader('access-control-max-age', REMEMBERED_SECONDS);
  response.writeHead(204).end();
  return true;
}
