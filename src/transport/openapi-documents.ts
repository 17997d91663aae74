/** Serves an OpenAPI document with an ETag and without credentials. Its source: contract/published-documents.ts. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { etagOf, isUnchanged } from './etag.js';

/** Sends a document. Any client may read it, and cache it while its ETag matches. */
export type ServeDocument = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves one format of the document, made on first use. Throws what `make` throws, and retries on the next request. */
export function createServeDocument(mediaType: string, make: () => string): ServeDocument {
  let made: { readonly bytes: Buffer; readonly etag: string } | undefined;
  return (request, response) => {
    made ??= withTag(Buffer.from(make()));
    const { bytes, etag } = made;
    const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
    if (isUnchanged(request, etag)) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': mediaType, 'content-length': bytes.length }).end(bytes);
  };
}

function withTag(bytes: Buffer): { readonly bytes: Buffer; readonly etag: string } {
  return { bytes, etag: etagOf(bytes) };
}
