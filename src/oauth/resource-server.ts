/**
 * This server as an OAuth 2.1 resource server of the operator's identity provider: which tokens it accepts and what
 * they mean, and what it tells clients. Tokens are never stored, logged or forwarded. Reading the token from a request:
 * transport/bearer.ts.
 */
import { performance } from 'node:perf_hooks';
import type { CallHeaders } from '../pipeline/headers.js';
import { createIssuerHttp } from './issuer-http.js';
import { createIssuerMetadata } from './issuer-metadata.js';
import { createJwtTokens, isJwt } from './jwt-tokens.js';
import type { OAuthOptions } from './oauth-options.js';
import { createOpaqueTokens } from './opaque-tokens.js';
import { type Challenge, challengeText, type ResourceMetadata, resourceMetadata } from './resource-metadata.js';
import { type KnownNames, type OrgKey, readClaims, type TokenMeaning } from './token-claims.js';
import { TokenRejected } from './token-error.js';

export interface ResourceServerParts {
  readonly options: OAuthOptions;
  readonly known: KnownNames;
  /** The path at which MCP is served. */
  readonly mcpPath: string;
  /** The org that the operator mapped a tenant or a client to. */
  readonly mappedOrg: (key: OrgKey) => Promise<string | undefined>;
  /** Milliseconds since the epoch; default: the system clock. */
  readonly clock?: () => number;
  /** Of a request to the identity provider; default five seconds. */
  readonly deadlineMs?: number;
}

export interface ResourceServer {
  readonly metadata: ResourceMetadata;
  /**
   * The headers of a request as if they had named the caller of its token.
   * @throws TokenRejected, IssuerUnavailable
   */
  identify(token: string, headers: CallHeaders): Promise<CallHeaders>;
  /** The value of `www-authenticate`; without an error, for a request without a token. */
  challenge(challenge?: Challenge): string;
  /** Scopes as the identity provider knows them. */
  named(scopes: readonly string[]): readonly string[];
}

/** Longer than any token in use; the HTTP parser's limit on all headers is 16 KiB. */
const MAX_TOKEN = 12 * 1024;
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
/** No org code: a caller who has none is looked for like any other. */
const NO_ORG = '-';

/** Creates the resource server. It asks the issuer when it first has to. */
export function createResourceServer(parts: ResourceServerParts): ResourceServer {
  const { options, known, mcpPath, clock = Date.now, deadlineMs } = parts;
  const elapsed = () => performance.now();
  const http = createIssuerHttp({ clock: elapsed, ...(deadlineMs === undefined ? {} : { deadlineMs }) });
  const issuer = createIssuerMetadata(options.issuer, http, elapsed);
  const ofJwt = createJwtTokens(options, issuer, http, clock);
  const { introspection } = options;
  const ofOpaque = introspection && createOpaqueTokens(options, introspection, issuer, http, clock);
  const metadata = resourceMetadata(options, known.scopes, mcpPath);
  const named = (scopes: readonly string[]) => scopes.map((scope) => options.scopePrefix + scope);
  const claimsOf = (token: string) => {
    if (token.length > MAX_TOKEN || !TOKEN.test(token)) throw new TokenRejected('it is too long or malformed');
    if (introspection?.of !== 'all' && isJwt(token)) return ofJwt(token);
    if (ofOpaque === undefined) throw new TokenRejected('it is no JWT, and introspection is not configured');
    return ofOpaque(token);
  };
  return {
    metadata,
    named,
    async identify(token, headers) {
      const meaning = readClaims(await claimsOf(token), options, known);
      const { facility, channel } = meaning;
      return {
        ...headers,
        token: meaning.token,
        orgcode: await orgOf(meaning, headers.orgcode, parts.mappedOrg),
        logicalGuid: headers.logicalGuid ?? facility,
        channelCode: headers.channelCode ?? channel,
        traceState: headers.traceState?.includes(token) ? undefined : headers.traceState,
      };
    },
    challenge: (challenge = { scopes: named(options.firstScopes) }) => challengeText(challenge, metadata.url),
  };
}

/** The org of a call. Of several in a token, the header selects one; a header that names another selects none. */
async function orgOf(
  { orgs, mapped }: TokenMeaning,
  selected: string | undefined,
  mappedOrg: ResourceServerParts['mappedOrg'],
): Promise<string | undefined> {
  const own = orgs.length > 0 ? orgs : await firstMapped(mapped, mappedOrg);
  if (selected === undefined) return own.length > 1 ? undefined : (own[0] ?? NO_ORG);
  return own.some((org) => org.toUpperCase() === selected.toUpperCase()) ? selected : NO_ORG;
}

async function firstMapped(keys: readonly OrgKey[], mappedOrg: ResourceServerParts['mappedOrg']) {
  for (const key of keys) {
    const org = await mappedOrg(key);
    if (org !== undefined) return [org];
  }
  return [];
}
