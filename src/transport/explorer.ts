/**
 * Serves the explorer of the published OpenAPI document at /explorer, from the files that scripts/explorer.mjs builds.
 * They are read on the first request. Its content: page/explorer.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { lazy } from '../contract/lazy.js';
import { etagOf, isUnchanged } from './etag.js';
import { EXPLORER_PATH, PAGE_HEADERS, type Pages } from './pages.js';

/**
 * Scripts and styles are files of this server, and nothing else runs or loads; only this server is called. Scripts may
 * not turn text into HTML or code, but for the sanitiser in Swagger UI, whose policy has the name dompurify.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types dompurify',
].join('; ');

const FOR_A_YEAR = 'public, max-age=31536000, immutable';
const MEDIA_TYPES: { readonly [extension: string]: string } = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};
const COMPRESSED = '.br';

interface ExplorerFile {
  readonly plain: () => Representation;
  /** In Brotli, of scripts and styles. */
  readonly compressed?: Representation;
}

interface Representation {
  readonly body: Buffer;
  readonly headers: { readonly etag: string; readonly [name: string]: string };
}

/** Serves GET and HEAD of the built files in `directory`; returns false for any other request. */
export function createExplorer(directory: string): Pages {
  const files = lazy(() => readFiles(directory));
  return (request, response, path) => {
    if (path !== EXPLORER_PATH && !path.startsWith(`${EXPLORER_PATH}/`)) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const file = files().get(path);
    if (file === undefined) return false;
    send(request, response, file);
    return true;
  };
}

function send(request: IncomingMessage, response: ServerResponse, { plain, compressed }: ExplorerFile): void {
  const { body, headers } = (acceptsBrotli(request.headers) ? compressed : undefined) ?? plain();
  if (isUnchanged(request, headers.etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function acceptsBrotli({ 'accept-encoding': accepted = '' }: IncomingHttpHeaders): boolean {
  return String(accepted)
    .split(',')
    .some((coding) => {
      const [name, weight] = coding.split(';');
      return name?.trim() === 'br' && Number(weight?.split('=')[1] ?? 1) > 0;
    });
}

/** The files by their paths. None when there are none: of a clone that was not built. */
function readFiles(directory: string): ReadonlyMap<string, ExplorerFile> {
  const files = new Map<string, ExplorerFile>();
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const content = readFileSync(join(directory, name));
    if (name.endsWith(COMPRESSED)) {
      const served = name.slice(0, -COMPRESSED.length);
      files.set(`${EXPLORER_PATH}/${served}`, assetOf(served, content));
    } else {
      const page = withTag(content, {
        ...headersOf(name),
        'content-security-policy': POLICY,
        'cache-control': 'no-cache',
      });
      for (const path of [EXPLORER_PATH, `${EXPLORER_PATH}/`]) files.set(path, { plain: () => page });
    }
  }
  return files;
}

function assetOf(name: string, content: Buffer): ExplorerFile {
  const headers = { ...headersOf(name), 'cache-control': FOR_A_YEAR, vary: 'accept-encoding' };
  return {
    plain: lazy(() => withTag(brotliDecompressSync(content), headers)),
    compressed: withTag(content, { ...headers, 'content-encoding': 'br' }),
  };
}

function withTag(body: Buffer, headers: { readonly [name: string]: string }): Representation {
  return { body, headers: { ...headers, etag: etagOf(body) } };
}

function headersOf(name: string): { readonly [name: string]: string } {
  return { ...PAGE_HEADERS, 'content-type': MEDIA_TYPES[name.split('.').pop() ?? ''] ?? 'application/octet-stream' };
}
