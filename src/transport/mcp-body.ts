/** Reads the body of an MCP message over HTTP: bytes of bounded size that are one JSON value. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CrmError } from '../contract/errors.js';
import { bodyTooLarge } from '../pipeline/body.js';
import { discard, mediaTypeError, readBytes } from './http-body.js';
import { faultMessage, type JsonRpcFault } from './json-rpc.js';

/** The largest body of the contract, plus its JSON-RPC envelope. */
export const MAX_MCP_BODY_BYTES = 1024 * 1024;

/**
 * The bytes of a body, or the error that rejects it: 415 for another media type, 413 for more than a megabyte. Rejects
 * when the client disconnects first.
 */
export async function readMcpBody(request: IncomingMessage, response: ServerResponse): Promise<Buffer | CrmError> {
  const error = mediaTypeError(request);
  if (error !== undefined) discard(request);
  const body = error ?? (await readBytes(request, MAX_MCP_BODY_BYTES));
  if (Buffer.isBuffer(body)) return body;
  response.setHeader('connection', 'close'); // what is left of the body is not read to its end
  return body === 'too large' ? bodyTooLarge(MAX_MCP_BODY_BYTES) : body;
}

/** Rejects a message with 400. */
export function sendFault(response: ServerResponse, fault: JsonRpcFault): void {
  response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(faultMessage(fault)));
}

/** Whether what was read is an error of the transport rather than a fault of the message. */
export function isTransportError(error: CrmError | JsonRpcFault): error is CrmError {
  return error instanceof CrmError;
}
