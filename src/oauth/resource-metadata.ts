/** How this server presents itself to OAuth clients: its metadata (RFC 9728) and its challenges (RFC 6750). */
import type { OAuthOptions } from './oauth-options.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

export interface ResourceMetadata {
  /** The paths at which the document is served. */
  readonly paths: readonly string[];
  readonly document: Readonly<Record<string, unknown>>;
  /** Where clients find the document. */
  readonly url: string;
}

/** The document, which names what a client needs to get a token. `scopes`: all that operations need. */
export function resourceMetadata(options: OAuthOptions, scopes: readonly string[], mcpPath: string): ResourceMetadata {
  const { issuer, resource, scopePrefix } = options;
  const path = resource.pathname === '/' ? '' : resource.pathname;
  const own = `${WELL_KNOWN}${path}`;
  return {
    paths: [...new Set([WELL_KNOWN, `${WELL_KNOWN}${mcpPath}`, own])],
    url: `${resource.origin}${own}`,
    document: {
      resource: resourceText(resource),
      authorization_servers: [issuer],
      scopes_supported: scopes.map((scope) => scopePrefix + scope),
      bearer_methods_supported: ['header'],
      resource_name: 'G3N retail CRM',
    },
  };
}

/** Without the slash that URLs add to an origin: clients compare the text with what they were given. */
export function resourceText({ origin, pathname }: URL): string {
  return pathname === '/' ? origin : `${origin}${pathname}`;
}

export interface Challenge {
  /** Absent for a request without a token. */
  readonly error?: 'invalid_token' | 'insufficient_scope';
  readonly description?: string;
  readonly scopes: readonly string[];
}

/** The value of `www-authenticate`. No part of it comes from the request. */
export function challengeText({ error, description, scopes }: Challenge, url: string): string {
  const parts = {
    ...(error === undefined ? {} : { error }),
    ...(description === undefined ? {} : { error_description: description }),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    resource_metadata: url,
  };
  return `Bearer ${Object.entries(parts)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`;
}
