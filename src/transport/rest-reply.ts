/** Sends an envelope as an HTTP response: status, headers, and the unchanged envelope as JSON. */
import type { ServerResponse } from 'node:http';
import type { Envelope } from '../contract/envelope.js';

/** Sends an envelope, our own or a relayed one. */
export function sendEnvelope(response: ServerResponse, envelope: Envelope): void {
  const status = statusOf(envelope);
  const seconds = status === 429 || status === 503 ? secondsToWait(envelope) : undefined;
  if (seconds !== undefined) response.setHeader('retry-after', seconds);
  const text = JSON.stringify(envelope);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

/** 502 when the server behind the gateway reports an error with a status that is no error status. */
function statusOf(envelope: Envelope): number {
  if (envelope.success) return 200;
  const { http_status } = envelope.error;
  return Number.isInteger(http_status) && http_status >= 400 && http_status <= 599 ? http_status : 502;
}

function secondsToWait(envelope: Envelope): number | undefined {
  const wait = envelope.success ? undefined : envelope.error.details?.retry_after_ms;
  return typeof wait === 'number' && wait >= 0 && wait <= LONGEST_WAIT_MS ? Math.ceil(wait / 1000) : undefined;
}

const LONGEST_WAIT_MS = 24 * 3600 * 1000;
