/** Callers with access tokens on every HTTP surface: challenges, scopes, claims, sessions, streams, opaque tokens. */

import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import { addOAuthOrg, removeOAuthOrg } from '../../src/store/admin/oauth-orgs.js';
import { AUDIENCE, CLIENT, openIssuer, type TestIssuer } from '../support/issuer.js';
import { addPeople, type OAuthTransport, oauthOptions, openOAuth, send, toolCall } from '../support/oauth.js';
import { useWorld } from '../support/use-world.js';

const world = useWorld({ atEnd: 'unverified' });
let issuer: TestIssuer;
let transport: OAuthTransport;
const METADATA = 'http://127.0.0.1:8787/.well-known/oauth-protected-resource/mcp';
const STATELESS = {
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'crm_customer_create',
};
const create = toolCall('crm_customer_create', { customer: { email: 'new@example.com' } });
const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

beforeAll(async () => {
  await addPeople(world);
  issuer = await openIssuer();
  transport = await openOAuth(world, oauthOptions(issuer.url));
});
afterAll(async () => {
  await transport.close();
  await issuer.close();
});

const at = (path: string) => new URL(path, transport.url).href;

test.each(['', '/mcp'])('the metadata stand at the well-known path%s', async (path) => {
  const { status, body, headers } = await send(
    at(`/.well-known/oauth-protected-resource${path}`),
    undefined,
    undefined,
  );
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('application/json');
  expect(body).toEqual({
    resource: AUDIENCE,
    authorization_servers: [issuer.url],
    scopes_supported: [
      'account:write',
      'crm:read',
      'customer:write',
      'exemption:write',
      'giftcard:write',
      'loyalty:write',
      'notes:write',
      'privacy:write',
      'risk:write',
    ],
    bearer_methods_supported: ['header'],
    resource_name: 'G3N retail CRM',
  });
});

test('without a token: 401 that says where to get one, on MCP, SSE and REST; documents stay public', async () => {
  const challenge = `Bearer scope="crm:read", resource_metadata="${METADATA}"`;
  for (const [path, body] of [
    ['/mcp', initialize],
    ['/mcp', undefined],
    ['/sse', undefined],
    ['/crm/customer/get', {}],
  ] as const) {
    const answer = await send(at(path), undefined, body, { 'x-orgcode': 'ACME' });
    expect([path, answer.status, answer.challenge]).toEqual([path, 401, challenge]);
  }
  expect((await send(at('/livez'), undefined, undefined)).status).toBe(200);
});

test('a credential of the CRM comes first: the token beside it is not looked at', async () => {
  const key = (await world.headers('loyalty_admin')) as Record<string, string>;
  const { body } = await send(transport.url, 'not a good token', toolCall('crm_stat'), key);
  expect(body.result.structuredContent.data.caller).toMatchObject({ context_source: 'api_key' });
  const wrong = await send(transport.url, await issuer.sign(), toolCall('crm_stat'), { ...key, 'x-api-key': 'wrong' });
  expect(wrong.text).toContain('crm.credentials_invalid');
  const rest = await send(at('/crm/customer/list'), await issuer.sign(), { api_key: key['x-api-key'] });
  expect(rest.body.stats).toMatchObject({ context_source: 'oauth', orgcode: 'ACME' });
});

