/** The built program with OAuth: `http` that accepts tokens, `admin oauth map` beside it, and settings that are wrong. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIENCE, openIssuer, type TestIssuer } from '../support/issuer.js';
import { expectNothingLeft } from '../support/leaves-nothing.js';
import { send, toolCall } from '../support/oauth.js';
import { type HttpProgram, run, runJson, scratch, startHttp } from '../support/program.js';
import { runHere } from '../support/run-here.js';

const workspace = scratch();
let issuer: TestIssuer;
let server: HttpProgram;
const settings = () => ['--oauth-issuer', issuer.url, '--oauth-audience', AUDIENCE];
const MEMBER = ['ACME', '--user', 'ada', '--roles', 'crm_manage'];

beforeAll(async () => {
  issuer = await openIssuer();
  for (const args of [
    ['org', 'create', 'ACME'],
    ['session', 'create', ...MEMBER],
  ])
    expect(await runHere(['admin', ...args, '--db', workspace.db])).toMatchObject({ code: 0 });
  server = await startHttp(workspace.db, settings());
}, 30_000);
afterAll(async () => {
  await server?.stop();
  await issuer?.close();
  workspace.remove();
});

const stat = (token: string | undefined, url = server.url) => send(url, token, toolCall('crm_stat'));

test('a client finds the metadata at the well-known paths, is challenged, and calls with a token', async () => {
  for (const path of ['', '/mcp']) {
    const { status, body } = await send(
      new URL(`/.well-known/oauth-protected-resource${path}`, server.url).href,
      undefined,
      undefined,
    );
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ resource: AUDIENCE, authorization_servers: [issuer.url] }),
    ]);
  }
  const { status, challenge } = await stat(undefined);
  const metadata = 'http://127.0.0.1:8787/.well-known/oauth-protected-resource/mcp';
  expect([status, challenge]).toEqual([401, `Bearer scope="crm:read", resource_metadata="${metadata}"`]);
  const { body } = await stat(await issuer.sign());
  expect(body.result.structuredContent.data).toMatchObject({
    caller: { context_source: 'oauth', roles: ['crm_manage'] },
    org: { orgcode: 'ACME' },
  });
  expect((await stat(await issuer.sign({ aud: 'https://other.example/mcp' }))).status).toBe(401);
});

test('a client is mapped to an org, listed, and mapped no more, at once for the server', async () => {
  const token = await issuer.sign({ orgcode: undefined, client_id: 'till-7' });
  const map = (...args: string[]) => runJson(['admin', 'oauth', 'map', ...args, '--json', '--db', workspace.db]);
  expect((await stat(token)).text).toContain('crm.not_found');
  expect(await map('add', 'acme', '--client', 'till-7')).toMatchObject({ orgcode: 'ACME' });
  expect((await stat(token)).body.result.structuredContent.data.org.orgcode).toBe('ACME');
  const { oauth_orgs } = await map('list');
  expect(oauth_orgs).toMatchObject([{ kind: 'client', value: 'till-7', orgcode: 'ACME' }]);
  expect(await map('remove', '--client', 'till-7')).toMatchObject({ orgcode: 'ACME', removed: true });
  expect((await stat(token)).text).toContain('crm.not_found');
  const { code, stderr } = await run(['admin', 'oauth', 'map', 'remove', '--client', 'till-7', '--db', workspace.db]);
  expect([code, stderr]).toEqual([1, 'error: that client is not mapped\n']);
}, 30_000);

test('several workers accept tokens', async () => {
  const workers = await startHttp(workspace.db, ['--workers', '2', '--stateless', ...settings()]);
  try {
    const { body } = await stat(await issuer.sign(), workers.url);
    expect(body.result.structuredContent.data.caller.context_source).toBe('oauth');
  } finally {
    await workers.stop();
  }
}, 30_000);

describe('a setting that is wrong is named, and leaves nothing behind', () => {
  const loopback = 'http://127.0.0.1:9';
  test.each([
    ['no audience', ['--oauth-issuer', loopback], /--oauth-issuer needs --oauth-audience/],
    ['an audience without an issuer', ['--oauth-audience', AUDIENCE], /--oauth-audience needs --oauth-issuer/],
    [
      'an issuer without TLS',
      ['--oauth-issuer', 'http://login.example', '--oauth-audience', AUDIENCE],
      /--oauth-issuer/,
    ],
    [
      'a scope that there is not',
      ['--oauth-issuer', loopback, '--oauth-audience', AUDIENCE, '--oauth-first-scopes', 'crm:everything'],
      /crm:everything is none of/,
    ],
  ])('%s', (name, args, message) =>
    expectNothingLeft(
      join(workspace.directory, name),
      [['http', '--port', '0', '--log-level', 'error', '--db', 'DB', ...args], 2, message],
      runHere,
    ),
  );

  test('the metadata are of another issuer, said once by several workers', async () => {
    const other = await openIssuer();
    other.named = 'https://evil.example';
    await expectNothingLeft(
      join(workspace.directory, 'mismatch'),
      [
        ['http', '--workers', '2', '--stateless', '--port', '0', '--db', 'DB', '--oauth-issuer', other.url].concat([
          '--oauth-audience',
          AUDIENCE,
        ]),
        2,
        /"https:\/\/evil.example", not of the configured one/,
      ],
      runHere,
    );
    await other.close();
  });
});
