/** Settings of OAuth: reads them, and checks all that can be wrong in them before anything is opened. */
import { readFileSync } from 'node:fs';
import { ConfigError, readVariables } from '../config.js';
import { scopesOf } from '../contract/access.js';
import type { Contract } from '../contract/operation.js';
import { issuerUrlProblem } from '../oauth/issuer-http.js';
import type { IntrospectionOptions, OAuthOptions } from '../oauth/oauth-options.js';
import { resourceText } from '../oauth/resource-metadata.js';
import type { SettingName } from '../settings/setting-table.js';

export interface OAuthFlags {
  readonly oauthIssuer?: string;
  readonly oauthAudience?: readonly string[];
  readonly oauthResource?: string;
  readonly oauthAlgorithms: readonly string[];
  readonly oauthClockSkewSeconds: number;
  readonly oauthUserClaim: string;
  readonly oauthOrgClaim: string;
  readonly oauthTenantClaim?: string;
  readonly oauthRolesClaim?: string;
  readonly oauthFacilityClaim?: string;
  readonly oauthChannelClaim?: string;
  readonly oauthFirstScopes: readonly string[];
  readonly oauthScopePrefix?: string;
  readonly oauthClientId?: string;
  readonly oauthClientSecretFile?: string;
  readonly oauthIntrospectionUrl?: string;
  readonly oauthIntrospect: 'opaque' | 'all';
  readonly oauthIntrospectionCacheSeconds: number;
  readonly oauthPageClientId?: string;
}

/** The settings of OAuth. */
export const OAUTH_SETTINGS = [
  'oauth-issuer',
  'oauth-audience',
  'oauth-resource',
  'oauth-algorithms',
  'oauth-clock-skew-seconds',
  'oauth-user-claim',
  'oauth-org-claim',
  'oauth-tenant-claim',
  'oauth-roles-claim',
  'oauth-facility-claim',
  'oauth-channel-claim',
  'oauth-first-scopes',
  'oauth-scope-prefix',
  'oauth-client-id',
  'oauth-client-secret',
  'oauth-client-secret-file',
  'oauth-introspection-url',
  'oauth-introspect',
  'oauth-introspection-cache-seconds',
  'oauth-page-client-id',
] as const satisfies readonly SettingName[];

const NEEDS_ISSUER = {
  oauthAudience: 'oauth-audience',
  oauthResource: 'oauth-resource',
  oauthTenantClaim: 'oauth-tenant-claim',
  oauthRolesClaim: 'oauth-roles-claim',
  oauthFacilityClaim: 'oauth-facility-claim',
  oauthChannelClaim: 'oauth-channel-claim',
  oauthScopePrefix: 'oauth-scope-prefix',
  oauthClientId: 'oauth-client-id',
  oauthClientSecretFile: 'oauth-client-secret-file',
  oauthIntrospectionUrl: 'oauth-introspection-url',
  oauthPageClientId: 'oauth-page-client-id',
} as const satisfies { readonly [Flag in keyof OAuthFlags]?: SettingName };

/** What the flags say; undefined without --oauth-issuer. @throws ConfigError when they are not valid together. */
export function oauthSettings(flags: OAuthFlags, env: NodeJS.ProcessEnv): OAuthOptions | undefined {
  const { oauthIssuer: issuer, oauthAudience: audiences = [] } = flags;
  if (issuer === undefined) {
    const [stray] = Object.entries(NEEDS_ISSUER).filter(([flag]) => flags[flag as keyof OAuthFlags] !== undefined);
    if (stray !== undefined) throw new ConfigError(`--${stray[1]} needs --oauth-issuer`);
    return undefined;
  }
  issuerUrl('--oauth-issuer', issuer);
  if (audiences.length === 0)
    throw new ConfigError('--oauth-issuer needs --oauth-audience: a token for anybody is no token for this server');
  if (flags.oauthAlgorithms.length === 0) throw new ConfigError('--oauth-algorithms names none');
  return {
    issuer,
    audiences: audiences.flatMap(bothForms),
    resource: resourceUrl(flags.oauthResource, audiences[0] ?? ''),
    algorithms: flags.oauthAlgorithms,
    clockSkewSeconds: flags.oauthClockSkewSeconds,
    claims: {
      user: flags.oauthUserClaim,
      org: flags.oauthOrgClaim,
      tenant: flags.oauthTenantClaim,
      roles: flags.oauthRolesClaim,
      facility: flags.oauthFacilityClaim,
      channel: flags.oauthChannelClaim,
    },
    scopePrefix: inChallenge('--oauth-scope-prefix', flags.oauthScopePrefix ?? ''),
    firstScopes: flags.oauthFirstScopes,
    introspection: introspectionOf(flags, env),
    pageClient: flags.oauthPageClientId,
  };
}