describe('scopes', () => {
  test('403 before the call, with the scopes that would pass, as each revision asks', async () => {
    const token = await issuer.sign();
    const older = await send(transport.url, token, create);
    const newer = await send(transport.url, token, create, STATELESS);
    const description = 'error_description="The access token was not issued for this action."';
    const of = (scope: string) =>
      `Bearer error="insufficient_scope", ${description}, scope="${scope}", resource_metadata="${METADATA}"`;
    expect([older.status, older.challenge]).toEqual([403, of('crm:read customer:write')]);
    expect([newer.status, newer.challenge]).toEqual([403, of('customer:write')]);
    expect(older.body.error.data).toEqual({
      error_code: 'crm.insufficient_scope',
      required_scopes: ['customer:write'],
      next_steps: ['Ask the user to sign in again with details.required_scopes.'],
    });
    const rest = await send(at('/crm/customer/create'), token, { customer: { email: 'new@example.com' } });
    expect([rest.status, rest.challenge]).toEqual([403, of('customer:write')]);
    expect(rest.body.error).toMatchObject({ error_code: 'crm.insufficient_scope' });
    const found = await send(at('/crm/customer/search'), token, { email: 'new@example.com' });
    expect(found.body.data.items).toEqual([]);
  });

  test('a token with the scope passes, and the journal says how the user came', async () => {
    const answer = await send(transport.url, await issuer.sign({ scope: 'crm:read customer:write' }), create);
    expect(answer.body.result.structuredContent.data).toMatchObject({ email: 'new@example.com' });
    const [row] = await world.sql('SELECT actor, context FROM journal ORDER BY journal_no DESC LIMIT 1');
    expect(String(row?.actor)).toMatch(/^user_guid:/);
    expect(JSON.parse(String(row?.context))).toMatchObject({ context_source: 'oauth' });
  });

  test('no scope gives what the roles do not: the answer is as ever, and asks for no other token', async () => {
    const earn = toolCall('crm_loyalty_earn', { customer_id: 'x', points: 1 });
    for (const scope of ['crm:read', 'crm:read loyalty:write']) {
      const { status, challenge, text } = await send(transport.url, await issuer.sign({ scope }), earn);
      expect([status, challenge]).toEqual([200, null]);
      expect(text).toContain('crm.forbidden');
    }
  });

  test('tools are listed by role, so that a client can ask for more', async () => {
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const { body } = await send(transport.url, await issuer.sign({ scope: '' }), list);
    const names = body.result.tools.map(({ name }: { name: string }) => name);
    expect(names).toContain('crm_customer_create');
    expect(names).not.toContain('crm_loyalty_earn');
  });

  test.each([
    ['a batch', [toolCall('crm_stat'), create]],
    ['a record as resource', { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'crm://customers/x' } }],
  ])('%s needs its scopes too', async (_what, body) => {
    expect((await send(transport.url, await issuer.sign({ scope: 'x' }), body)).status).toBe(403);
  });

  test('lean mode: the operation inside counts', async () => {
    const application = createApplication(world.store, pino({ level: 'silent' }), { lean: true });
    const lean = await openOAuth(world, oauthOptions(issuer.url), { application });
    const inside = toolCall('crm_call', { operation: 'crm_customer_create', arguments: {} });
    expect((await send(lean.url, await issuer.sign(), inside)).status).toBe(403);
    expect((await send(lean.url, await issuer.sign(), toolCall('crm_find_operations', { query: 'x' }))).status).toBe(
      200,
    );
    await lean.close();
  });
});

describe('claims', () => {
  const caller = async (options: Parameters<typeof oauthOptions>[1], claims: object, headers = {}) => {
    const own = await openOAuth(world, oauthOptions(issuer.url, options));
    const { body } = await send(own.url, await issuer.sign(claims), toolCall('crm_stat'), headers);
    await own.close();
    return body.result.structuredContent?.data ?? JSON.parse(body.result.content[0].text).error_code;
  };

  test('roles, facility and channel from where the operator says, also from names with dots', async () => {
    const claims = {
      user: 'preferred_username',
      org: 'https://g3n.example/org',
      roles: 'realm_access.roles',
      facility: 'store.id',
      channel: 'channel',
    };
    const found = await caller(
      { claims },
      {
        sub: '42',
        preferred_username: 'bob',
        'https://g3n.example/org': 'other',
        realm_access: { roles: ['offline_access', 'loyalty_admin', 'owner'] },
        store: { id: 'store-7' },
        channel: 'web',
      },
    );
    expect(found).toMatchObject({
      caller: { roles: ['loyalty_admin'], owner: false },
      org: { orgcode: 'OTHER' },
      context: { logical_guid: 'store-7', channel_code: 'web' },
    });
  });

  test('an address is a user only when it is verified', async () => {
    const claims = { user: 'email', org: 'orgcode' };
    expect(await caller({ claims }, { email: 'ada' })).toBe('crm.not_found');
    expect(await caller({ claims }, { email: 'ada', email_verified: true })).toMatchObject({
      org: { orgcode: 'ACME' },
    });
  });

  test('a tenant or a client belongs to the org that it is mapped to, while it is', async () => {
    const claims = { user: 'sub', org: 'orgcode', tenant: 'tid' };
    expect(await caller({ claims }, { tid: 't-1' })).toBe('crm.not_found'); // the org code of the token does not count
    await world.admin((cx) => addOAuthOrg(cx, 'tenant', 't-1', 'ACME'));
    expect(await caller({ claims }, { tid: 't-1' })).toMatchObject({ org: { orgcode: 'ACME' } });
    await world.admin(() => removeOAuthOrg('tenant', 't-1'));
    expect(await caller({ claims }, { tid: 't-1' })).toBe('crm.not_found');
    await world.admin((cx) => addOAuthOrg(cx, 'client', 'claude', 'ACME'));
    expect(await caller({}, { orgcode: undefined })).toMatchObject({ org: { orgcode: 'ACME' } });
    expect(await caller({}, { orgcode: undefined, client_id: 'other' })).toBe('crm.not_found');
    await world.admin(() => removeOAuthOrg('client', 'claude'));
  });

  test.each([
    ['scp', { scope: undefined, scp: 'customer:write' }],
    ['a list', { scope: ['customer:write'] }],
    ['permissions', { scope: undefined, permissions: ['customer:write'] }],
    ['the prefix', { scope: 'api://crm/customer:write' }],
  ])('scopes in %s', async (_where, claims) => {
    const own = await openOAuth(world, oauthOptions(issuer.url, { scopePrefix: 'api://crm/' }));
    expect((await send(own.url, await issuer.sign(claims), create)).status).toBe(200);
    expect((await send(own.url, await issuer.sign({ scope: 'x' }), create)).challenge).toContain(
      'scope="api://crm/customer:write"',
    );
    await own.close();
  });
});

