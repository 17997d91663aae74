/** Signing in on the page, in Chromium, with oidc-provider: the way there and back, the call, and what is kept. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageSignInOf } from '../../src/commands/oauth-settings.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createPages } from '../../src/transport/pages.js';
import { openBrowser, visit } from '../support/browser.js';
import { addPeople, type OAuthTransport, oauthOptions, openOAuth } from '../support/oauth.js';
import { openProvider, type RealProvider } from '../support/oidc-provider.js';
import { connectWithSignIn } from '../support/signing-in.js';
import { useWorld } from '../support/use-world.js';

const world = useWorld({ atEnd: 'unverified' });
let provider: RealProvider;
let transport: OAuthTransport;
let browser: Browser;

beforeAll(async () => {
  await addPeople(world);
  const taken = createServer();
  await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
  const { port } = taken.address() as AddressInfo;
  await new Promise((closed) => taken.close(closed));
  const origin = `http://127.0.0.1:${port}`;
  provider = await openProvider(`${origin}/mcp`, [
    {
      client_id: 'page',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: [`${origin}/`],
      grant_types: ['authorization_code', 'refresh_token'],
    },
  ]);
  const options = oauthOptions(provider.issuer, {
    audiences: [`${origin}/mcp`],
    resource: new URL(`${origin}/mcp`),
    pageClient: 'page',
  });
  const pages = createPages({ html: () => readFileSync('mcp.html', 'utf8'), signIn: pageSignInOf(options, CONTRACT) });
  transport = await openOAuth(world, options, { http: { port, pages }, deadlineMs: 5_000 });
  browser = await openBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await transport?.close();
  await provider?.close();
});

/** Fills in the forms of the provider. */
async function signIn(page: Page): Promise<void> {
  await page.locator('input[name="login"]').fill('ada');
  await page.locator('input[name="password"]').fill('any');
  await page.locator('button[type="submit"]').click();
  await page.locator('button[type="submit"]').click(); // consent
}

test('a person signs in at the provider, comes back, and calls with a token that is kept nowhere', async () => {
  const { page, problems, leave } = await visit(browser, new URL('/', transport.url).href);
  // The provider's own forms ask for a font, an icon and hints of the browser: only what this page does counts.
  await page.route(
    ({ hostname }) => hostname !== '127.0.0.1',
    (route) => route.abort(),
  );
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await signIn(page);
  await page
    .getByText(/^Connected to .*org ACME · crm_manage/)
    .first()
    .waitFor();
  expect(new URL(page.url()).search).toBe('');
  const kept = await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])');
  expect(kept).toBe('[{},{},""]');
  expect(problems.filter((problem) => !/^verbose|Failed to load resource/.test(problem))).toEqual([]);
  await page.goto(`${new URL('/', transport.url).href}?code=stolen&state=of-another`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  expect(new URL(page.url()).search).toBe('');
  await leave();
}, 120_000);

test('the official client has its user sign in with the browser, and gets the code on a port of loopback', async () => {
  let came: (sent: URLSearchParams) => void = () => {};
  const back = new Promise<URLSearchParams>((resolve) => {
    came = resolve;
  });
  const listener = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (pathname === '/callback') came(searchParams);
    response.end('You can close this page.');
  });
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  const redirectUrl = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`;
  const signedIn = await connectWithSignIn(transport.url, 'ada', {
    redirectUrl,
    signIn: async (start) => {
      const { page, leave } = await visit(browser, start.href);
      await signIn(page);
      await page.getByText('You can close this page.').waitFor();
      await leave();
      return back;
    },
  });
  const stat = await signedIn.client.callTool({ name: 'crm_stat', arguments: {} });
  expect(stat.structuredContent).toMatchObject({
    data: { caller: { context_source: 'oauth', roles: ['crm_manage'] }, org: { orgcode: 'ACME' } },
  });
  await signedIn.close();
  listener.closeAllConnections();
  listener.close();
}, 120_000);

test('the page may connect to the issuer, and to nothing else; without OAuth it is as it was', async () => {
  const { headers } = await fetch(new URL('/', transport.url));
  expect(headers.get('content-security-policy')).toContain(`connect-src 'self' ${provider.issuer};`);
});
