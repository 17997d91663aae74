/** What the claims of a verified token mean here: the user, the org, the roles, the scopes, facility and channel. */
import type { VerifiedToken } from '../contract/backend.js';
import type { Claims } from './jwt-tokens.js';
import type { OAuthOptions } from './oauth-options.js';

export interface TokenMeaning {
  readonly token: VerifiedToken;
  /** The org codes in the token; with a claim for tenants, none. */
  readonly orgs: readonly string[];
  /** What `admin oauth map` can map to an org, in this order. */
  readonly mapped: readonly OrgKey[];
  readonly facility: string | undefined;
  readonly channel: string | undefined;
}

/** A tenant or a client of the identity provider. */
export interface OrgKey {
  readonly kind: 'tenant' | 'client';
  readonly value: string;
}

export interface KnownNames {
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

const MAX_TEXT = 200;
const MAX_ORGS = 100;

/** Reads the claims of a token that has been verified. Names that the contract does not know are left out. */
export function readClaims(claims: Claims, options: OAuthOptions, known: KnownNames): TokenMeaning {
  const { issuer, claims: paths, scopePrefix } = options;
  const client = textIn(claims, 'client_id') ?? textIn(claims, 'azp') ?? textIn(claims, 'appid');
  const subject = textIn(claims, 'sub') ?? '';
  const user = userIn(claims, paths.user);
  const tenant = paths.tenant === undefined ? undefined : textIn(claims, paths.tenant);
  const roles = paths.roles === undefined ? undefined : namesIn(claims, paths.roles);
  return {
    token: {
      key: JSON.stringify(['oauth', issuer, client ?? '', subject, user]),
      user,
      scopes: known.scopes.filter((scope) => isGranted(claims, scope, scopePrefix)),
      ...(roles === undefined ? {} : { roles: known.roles.filter((role) => roles.includes(role)) }),
      expires_ms: Number(claims.exp) * 1000,
    },
    orgs: paths.tenant === undefined ? orgsIn(valueAt(claims, paths.org)) : [],
    mapped: [
      ...(tenant === undefined ? [] : [{ kind: 'tenant', value: tenant } as const]),
      ...(client === undefined ? [] : [{ kind: 'client', value: client } as const]),
    ],
    facility: paths.facility === undefined ? undefined : textIn(claims, paths.facility),
    channel: paths.channel === undefined ? undefined : textIn(claims, paths.channel),
  };
}

/** An e-mail address names a user only where the provider has verified it: anybody can enter another's. */
function userIn(claims: Claims, path: string): string {
  if (path === 'email' && claims.email_verified !== true) return '';
  return textIn(claims, path) ?? '';
}

/** Standard tokens have `scope`, those of Entra `scp`; Auth0 can list them as `permissions`. */
function isGranted(claims: Claims, scope: string, prefix: string): boolean {
  return ['scope', 'scp', 'permissions'].some((name) => {
    const granted = namesIn(claims, name);
    return granted.includes(scope) || (prefix !== '' && granted.includes(prefix + scope));
  });
}

/** The names in a claim: an array of them, or a text with spaces between. */
function namesIn(claims: Claims, path: string): readonly string[] {
  const value = valueAt(claims, path);
  if (typeof value === 'string') return value.split(' ').filter((name) => name !== '');
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

/** One org, or several: a text is not split, because it may be anything. */
function orgsIn(value: unknown): readonly string[] {
  return [value]
    .flat()
    .map(asText)
    .filter((org) => org !== undefined)
    .slice(0, MAX_ORGS);
}

function textIn(claims: Claims, path: string): string | undefined {
  return asText(valueAt(claims, path));
}

/** A text that can be looked up: not empty, not long, and of printable characters alone. */
function asText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT) return undefined;
  return /[\p{Cc}\p{Surrogate}]/u.test(value) ? undefined : value;
}

/** The value at a path. A name may itself have dots, as `https://acme.example/roles` has: the whole path comes first. */
export function valueAt(holder: unknown, path: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  if (Object.hasOwn(holder, path)) return (holder as Readonly<Record<string, unknown>>)[path];
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    if (!Object.hasOwn(holder, head)) continue;
    const found = valueAt((holder as Readonly<Record<string, unknown>>)[head], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
