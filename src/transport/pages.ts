/** Serves the web page, mcp.html, at / and /crm/mcp.html with its content security policy. Its content: page/src. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

export interface PageSource {
  html(): string;
}

/** Serves GET and HEAD of the page's two paths; returns false for any other request. */
export type Pages = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

const PATHS: readonly string[] = ['/', '/crm/mcp.html'];

/** Where a person who types an address may look: of documentation, and of the endpoint of MCP clients. */
const LEADING: readonly string[] = ['/docs', '/docs/', '/mcp', '/mcp/'];

/** A person's browser asks for a page. A client that listens for messages asks for an event stream. */
function isBrowser({ accept = '' }: IncomingHttpHeaders): boolean {
  return accept.includes('text/html') && !accept.includes('text/event-stream');
}

function leadToPage(response: ServerResponse): true {
  response.writeHead(302, { location: '/', 'cache-control': 'no-store', vary: 'accept', 'content-length': 0 });
  response.end();
  return true;
}

/** Serves the page, which is read at once. @throws what `html` throws; Error when the page has no CSP. */
export function createPages({ html }: PageSource): Pages {
  const page = prepare(html());
  return ({ method, headers }, response, path) => {
    if (method === 'GET' && LEADING.includes(path) && isBrowser(headers)) return leadToPage(response);
    if (!PATHS.includes(path) || (method !== 'GET' && method !== 'HEAD')) return false;
    const unchanged = headers['if-none-match']?.split(',').some((tag) => tag.trim() === page.headers.etag) === true;
    const size = unchanged ? {} : { 'content-length': page.bytes.length };
    response.writeHead(unchanged ? 304 : 200, { ...page.headers, ...size });
    response.end(unchanged || method === 'HEAD' ? undefined : page.bytes);
    return true;
  };
}

interface Prepared {
  readonly bytes: Buffer;
  readonly headers: { readonly [name: string]: string };
}

function prepare(html: string): Prepared {
  const bytes = Buffer.from(html);
  return {
    bytes,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': servedPolicy(html),
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
      etag: `"${createHash('sha256').update(bytes).digest('base64url')}"`,
    },
  };
}

/** The page's own CSP, narrowed: the page may connect only to the server it came from, and cannot be framed. */
function servedPolicy(html: string): string {
  const policy = /http-equiv="content-security-policy" content="([^"]+)"/.exec(html)?.[1];
  if (policy === undefined) throw new Error('mcp.html has no content-security-policy');
  return `${policy.replace(/connect-src [^;]+/, "connect-src 'self'")}; frame-ancestors 'none'`;
}
