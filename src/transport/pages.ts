/** Serves the web page, mcp.html, at / and /crm/mcp.html with its content security policy. Its content: page/src. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { etagOf, isUnchanged } from './etag.js';

/** What the page needs to sign people in, as a client without a secret. */
export interface PageSignIn {
  readonly clientId: string;
  readonly issuer: string;
  readonly resource: string;
  readonly scopes: readonly string[];
}

export interface PageSource {
  html(): string;
  /** Serves the explorer. Without it there is none. */
  readonly explorer?: Pages;
  /** How people sign in on the page; without it they do not. */
  readonly signIn?: PageSignIn | undefined;
}

/** Serves GET and HEAD of its paths; returns false for any other request. */
export type Pages = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

const PATHS: readonly string[] = ['/', '/crm/mcp.html'];

export const EXPLORER_PATH = '/explorer';

/** Where a person who types an address may look for documentation. */
const DOCS: readonly string[] = ['/docs', '/docs/'];
/** The endpoint of MCP clients, which a person may open in a browser. */
const MCP: readonly string[] = ['/mcp', '/mcp/'];

/** A person's browser asks for a page. A client that listens for messages asks for an event stream. */
function isBrowser({ accept = '' }: IncomingHttpHeaders): boolean {
  return accept.includes('text/html') && !accept.includes('text/event-stream');
}

function leadTo(location: string, response: ServerResponse): true {
  response.writeHead(302, { location, 'cache-control': 'no-store', vary: 'accept', 'content-length': 0 });
  response.end();
  return true;
}

/** Serves the page, which is read at once. @throws what `html` throws; Error when the page has no CSP. */
export function createPages({ html, explorer, signIn }: PageSource): Pages {
  const page = prepare(html(), signIn);
  return (request, response, path) => {
    const { method, headers } = request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (DOCS.includes(path)) return leadTo(explorer === undefined ? '/' : EXPLORER_PATH, response);
    if (explorer === undefined && path === EXPLORER_PATH) return leadTo('/', response);
    if (method === 'GET' && MCP.includes(path) && isBrowser(headers)) return leadTo('/', response);
    if (explorer?.(request, response, path)) return true;
    if (!PATHS.includes(path)) return false;
    const unchanged = isUnchanged(request, page.headers.etag);
    const size = unchanged ? {} : { 'content-length': page.bytes.length };
    response.writeHead(unchanged ? 304 : 200, { ...page.headers, ...size });
    response.end(unchanged || method === 'HEAD' ? undefined : page.bytes);
    return true;
  };
}

/** Says in the page how to sign in: it asks for nothing, and a page without OAuth stays as it is. */
function withSignIn(html: string, signIn: PageSignIn): string {
  const content = JSON.stringify(signIn).replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return html.replace('<title>', () => `<meta name="g3n-sign-in" content="${content}">\n<title>`);
}

interface Prepared {
  readonly bytes: Buffer;
  readonly headers: { readonly etag: string; readonly [name: string]: string };
}

/** Headers of every page: other sites may not use it, and learn nothing from its links. */
export const PAGE_HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function prepare(html: string, signIn: PageSignIn | undefined): Prepared {
  const bytes = Buffer.from(signIn === undefined ? html : withSignIn(html, signIn));
  return {
    bytes,
    headers: {
      ...PAGE_HEADERS,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': servedPolicy(html, signIn && new URL(signIn.issuer).origin),
      'cache-control': 'no-cache',
      etag: etagOf(bytes),
    },
  };
}

/**
 * The page's own CSP, narrowed: the page may connect only to the server it came from, and to the identity provider if
 * people sign in there; it cannot be framed.
 */
function servedPolicy(html: string, signInOrigin: string | undefined): string {
  const policy = /http-equiv="content-security-policy" content="([^"]+)"/.exec(html)?.[1];
  if (policy === undefined) throw new Error('mcp.html has no content-security-policy');
  const sources = ["'self'", ...(signInOrigin === undefined ? [] : [signInOrigin])].join(' ');
  return `${policy.replace(/connect-src [^;]+/, `connect-src ${sources}`)}; frame-ancestors 'none'`;
}
