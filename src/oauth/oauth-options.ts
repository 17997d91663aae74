/** What the operator says of the identity provider and of its access tokens. Checked in commands/oauth-options.ts. */

/** The signature algorithms that a token may have: asymmetric ones, so that who checks a token cannot make one. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

export interface OAuthOptions {
  /** The issuer identifier, letter for letter as tokens and metadata have it. */
  readonly issuer: string;
  /** A token must be meant for one of these. */
  readonly audiences: readonly string[];
  /** The resource identifier of this server (RFC 8707): the URL at which clients reach its MCP endpoint. */
  readonly resource: URL;
  readonly algorithms: readonly string[];
  readonly clockSkewSeconds: number;
  readonly claims: ClaimPaths;
  /** What the identity provider writes before each scope of the contract, where it is asked for one. */
  readonly scopePrefix: string;
  /** The scopes that a client without a token is told to ask for. */
  readonly firstScopes: readonly string[];
  /** How tokens are asked about; without it, opaque tokens are rejected. */
  readonly introspection?: IntrospectionOptions | undefined;
  /** The public client as which the web page signs in, if it may. */
  readonly pageClient?: string | undefined;
}

/** Where a token says what: the name of a claim, or a path of names with dots. */
export interface ClaimPaths {
  readonly user: string;
  /** The org code itself. */
  readonly org: string;
  /** A tenant, which `admin oauth map` maps to an org. With it, `org` is not read. */
  readonly tenant?: string | undefined;
  /** With it, the roles of the token count, and not those of the CRM. */
  readonly roles?: string | undefined;
  readonly facility?: string | undefined;
  readonly channel?: string | undefined;
}

export interface IntrospectionOptions {
  /** Default: the `introspection_endpoint` of the issuer's metadata. */
  readonly endpoint?: URL | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Ask about every token, or only about those that are no JWT. */
  readonly of: 'opaque' | 'all';
  /** An answer is used again for this long. */
  readonly cacheSeconds: number;
}
