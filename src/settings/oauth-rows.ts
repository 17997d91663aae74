/** The rows of the settings table about OAuth. What they mean together is checked in commands/oauth-settings.ts. */
import { TOKEN_ALGORITHMS } from '../oauth/oauth-options.js';
import { splitNames } from '../pipeline/headers.js';
import type { Setting } from './setting.js';
import { nonEmpty, oneOf, someOf, wholeNumber } from './setting-values.js';

const MAX_SKEW_SECONDS = 300;
const MAX_CACHE_SECONDS = 300;

/** Callers with access tokens of an identity provider, over HTTP. */
export const OAUTH = {
  'oauth-issuer': {
    takes: '<url>',
    description: 'also accept access tokens (OAuth) of this identity provider: its issuer, letter for letter',
    parse: nonEmpty,
  },
  'oauth-audience': {
    takes: '<names>',
    description: 'what a token must be issued for, comma-separated: as a rule the URL of /mcp as clients know it',
    parse: splitNames,
  },
  'oauth-resource': {
    takes: '<url>',
    description: 'URL of /mcp as clients know it, which the metadata name',
    defaultText: 'the first --oauth-audience',
    parse: nonEmpty,
  },
  'oauth-algorithms': {
    takes: '<names>',
    description: `signature algorithms of tokens, comma-separated: ${TOKEN_ALGORITHMS.join(', ')}`,
    default: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    parse: someOf(...TOKEN_ALGORITHMS),
  },
  'oauth-clock-skew-seconds': {
    takes: '<s>',
    description: 'how far the clocks of the identity provider and of this server may differ',
    default: 30,
    parse: wholeNumber(0, MAX_SKEW_SECONDS),
  },
  'oauth-user-claim': {
    takes: '<claim>',
    description: "claim with the user's name in the CRM; a path has dots",
    default: 'sub',
    parse: nonEmpty,
  },
  'oauth-org-claim': {
    takes: '<claim>',
    description: 'claim with the org code, or several',
    default: 'orgcode',
    parse: nonEmpty,
  },
  'oauth-tenant-claim': {
    takes: '<claim>',
    description: 'claim with a tenant that `admin oauth map` maps to an org; --oauth-org-claim is then not read',
    parse: nonEmpty,
  },
  'oauth-roles-claim': {
    takes: '<claim>',
    description: 'claim with the roles of the user, which then count instead of those in the CRM',
    parse: nonEmpty,
  },
  'oauth-facility-claim': {
    takes: '<claim>',
    description: 'claim with the facility of a call that names none',
    parse: nonEmpty,
  },
  'oauth-channel-claim': {
    takes: '<claim>',
    description: 'claim with the sales channel of a call that names none',
    parse: nonEmpty,
  },
  'oauth-first-scopes': {
    takes: '<names>',
    description: 'scopes that a client without a token is told to ask for, comma-separated',
    default: ['crm:read'],
    parse: splitNames,
  },
  'oauth-scope-prefix': {
    takes: '<text>',
    description: 'what the identity provider wants before the name of a scope, as in api://crm/crm:read',
    parse: nonEmpty,
  },
  'oauth-client-id': {
    takes: '<id>',
    description: 'client as which this server asks the identity provider about opaque tokens (introspection)',
    parse: nonEmpty,
  },
  'oauth-client-secret': {
    hasFlag: false,
    description: 'the secret of that client',
    isSecret: true,
    parse: nonEmpty,
  },
  'oauth-client-secret-file': {
    takes: '<file>',
    description: 'file with the secret of that client; this or G3N_OAUTH_CLIENT_SECRET',
    parse: nonEmpty,
  },
  'oauth-introspection-url': {
    takes: '<url>',
    description: 'where to ask about tokens',
    defaultText: "the issuer's introspection_endpoint",
    parse: nonEmpty,
  },
  'oauth-introspect': {
    takes: '<which>',
    description: 'ask about every token, or only about those that are no JWT',
    choices: ['opaque', 'all'],
    default: 'opaque',
    parse: oneOf('opaque', 'all'),
  },
  'oauth-introspection-cache-seconds': {
    takes: '<s>',
    description: 'how long an answer about a token is used again: a revoked token works so long',
    default: 30,
    parse: wholeNumber(0, MAX_CACHE_SECONDS),
  },
  'oauth-page-client-id': {
    takes: '<id>',
    description: 'public client (no secret) as which people sign in on the web page',
    parse: nonEmpty,
  },
} as const satisfies { readonly [name: string]: Setting };
