/** Tokens that no server may accept, and identity providers that do not answer as they must. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AUDIENCE, openIssuer, type TestIssuer } from '../support/issuer.js';
import { addPeople, type OAuthTransport, oauthOptions, openOAuth, send, toolCall } from '../support/oauth.js';
import { useWorld } from '../support/use-world.js';

const world = useWorld({ atEnd: 'unverified' });
let issuer: TestIssuer;
let transport: OAuthTransport;

beforeAll(async () => {
  await addPeople(world);
  issuer = await openIssuer();
  transport = await openOAuth(world, oauthOptions(issuer.url));
});
afterAll(async () => {
  await transport.close();
  await issuer.close();
});
beforeEach(() => void transport.refusals.splice(0));

const stat = (token: string, headers = {}) => send(transport.url, token, toolCall('crm_stat'), headers);
const now = () => Math.floor(Date.now() / 1000);

test('a good token names its caller', async () => {
  const { status, body } = await stat(await issuer.sign());
  expect(status).toBe(200);
  expect(body.result.structuredContent.data).toMatchObject({
    caller: { context_source: 'oauth', roles: ['crm_manage'], owner: false },
    org: { orgcode: 'ACME' },
  });
});

describe('rejected with 401 and no reason', () => {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const parts = async () => (await issuer.sign()).split('.') as [string, string, string];
  const attacks: readonly (readonly [string, () => Promise<string>])[] = [
    ['another audience', () => issuer.sign({ aud: 'https://other.example/mcp' })],
    ['an audience that only starts like ours', () => issuer.sign({ aud: `${AUDIENCE}.evil.example` })],
    ['no audience', () => issuer.sign({ aud: undefined })],
    ['another issuer (mix-up)', () => issuer.sign({ iss: 'https://evil.example' })],
    ['no issuer', () => issuer.sign({ iss: undefined })],
    ['expired', () => issuer.sign({ exp: now() - 60 })],
    ['no expiry', () => issuer.sign({ exp: undefined })],
    ['not valid yet', () => issuer.sign({ nbf: now() + 120 })],
    ['issued in the future', () => issuer.sign({ iat: now() + 120 })],
    ['the key of another', () => issuer.sign({}, {}, issuer.attacker)],
    [
      'HS256 with the public key as secret',
      async () => {
        const [, claims] = await parts();
        const input = `${encoded({ alg: 'HS256', kid: 'first' })}.${claims}`;
        return `${input}.${createHmac('sha256', issuer.publicPem).update(input).digest('base64url')}`;
      },
    ],
    ['no signature', async () => `${encoded({ alg: 'none' })}.${(await parts())[1]}.`],
    ['an algorithm that is not configured', () => issuer.sign({}, { alg: 'RS512' })],
    [
      'claims that were changed',
      async () => {
        const [head, , signature] = await parts();
        return `${head}.${encoded({ iss: issuer.url, aud: AUDIENCE, sub: 'bob', orgcode: 'OTHER', exp: now() + 60 })}.${signature}`;
      },
    ],
    ['a kid that is a path', () => issuer.sign({}, { kid: '../../../../dev/null' })],
    ['a kid that is SQL', () => issuer.sign({}, { kid: "first' OR '1'='1" })],
    ['a kid that is a URL', () => issuer.sign({}, { kid: `${issuer.url}/keys-of-another` }, issuer.attacker)],
    ['a jku of its own', () => issuer.sign({}, { jku: `${issuer.url}/keys-of-another` }, issuer.attacker)],
    [
      'a critical extension',
      async () => {
        const [, claims] = await parts();
        return `${encoded({ alg: 'RS256', kid: 'first', crit: ['x'], x: 1 })}.${claims}.${'A'.repeat(342)}`;
      },
    ],
    ['a logout token', () => issuer.sign({}, { typ: 'logout+jwt' })],
    ['a token bound to a key of its sender', () => issuer.sign({ cnf: { jkt: 'x' } })],
    ['an opaque token', async () => 'no-jwt-at-all'],
    ['nothing', async () => ''],
    ['more than any token has', async () => 'a'.repeat(12_289)],
  ];

  test.each(attacks)('%s', async (_name, make) => {
    const token = await make();
    const { status, challenge, body, text } = await stat(token);
    expect(status).toBe(401);
    expect(challenge).toBe(
      'Bearer error="invalid_token", error_description="The access token is not valid here. Get a new one.", ' +
        'resource_metadata="http://127.0.0.1:8787/.well-known/oauth-protected-resource/mcp"',
    );
    const next_steps = ['Ask the operator for a valid session or API key.'];
    expect(body.error.data).toEqual({ error_code: 'crm.credentials_invalid', next_steps });
    expect(transport.refusals).toMatchObject([{ isOutage: false }]);
    if (token !== '') expect(JSON.stringify([text, transport.refusals, world.logged])).not.toContain(token);
  });

  test('a symmetric key in the key set', async () => {
    const secret = Buffer.from('0123456789abcdef0123456789abcdef');
    issuer.keys.push({ kty: 'oct', k: secret.toString('base64url'), kid: 'shared' });
    const own = await openOAuth(world, oauthOptions(issuer.url, { algorithms: ['HS256', 'RS256'] }));
    const token = await issuer.sign({}, { alg: 'HS256', kid: 'shared' }, secret);
    expect((await send(own.url, token, toolCall('crm_stat'))).status).toBe(401);
    issuer.keys.pop();
    await own.close();
  });
});

test.each([
  ['in the query', (token: string) => send(`${transport.url}?access_token=${token}`, undefined, toolCall('crm_stat'))],
  ['in the body', (token: string) => send(transport.url, undefined, { ...toolCall('crm_stat'), access_token: token })],
  ['as another scheme', (token: string) => stat('', { authorization: `Basic ${token}` })],
  ['twice', (token: string) => stat('', { authorization: `Bearer ${token}, Bearer ${token}` })],
])('a token %s is no token', async (_where, ask) => {
  expect((await ask(await issuer.sign())).status).toBe(401);
});

test('DNS rebinding: a page of another host reaches nothing, not even the metadata', async () => {
  const { request } = await import('node:http');
  const { port } = new URL(transport.url);
  for (const path of ['/mcp', '/.well-known/oauth-protected-resource']) {
    const status = await new Promise((answered) => {
      const headers = { host: 'evil.example', authorization: 'Bearer x' };
      request({ port, path, headers, host: '127.0.0.1' }, (response) => answered(response.resume().statusCode)).end();
    });
    expect(status).toBe(403);
  }
});

describe('another org', () => {
  const get = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'crm_customer_get', arguments: { customer_id: 'x' } },
  };
  const bytes = async (claims: object, headers = {}) => {
    const { status, text } = await send(transport.url, await issuer.sign(claims), get, headers);
    return `${status} ${text
      .replace(/"(request_id|trace_id|timestamp_utc)\\?":\\?"[^"]+"/g, '')
      .replace(/latency_ms\\?":\d+/g, '')
      .replace(/[0-9a-f-]{32,36}|\d{4}-\d\d-\d\dT[\d:.]+Z/g, '')}`;
  };

  test('a token of one org, replayed on another, and every other way of not belonging look like a missing record', async () => {
    const missing = await bytes({});
    expect(missing).toContain('crm.not_found');
    for (const [claims, headers] of [
      [{}, { 'x-orgcode': 'OTHER' }],
      [{ sub: 'carol' }, { 'x-orgcode': 'OTHER' }], // a member of both, but the token is for one
      [{ orgcode: 'OTHER' }, {}],
      [{ orgcode: 'NOWHERE' }, {}],
      [{ orgcode: undefined }, {}],
      [{ orgcode: "ACME' OR 1=1" }, {}],
      [{ sub: 'eve' }, {}],
      [{ sub: undefined }, {}],
      [{ sub: { $ne: '' } }, {}],
      [{ sub: 'ada\0' }, {}],
      [{ sub: 'bob' }, {}],
    ] as const) {
      expect(await bytes(claims, headers), JSON.stringify([claims, headers])).toBe(missing);
      const own = await stat(await issuer.sign(claims), headers); // what every member may read, in every org
      expect(own.text, JSON.stringify([claims, headers])).toContain('crm.not_found');
    }
  });

  test('of several orgs in a token, the header selects one', async () => {
    const token = await issuer.sign({ orgcode: ['OTHER', 'ACME'] });
    const chosen = await stat(token, { 'x-orgcode': 'acme' });
    expect(chosen.body.result.structuredContent.data.org.orgcode).toBe('ACME');
    const open = await stat(token);
    expect(open.text).toContain('crm.orgcode_required');
  });
});

describe('an identity provider that fails', () => {
  test.each(['down', 'slow', 'huge', 'elsewhere', 'not json'] as const)(
    'its keys are %s: 503, and no 401 that would end a session',
    async (how) => {
      const fresh = await openIssuer();
      const own = await openOAuth(world, oauthOptions(fresh.url));
      fresh.trouble.set('/keys', how);
      const token = await fresh.sign();
      const started = performance.now();
      const failed = await send(own.url, token, toolCall('crm_stat'));
      expect(failed.status).toBe(503);
      expect(performance.now() - started).toBeLessThan(2_000);
      expect(failed.challenge).toBeNull();
      expect(failed.body.error.data).toMatchObject({ error_code: 'crm.token_check_unavailable' });
      expect((await send(own.url, token, toolCall('crm_stat'))).status).toBe(503);
      expect(fresh.asked.get('/keys')).toBe(1); // the second call did not ask again
      const key = await send(
        own.url,
        undefined,
        toolCall('crm_stat'),
        (await world.headers()) as Record<string, string>,
      );
      expect(key.body.result.isError).toBeUndefined();
      await own.close();
      await fresh.close();
    },
  );

  test('metadata of another issuer are not used', async () => {
    const fresh = await openIssuer();
    fresh.named = 'https://evil.example';
    const own = await openOAuth(world, oauthOptions(fresh.url));
    expect((await send(own.url, await fresh.sign(), toolCall('crm_stat'))).status).toBe(503);
    expect(own.refusals[0]?.reason).toContain('not of the configured one');
    expect(fresh.asked.get('/keys')).toBeUndefined();
    await own.close();
    await fresh.close();
  });

  test('a rotated key is found, and unknown keys make few requests', async () => {
    const fresh = await openIssuer();
    const own = await openOAuth(world, oauthOptions(fresh.url));
    const good = await fresh.sign();
    expect((await send(own.url, good, toolCall('crm_stat'))).status).toBe(200);
    for (let n = 0; n < 5; n += 1) {
      const token = await fresh.sign({}, { kid: `guess-${n}` });
      expect((await send(own.url, token, toolCall('crm_stat'))).status).toBe(401);
    }
    expect(fresh.asked.get('/keys')).toBe(1); // within the cooldown
    await own.close();
    const restarted = await openOAuth(world, oauthOptions(fresh.url));
    await fresh.rotate();
    expect((await send(restarted.url, await fresh.sign(), toolCall('crm_stat'))).status).toBe(200);
    expect((await send(restarted.url, good, toolCall('crm_stat'))).status).toBe(401);
    await restarted.close();
    await fresh.close();
  });
});