/** How people sign in on the web page: for every operation, since its forms show all of them. */
export function pageSignInOf(
  { pageClient, issuer, resource, scopePrefix }: OAuthOptions,
  { operations }: Pick<Contract, 'operations'>,
) {
  if (pageClient === undefined) return undefined;
  const scopes = scopesOf(operations).map((scope) => scopePrefix + scope);
  return { clientId: pageClient, issuer, resource: resourceText(resource), scopes };
}

/** @throws ConfigError for a scope that no operation of the contract needs. */
export function checkFirstScopes({ firstScopes }: OAuthOptions, { operations }: Contract): void {
  const known = scopesOf(operations);
  const unknown = firstScopes.find((scope) => !known.includes(scope));
  if (unknown !== undefined) throw new ConfigError(`--oauth-first-scopes: ${unknown} is none of ${known.join(', ')}`);
}

function introspectionOf(flags: OAuthFlags, env: NodeJS.ProcessEnv): IntrospectionOptions | undefined {
  const { oauthClientId: clientId, oauthIntrospectionUrl: url, oauthIntrospect: of } = flags;
  const secret = clientSecret(flags.oauthClientSecretFile, env);
  if (clientId === undefined) {
    if (secret === undefined && url === undefined && of === 'opaque') return undefined;
    throw new ConfigError('introspection of tokens needs --oauth-client-id');
  }
  if (secret === undefined)
    throw new ConfigError('--oauth-client-id needs G3N_OAUTH_CLIENT_SECRET or --oauth-client-secret-file');
  return {
    endpoint: url === undefined ? undefined : issuerUrl('--oauth-introspection-url', url),
    clientId,
    clientSecret: secret,
    of,
    cacheSeconds: flags.oauthIntrospectionCacheSeconds,
  };
}

function clientSecret(file: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const given = readVariables(env, ['oauth-client-secret'])['oauth-client-secret'];
  if (file === undefined) return given;
  if (given !== undefined) throw new ConfigError('the client secret is in a variable and in a file: give one');
  try {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret !== '') return secret;
  } catch {
    throw new ConfigError(`--oauth-client-secret-file ${file} cannot be read`);
  }
  throw new ConfigError(`--oauth-client-secret-file ${file} is empty`);
}

/** An origin as a resource is written with a slash at its end, or without: clients ask for tokens in either form. */
function bothForms(audience: string): readonly string[] {
  if (!/^https?:/i.test(audience) || !URL.canParse(audience)) return [audience];
  const { origin, href } = new URL(audience);
  return href === `${origin}/` ? [origin, href] : [audience];
}

/** @throws ConfigError when secrets and keys may not travel to and from the URL. */
function issuerUrl(flag: string, text: string): URL {
  if (!URL.canParse(text)) throw new ConfigError(`${flag} is not a URL`);
  const url = new URL(text);
  const problem = flag === '--oauth-issuer' && url.search !== '' ? 'must have no query' : issuerUrlProblem(url);
  if (problem !== undefined) throw new ConfigError(`${flag} ${problem}`);
  return url;
}

function resourceUrl(given: string | undefined, audience: string): URL {
  const text = given ?? audience;
  const flag = given === undefined ? '--oauth-audience' : '--oauth-resource';
  if (!/^https?:/i.test(text) || !URL.canParse(text)) {
    const instead = given === undefined ? ', so --oauth-resource must say where clients reach /mcp' : '';
    throw new ConfigError(`${flag} is not an http URL${instead}`);
  }
  const url = new URL(text);
  const problem = url.search !== '' ? 'must have no query' : issuerUrlProblem(url);
  if (problem !== undefined) throw new ConfigError(`${flag} ${problem}`);
  return url;
}

/** It stands in a header between quotes. */
function inChallenge(flag: string, text: string): string {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]*$/.test(text)) throw new ConfigError(`${flag} has characters that no scope has`);
  return text;
}
