/**
 * Checks of the HTTP transport before a request is read: its Host, its Origin, and that it is HTTP at all. Credentials
 * are checked by the pipeline.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { validateHostHeader, validateOriginHeader } from '@modelcontextprotocol/server';
import { badRequest, CrmError, nextStepsOf } from '../contract/errors.js';
import { API_VERSION } from '../contract/version.js';
import { REQUEST_ID } from '../pipeline/headers.js';
import { NO_ORIGIN } from './cors.js';
import { valuesOf } from './http-body.js';

export const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** Accepted Host headers that are remembered: one name with each port that a client may name. */
const MOST_ACCEPTED = 100;

/** The error of a request that is rejected before it is read; undefined when it is accepted. */
export type HostOriginCheck = (request: IncomingMessage) => CrmError | undefined;

/**
 * Accepts requests addressed to loopback or an allowed host, from pages of loopback or an allowed origin, or from no
 * page. `null` among the origins allows pages that have none.
 */
export function createHostOriginCheck(
  allowedHosts: readonly string[],
  allowedOrigins: readonly string[],
): HostOriginCheck {
  const hosts = [...LOOPBACK_HOSTS, ...allowedHosts];
  const origins = [...LOOPBACK_HOSTS, ...allowedOrigins];
  const accepted = new Set<string>(); // to read a Host header takes longer than to find it here
  const isAccepted = (host: string) => {
    if (accepted.has(host)) return true;
    if (!validateHostHeader(host, hosts).ok) return false;
    if (accepted.size < MOST_ACCEPTED) accepted.add(host);
    return true;
  };
  return ({ headers: { host, origin } }) => {
    if (host === undefined) return badRequest('crm.host_required', 'Send a Host header.');
    if (!isAccepted(host)) {
      return notAllowed('crm.host_forbidden', 'This server is not known by that Host. See --allow-host.');
    }
    if (origin === undefined) return undefined;
    if (origin === NO_ORIGIN ? allowedOrigins.includes(NO_ORIGIN) : validateOriginHeader(origin, origins).ok) {
      return undefined;
    }
    return notAllowed('crm.origin_forbidden', 'Pages of that Origin may not call this server. See --allow-origin.');
  };
}

/** 400 for a request with several Host headers: a proxy in front of us may have read another one of them. */
export function repeatedHost(request: IncomingMessage): CrmError | undefined {
  if (valuesOf(request, 'host').length <= 1) return undefined;
  return badRequest('crm.host_required', 'Send one Host header, not several.');
}

/** Rejects a request with a JSON-RPC error; every path outside REST uses JSON-RPC. */
export function sendJsonRpcError(response: ServerResponse, error: CrmError): void {
  const { status, headers, text } = jsonRpcErrorOf(error);
  response.writeHead(status, headers).end(text);
}

/** An error of the transport as JSON-RPC; `id` is the message it responds to, null for none. */
export function jsonRpcErrorOf(error: CrmError, id: unknown = null) {
  const { status, message, code, details } = error;
  const wait = Number(details?.retry_after_ms);
  const headers = {
    'content-type': 'application/json',
    ...(wait > 0 ? { 'retry-after': String(Math.ceil(wait / 1000)) } : {}),
  };
  const data = { error_code: code, ...details, next_steps: nextStepsOf(error) };
  const rpcCode = code === 'crm.session_not_found' ? SESSION_NOT_FOUND : REJECTED;
  return { status, headers, text: JSON.stringify({ jsonrpc: '2.0', error: { code: rpcCode, message, data }, id }) };
}

/** The JSON-RPC error codes that the SDKs use in these cases. */
const REJECTED = -32000;
const SESSION_NOT_FOUND = -32001;

/** Responds to bytes that node:http cannot parse, if the connection has sent nothing yet, and closes it. */
export function createMalformedRequestHandler(nameRequest: () => string): (error: Error, socket: Socket) => void {
  return (error, socket) => {
    if (!socket.writable || socket.bytesWritten > 0) {
      socket.destroy();
      return;
    }
    const status = STATUS_BY_PARSE_ERROR[(error as NodeJS.ErrnoException).code ?? ''] ?? '400 Bad Request';
    const headers = {
      'x-api-version': API_VERSION,
      [REQUEST_ID]: nameRequest(),
      'content-length': 0,
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`);
  };
}

const STATUS_BY_PARSE_ERROR: { readonly [code: string]: string } = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

function notAllowed(code: string, message: string): CrmError {
  return new CrmError({ code, tag: 'forbidden', message });
}
