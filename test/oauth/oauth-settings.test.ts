/** The settings of OAuth: what is rejected at the start, and what an operator gets without saying more. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkFirstScopes, type OAuthFlags, oauthSettings } from '../../src/commands/oauth-settings.js';
import { openBearer } from '../../src/commands/open-bearer.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { metadataUrls } from '../../src/oauth/issuer-metadata.js';
import { resourceMetadata } from '../../src/oauth/resource-metadata.js';
import { readClaims, valueAt } from '../../src/oauth/token-claims.js';
import { oauthOptions } from '../support/oauth.js';

const directory = mkdtempSync(join(tmpdir(), 'g3n-oauth-'));
afterAll(() => rmSync(directory, { recursive: true }));
const secretFile = join(directory, 'secret');
writeFileSync(secretFile, 'of a file\n');
writeFileSync(join(directory, 'empty'), '\n');

const STANDARD: OAuthFlags = {
  oauthAlgorithms: ['RS256'],
  oauthClockSkewSeconds: 30,
  oauthUserClaim: 'sub',
  oauthOrgClaim: 'orgcode',
  oauthFirstScopes: ['crm:read'],
  oauthIntrospect: 'opaque',
  oauthIntrospectionCacheSeconds: 30,
};
const ISSUER = 'https://login.example/realms/x';
const AUDIENCE = ['https://crm.example/mcp'];
const read = (flags: Partial<OAuthFlags>, env = {}) => oauthSettings({ ...STANDARD, ...flags }, env);
const given = { oauthIssuer: ISSUER, oauthAudience: AUDIENCE };

test('without an issuer there is no OAuth', () => {
  expect(read({})).toBeUndefined();
});

test.each<[string, Partial<OAuthFlags>, object, RegExp]>([
  ['a setting without an issuer', { oauthAudience: AUDIENCE }, {}, /^--oauth-audience needs --oauth-issuer$/],
  ['no audience', { oauthIssuer: ISSUER }, {}, /needs --oauth-audience/],
  ['no URL', { ...given, oauthIssuer: 'login' }, {}, /^--oauth-issuer is not a URL$/],
  ['http', { ...given, oauthIssuer: 'http://login.example' }, {}, /^--oauth-issuer must be https/],
  [
    'a password',
    { ...given, oauthIssuer: 'https://me:hunter2@login.example' },
    {},
    /^--oauth-issuer must hold no cred/,
  ],
  ['a query', { ...given, oauthIssuer: 'https://login.example?x=1' }, {}, /^--oauth-issuer must have no query$/],
  ['an audience that is no URL', { ...given, oauthAudience: ['api'] }, {}, /--oauth-resource must say/],
  [
    'a resource over http',
    { ...given, oauthResource: 'http://crm.example/mcp' },
    {},
    /^--oauth-resource must be https/,
  ],
  ['no algorithm', { ...given, oauthAlgorithms: [] }, {}, /names none/],
  ['a quote in the prefix', { ...given, oauthScopePrefix: 'a"b' }, {}, /no scope has/],
  ['a client without a secret', { ...given, oauthClientId: 'c' }, {}, /G3N_OAUTH_CLIENT_SECRET/],
  ['a secret without a client', { ...given, oauthClientSecretFile: secretFile }, {}, /needs --oauth-client-id/],
  ['introspection of all without a client', { ...given, oauthIntrospect: 'all' }, {}, /needs --oauth-client-id/],
  [
    'two secrets',
    { ...given, oauthClientId: 'c', oauthClientSecretFile: secretFile },
    { G3N_OAUTH_CLIENT_SECRET: 'hunter2' },
    /give one$/,
  ],
  [
    'an empty secret',
    { ...given, oauthClientId: 'c', oauthClientSecretFile: join(directory, 'empty') },
    {},
    /is empty$/,
  ],
  [
    'no secret file',
    { ...given, oauthClientId: 'c', oauthClientSecretFile: join(directory, 'no') },
    {},
    /cannot be read$/,
  ],
])('%s is a mistake', (_name, flags, env, message) => {
  expect(() => read(flags, env)).toThrow(message);
  expect(() => read(flags, env)).not.toThrow(/hunter2/);
});

test('the audience is the resource, and an origin counts with and without its slash', () => {
  expect(read(given)).toMatchObject({ audiences: AUDIENCE, resource: new URL('https://crm.example/mcp') });
  expect(read({ ...given, oauthAudience: ['https://crm.example'] })?.audiences).toEqual([
    'https://crm.example',
    'https://crm.example/',
  ]);
  const introspected = read({ ...given, oauthClientId: 'c', oauthClientSecretFile: secretFile });
  expect(introspected?.introspection).toMatchObject({ clientSecret: 'of a file', of: 'opaque' });
});

test('first scopes are scopes of the contract', () => {
  const options = { ...oauthOptions(ISSUER), firstScopes: ['crm:read', 'crm:everything'] };
  expect(() => checkFirstScopes(options, CONTRACT)).toThrow(/crm:everything is none of account:write, crm:read/);
});

test('a server that could not serve tokens does not start', async () => {
  const serving = { tokensProblem: 'no credential is held' } as unknown as Parameters<typeof openBearer>[1]['serving'];
  const parts = { serving, application: undefined as never, log: undefined as never };
  await expect(openBearer(oauthOptions(ISSUER), parts)).rejects.toThrow('no credential is held');
  const tenants = oauthOptions(ISSUER, { claims: { user: 'sub', org: 'o', tenant: 'tid' } });
  await expect(openBearer(tenants, { ...parts, serving: {} as never })).rejects.toThrow(/embedded database/);
  await expect(openBearer(undefined, parts)).resolves.toBeUndefined();
});

test('metadata of an issuer are looked for where MCP clients look', () => {
  expect(metadataUrls('https://a.example/tenant/').map(String)).toEqual([
    'https://a.example/.well-known/oauth-authorization-server/tenant',
    'https://a.example/.well-known/openid-configuration/tenant',
    'https://a.example/tenant/.well-known/openid-configuration',
  ]);
});

test('a resource of another path has its metadata there too', () => {
  const options = oauthOptions(ISSUER, { resource: new URL('https://crm.example/retail/mcp') });
  const { paths, url, document } = resourceMetadata(options, [], '/mcp');
  expect(paths).toContain('/.well-known/oauth-protected-resource/retail/mcp');
  expect(url).toBe('https://crm.example/.well-known/oauth-protected-resource/retail/mcp');
  expect(document).toMatchObject({ resource: 'https://crm.example/retail/mcp' });
});

test('paths reach own names only, and keys of users never collide', () => {
  expect(valueAt({ a: { 'b.c': { d: 1 } }, 'a.b': 2 }, 'a.b.c.d')).toBe(1);
  expect(valueAt({ 'a.b': 2 }, 'a.b')).toBe(2);
  expect(valueAt({}, 'constructor.name')).toBeUndefined();
  expect(valueAt(JSON.parse('{"__proto__": {"x": 1}}'), 'x')).toBeUndefined();
  const key = (claims: object) =>
    readClaims({ exp: 1, ...claims }, oauthOptions(ISSUER), { scopes: [], roles: [] }).token.key;
  expect(key({ client_id: 'a', sub: 'b","c' })).not.toBe(key({ client_id: 'a","b', sub: 'c' }));
});
