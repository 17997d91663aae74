/** How a document is served: with an ETag, to anybody. Not: where it comes from. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers with a document: anybody may read it, and keep it as long as its ETag holds. */
export type ServeDocument = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves one form of it, made once. Throws what `make` throws, until it does not. */
export function createServeDocument(mediaType: string, make: () => string): ServeDocument {
  let made: { readonly bytes: Buffer; readonly etag: string } | undefined;
  return (request, response) => {
    made ??= withTag(Buffer.from(make()));
    const { bytes, etag } = made;
    const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
    if (request.headers['if-none-match']?.includes(etag)) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': mediaType, 'content-length': bytes.length }).end(bytes);
  };
}

function withTag(bytes: Buffer): { readonly bytes: Buffer; readonly etag: string } {
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` };
}