describe('sessions and streams', () => {
  test('a session belongs to its user and client, whatever the token', async () => {
    const opened = await send(transport.url, await issuer.sign(), initialize);
    const session = {
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    };
    expect(session['mcp-session-id']).not.toBe('');
    const ask = async (claims: object) =>
      (await send(transport.url, await issuer.sign(claims), toolCall('crm_stat'), session)).status;
    expect(await ask({ jti: 'refreshed' })).toBe(200);
    expect(await ask({ sub: 'bob', orgcode: 'OTHER' })).toBe(404);
    expect(await ask({ client_id: 'another' })).toBe(404);
    const key = (await world.headers()) as Record<string, string>;
    expect((await send(transport.url, undefined, toolCall('crm_stat'), { ...session, ...key })).status).toBe(404);
    expect((await send(transport.url, undefined, toolCall('crm_stat'), session)).status).toBe(401);
  });

  test('a stream ends when its token does', async () => {
    const token = await issuer.sign({ exp: Math.floor(Date.now() / 1000) + 2 });
    const opened = await send(transport.url, token, initialize);
    const headers = {
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    };
    const streams = await Promise.all([transport.url, at('/sse')].map((url) => fetch(url, { headers })));
    expect(streams.map(({ status }) => status)).toEqual([200, 200]);
    await Promise.all(streams.map((stream) => stream.text())); // ends, or the test times out
  }, 10_000);
});

describe('opaque tokens', () => {
  const introspection = { clientId: CLIENT.id, clientSecret: CLIENT.secret, of: 'opaque', cacheSeconds: 30 } as const;
  const good = { active: true, aud: AUDIENCE, sub: 'ada', orgcode: 'ACME', client_id: 'c', scope: 'crm:read' };

  test.each([
    ['not active', { active: false }],
    ['no answer', {}],
    ['another audience', { ...good, aud: 'x' }],
    ['no audience', { ...good, aud: undefined }],
    ['another issuer', { ...good, iss: 'https://evil.example' }],
    ['expired', { ...good, exp: 1 }],
    ['not valid yet', { ...good, nbf: Date.now() }],
    ['bound to a key', { ...good, token_type: 'DPoP' }],
  ])('%s: 401', async (_name, said) => {
    const own = await openOAuth(world, oauthOptions(issuer.url, { introspection }));
    issuer.opaque.set('opaque-1', said);
    expect((await send(own.url, 'opaque-1', toolCall('crm_stat'))).status).toBe(401);
    await own.close();
  });

  test('an answer counts for as long as configured, and so does a revoked token', async () => {
    let now = Date.now();
    const own = await openOAuth(world, oauthOptions(issuer.url, { introspection }), { clock: () => now });
    issuer.opaque.set('opaque-2', good);
    const before = issuer.asked.get('/introspect') ?? 0;
    const ask = async () => (await send(own.url, 'opaque-2', toolCall('crm_stat'))).status;
    expect([await ask(), await ask()]).toEqual([200, 200]);
    expect(issuer.asked.get('/introspect')).toBe(before + 1);
    issuer.opaque.set('opaque-2', { active: false });
    now += 29_000;
    expect(await ask()).toBe(200);
    now += 2_000;
    expect(await ask()).toBe(401);
    await own.close();
  });

  test('with `all`, a JWT counts only while the issuer says so', async () => {
    const own = await openOAuth(world, oauthOptions(issuer.url, { introspection: { ...introspection, of: 'all' } }));
    const token = await issuer.sign();
    expect((await send(own.url, token, toolCall('crm_stat'))).status).toBe(401);
    const again = await issuer.sign({ jti: '2' });
    issuer.opaque.set(again, good);
    expect((await send(own.url, again, toolCall('crm_stat'))).status).toBe(200);
    await own.close();
  });
});

test('a web page of an allowed origin may send a token and read the challenge', async () => {
  const own = await openOAuth(world, oauthOptions(issuer.url), { http: { allowedOrigins: ['app.example'] } });
  const origin = { origin: 'https://app.example' };
  const preflight = await fetch(own.url, {
    method: 'OPTIONS',
    headers: { ...origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });
  expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  const { headers } = await send(own.url, undefined, initialize, origin);
  expect(headers.get('access-control-expose-headers')).toContain('www-authenticate');
  await own.close();
});

test('no token is stored or logged', async () => {
  const token = await issuer.sign({ scope: 'crm:read customer:write' });
  await send(transport.url, token, create, { tracestate: 'a=1' });
  expect((await world.contents()) + world.logged.join('\n')).not.toContain(token.split('.')[2]);
});
