/** Reads the bytes of a request body up to a limit, and discards bodies that are not needed. Does not parse JSON. */
import type { IncomingMessage } from 'node:http';
import { CrmError } from '../contract/errors.js';

/** How much of a rejected body is discarded, so that its sender sees the response, before the connection ends. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/**
 * The whole body, or `too large` as soon as it exceeds `maxBytes` or announces to; the rest is discarded. Rejects when
 * the client disconnects first.
 */
export function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer | 'too large'> {
  return new Promise((resolve, fail) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let isWhole = false;
    const tooLarge = () => {
      discard(request);
      request.off('data', take);
      isWhole = true; // as far as anyone waits for it
      resolve('too large');
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) return tooLarge();
      chunks.push(chunk);
    };
    if (Number(request.headers['content-length']) > maxBytes) return tooLarge();
    const end = () => {
      isWhole = true;
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const close = () => {
      if (!isWhole) fail(new Error('the client disconnected')); // to make an error takes long, and every request closes
    };
    request.on('data', take).on('end', end).on('error', fail).on('close', close);
  });
}

/** Reads a body without keeping it, so that the connection can be reused. */
export function discard(request: IncomingMessage): void {
  let left = MAX_DISCARDED_BYTES;
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
}

/** Whether a request has a body, even an empty one. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * 415 `crm.unsupported_media_type` unless a body is declared as plain JSON in UTF-8: one media type, no other charset,
 * not compressed. The message states which of these is wrong.
 */
export function mediaTypeError(request: IncomingMessage): CrmError | undefined {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding.trim().toLowerCase() !== 'identity') {
    return unsupported('The body is compressed. Send it as it is, without content-encoding.');
  }
  // Of several media types node:http keeps the first; a proxy in front of us may have read another.
  const [mediaType = '', ...others] = valuesOf(request, 'content-type');
  if (mediaType === 'application/json' && others.length === 0) return undefined;
  const [type, ...parameters] = mediaType.split(';').map((part) => part.trim().toLowerCase());
  if (type !== 'application/json' || others.length > 0) {
    return unsupported('The body must be JSON. Send one content-type, application/json.');
  }
  const charsets = parameters.filter((parameter) => parameter.startsWith('charset='));
  if (charsets.every((charset) => /^charset="?utf-8"?$/.test(charset))) return undefined;
  return unsupported('The body must be in UTF-8. Send content-type: application/json.');
}

/** Every value of a header as it was sent; `headers` of node:http keeps only the first of some. */
export function valuesOf({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>, name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? '';
    if (given.length === name.length && given.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}

function unsupported(message: string): CrmError {
  return new CrmError({ code: 'crm.unsupported_media_type', tag: 'validation-error', status: 415, message });
}
