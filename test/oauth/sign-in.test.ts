/** The whole flow with real parts: oidc-provider as identity provider, and the official SDK's client. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addPeople, type OAuthTransport, oauthOptions, openOAuth } from '../support/oauth.js';
import { openProvider, type RealProvider } from '../support/oidc-provider.js';
import { clientMetadata, connectWithSignIn } from '../support/signing-in.js';
import { useWorld } from '../support/use-world.js';

const world = useWorld({ atEnd: 'unverified' });
let provider: RealProvider;
let transport: OAuthTransport;
/** How far the server's clock is ahead: what is valid has then expired. */
let ahead = 0;

/** The port is taken first, because the resource identifier contains it. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

beforeAll(async () => {
  await addPeople(world);
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  provider = await openProvider(resource);
  transport = await openOAuth(
    world,
    oauthOptions(provider.issuer, {
      audiences: [resource],
      resource: new URL(resource),
      introspection: { ...provider.resourceServer, of: 'opaque', cacheSeconds: 0 },
    }),
    { http: { port }, deadlineMs: 5_000, clock: () => Date.now() + ahead },
  );
});
afterAll(async () => {
  await transport?.close();
  await provider?.close();
});

const STAT = { name: 'crm_stat', arguments: {} };
const creating = (email: string) => ({ name: 'crm_customer_create', arguments: { customer: { email } } });

test.each(['jwt', 'opaque'] as const)(
  'discovery, registration, PKCE, a call, step-up and refresh, with %s tokens',
  async (format) => {
    provider.format = format;
    const signedIn = await connectWithSignIn(transport.url, 'ada');
    const { client, flow } = signedIn;
    const stat = await client.callTool(STAT);
    expect(stat.structuredContent).toMatchObject({
      data: { caller: { context_source: 'oauth', roles: ['crm_manage'] }, org: { orgcode: 'ACME' } },
    });
    const asked = { scope: 'crm:read offline_access', challenge: 'S256', resource: transport.url };
    expect(flow.asked).toEqual([{ ...asked, client: expect.any(String) }]);

    const made = await signedIn.retrying(() => client.callTool(creating(`${format}@example.com`))); // 403, step-up, and the call again
    expect(made.structuredContent).toMatchObject({ data: { email: `${format}@example.com` } });
    expect(flow.asked.at(-1)?.scope?.split(' ').sort()).toEqual(['crm:read', 'customer:write', 'offline_access']);

    const first = flow.tokens.at(-1);
    ahead = 3600_000;
    provider.onTokenRequest = () => {
      ahead = 0;
    };
    await client.callTool(STAT); // 401, refresh, and the call again
    expect(flow.tokens.at(-1)?.access_token).not.toBe(first?.access_token);
    expect(flow.asked.length).toBe(2); // nobody had to sign in again
    await signedIn.close();
  },
);

test('a client that is known by its metadata document does not register', async () => {
  const url = 'https://client.example/oauth/client.json';
  provider.documents.set(url, { ...clientMetadata(), client_id: url, scope: 'crm:read offline_access' });
  const signedIn = await connectWithSignIn(transport.url, 'ada', { clientMetadataUrl: url });
  const stat = await signedIn.client.callTool(STAT);
  expect(stat.structuredContent).toMatchObject({ data: { caller: { context_source: 'oauth' } } });
  expect(signedIn.flow.asked.map(({ client }) => client)).toEqual([url]);
  await signedIn.close();
});
