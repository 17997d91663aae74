/** The bytes of a request body, up to a bound, and what becomes of those nobody wants. Not: what they say. */
import type { IncomingMessage } from 'node:http';

/** So much of a refused body is read and forgotten, so that its sender sees the answer; then the connection ends. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/**
 * The whole body, or `too large` as soon as it is, or is said to be, more than `most` bytes; the rest is discarded.
 * Rejects when the client goes away first.
 */
export function readBytes(request: IncomingMessage, most: number): Promise<Buffer | 'too large'> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refuse = () => {
      discard(request);
      request.off('data', take);
      resolve('too large');
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > most) return refuse();
      chunks.push(chunk);
    };
    if (Number(request.headers['content-length']) > most) return refuse();
    request.on('data', take).once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject).once('close', () => reject(new Error('the client went away')));
  });
}

/** Takes a body off the wire without keeping it, so that the connection can go on. */
export function discard(request: IncomingMessage): void {
  let left = MAX_DISCARDED_BYTES;
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
}

/** Whether a request has a body, be it empty. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Whether a body is said to be JSON in UTF-8, as it stands: one media type, no other charset, not compressed. */
export function isPlainJson({ headers, rawHeaders }: IncomingMessage): boolean {
  // Of several media types node:http keeps the first, where whoever stands in front of us may have read another.
  const types = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'content-type');
  const encoding = headers['content-encoding'] ?? 'identity';
  return types.length === 1 && types.every(isJson) && encoding.trim().toLowerCase() === 'identity';
}

function isJson(mediaType: string): boolean {
  const [type, ...parameters] = mediaType.split(';').map((part) => part.trim().toLowerCase());
  const charsets = parameters.filter((parameter) => parameter.startsWith('charset='));
  return type === 'application/json' && charsets.every((charset) => /^charset="?utf-8"?$/.test(charset));
}
