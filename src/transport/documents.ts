/** The published OpenAPI document, as YAML and as JSON, and how it is served. Not: where its file is. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';

/** The document in both forms; each is asked for when it is first wanted. */
export interface Documents {
  yaml(): string;
  json(): string;
}

/**
 * The document in a YAML file. `built` is where the build wrote the same as JSON: without it the YAML is parsed when it
 * is first asked for, which holds everything up for half a second.
 */
export function createDocuments(path: string, built?: string): Documents {
  const yaml = () => readFileSync(path, 'utf8');
  const json = () => {
    if (built !== undefined && existsSync(built)) return readFileSync(built, 'utf8');
    const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    return JSON.stringify(parse(yaml()));
  };
  return { yaml, json };
}

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
