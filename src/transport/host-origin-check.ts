/**
 * Who may send to the HTTP door: the host it is asked by, the page that asks, and bytes that are HTTP at all. Not: who
 * calls; credentials are the pipeline's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { validateHostHeader, validateOriginHeader } from '@modelcontextprotocol/server';
import { badRequest, CrmError } from '../contract/errors.js';
import { API_VERSION } from '../contract/version.js';
import { REQUEST_ID } from '../pipeline/headers.js';
import { NO_ORIGIN } from './cors.js';

export const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** What stands against a request before anything of it is read; undefined when nothing does. */
export type HostOriginCheck = (request: IncomingMessage) => CrmError | undefined;

/**
 * Admits requests for this machine and the named hosts, from pages of the same or the named ones, or from no page;
 * `null` among the origins: from pages that have none.
 */
export function createHostOriginCheck(
  allowedHosts: readonly string[],
  allowedOrigins: readonly string[],
): HostOriginCheck {
  const hosts = [...LOOPBACK_HOSTS, ...allowedHosts];
  const origins = [...LOOPBACK_HOSTS, ...allowedOrigins];
  return ({ headers: { host, origin } }) => {
    if (host === undefined) return badRequest('crm.host_required', 'Send a Host header.');
    if (!validateHostHeader(host, hosts).ok) {
      return notAdmitted('crm.host_forbidden', 'This server is not known by that Host. See --allow-host.');
    }
    if (origin === NO_ORIGIN ? allowedOrigins.includes(NO_ORIGIN) : validateOriginHeader(origin, origins).ok) {
      return undefined;
    }
    return notAdmitted('crm.origin_forbidden', 'Pages of that Origin may not call this server. See --allow-origin.');
  };
}

/** Answers a request that is not admitted, in the form of JSON-RPC, which is what is spoken where REST is not. */
export function sendJsonRpcError(response: ServerResponse, error: CrmError): void {
  const { status, headers, text } = jsonRpcErrorOf(error);
  response.writeHead(status, headers).end(text);
}

/** A refusal of the door's own, in the form of JSON-RPC: for no message, or for the one of that id. */
export function jsonRpcErrorOf(error: CrmError, id: unknown = null) {
  const { status, message, code, details } = error;
  const wait = Number(details?.retry_after_ms);
  const headers = {
    'content-type': 'application/json',
    ...(wait > 0 ? { 'retry-after': String(Math.ceil(wait / 1000)) } : {}),
  };
  const data = { error_code: code, ...details };
  const rpcCode = code === 'crm.session_not_found' ? SESSION_NOT_FOUND : REFUSED;
  return { status, headers, text: JSON.stringify({ jsonrpc: '2.0', error: { code: rpcCode, message, data }, id }) };
}

/** The codes of JSON-RPC that the SDKs use for the same. */
const REFUSED = -32000;
const SESSION_NOT_FOUND = -32001;

/** Answers what node:http cannot read, if nothing was said on the connection yet, and ends it. */
export function createMalformedRequestHandler(nameRequest: () => string): (error: Error, socket: Socket) => void {
  return (error, socket) => {
    if (!socket.writable || socket.bytesWritten > 0) {
      socket.destroy();
      return;
    }
    const status = STATUS_OF_BROKEN[(error as NodeJS.ErrnoException).code ?? ''] ?? '400 Bad Request';
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

const STATUS_OF_BROKEN: { readonly [code: string]: string } = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

function notAdmitted(code: string, message: string): CrmError {
  return new CrmError({ code, tag: 'forbidden', message });
}
