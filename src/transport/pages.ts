/** The page for people, mcp.html: served at / and /crm/mcp.html with the policy it asks for. Not: what stands in it. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface PageSource {
  html(): string;
}

/** Answers GET and HEAD of the page's two addresses; false: the request is not for it. */
export type Pages = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

const PATHS: readonly string[] = ['/', '/crm/mcp.html'];

/** Serves the page, which is read here and now. @throws whatever `html` throws, Error when it has no policy. */
export function createPages({ html }: PageSource): Pages {
  const page = prepare(html());
  return ({ method, headers }, response, path) => {
    if (!PATHS.includes(path) || (method !== 'GET' && method !== 'HEAD')) return false;
    const known = headers['if-none-match']?.split(',').some((tag) => tag.trim() === page.headers.etag) === true;
    const size = known ? {} : { 'content-length': page.bytes.length };
    response.writeHead(known ? 304 : 200, { ...page.headers, ...size });
    response.end(known || method === 'HEAD' ? undefined : page.bytes);
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

/** The page's own policy, narrower: it may talk to the server it came from alone, and nobody may frame it. */
function servedPolicy(html: string): string {
  const policy = /http-equiv="content-security-policy" content="([^"]+)"/.exec(html)?.[1];
  if (policy === undefined) throw new Error('mcp.html has no content-security-policy');
  return `${policy.replace(/connect-src [^;]+/, "connect-src 'self'")}; frame-ancestors 'none'`;
}
