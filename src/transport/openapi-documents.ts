/** Serves an OpenAPI document with an ETag and without credentials. Its source: contract/published-documents.ts. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Sends a document. Any client may read it, and cache it while its ETag matches. */
export type ServeDocument = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves one format of the document, made on first use. Throws what `make` throws, and retries on the next request. */
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
