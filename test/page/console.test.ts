/** The console of mcp.html as a user works with it: connect, select a tool, fill in the form, call, read the result. */
import { execFileSync } from 'node:child_process';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import {
  choose,
  connect,
  connectAs,
  demoLink,
  fillJson,
  openBrowser,
  send,
  shownAnswer,
  type Visit,
  visit,
} from '../support/browser.js';
import { CLIENTS } from '../support/clients.js';
import { type HttpProgram, scratch, startHttp } from '../support/program.js';

const scratchDir = scratch();
let server: HttpProgram;
let browser: Browser;
let current: Visit;
let page: Page;
beforeAll(async () => {
  [server, browser] = await Promise.all([startHttp(scratchDir.db, ['--demo']), openBrowser()]);
});
beforeEach(async () => {
  current = await visit(browser, demoLink(server.stdout()));
  page = current.page;
  await connect(page);
});
afterEach(() => current.leave());
afterAll(async () => {
  await browser.close();
  await server.stop();
  scratchDir.remove();
});

/** A demo key, as the server prints it. */
const keyOf = (role: string) => new RegExp(`${role}:([^,&]+)`).exec(demoLink(server.stdout()))?.[1] ?? '';

/** Headers of a call with a demo key. */
const headersOf = (role: string) => ({
  'x-orgcode': 'DEMO',
  'x-api-key': keyOf(role),
  'x-logical-guid': 'store-001',
  'x-channel-code': 'pos',
});

test('a new user gets from the printed link to earned points by the steps that the page names', async () => {
  await page.getByText('org DEMO · owner · 58 tools').first().waitFor();
  await page.getByRole('button', { name: 'Example: document' }).click();
  await page.getByRole('button', { name: 'Look one up' }).click();
  await page.locator('.choices button').first().click();
  const customer = await page.getByLabel('customer_id').inputValue();
  await page.getByRole('button', { name: 'Call crm_loyalty_earn' }).click();
  await page.locator('.result.success').waitFor();
  expect(await shownAnswer(page)).toMatchObject({ success: true, data: { customer_id: customer, points: 100 } });
  expect(await page.locator('.timing').textContent()).toMatch(/\d+ ms, \d+ ms on the server · request [0-9a-f-]{36}/);
  expect(await page.locator('#announcer').textContent()).toMatch(/^Done in \d+ milliseconds\.$/);
  expect(current.problems).toEqual([]);
});

test.each(['loyalty_admin', 'crm_view', 'owner'])('the tool list for %s equals its tools/list', async (role) => {
  await connectAs(page, role);
  const client = await CLIENTS['SDK 2, any era']({ kind: 'http', url: server.url, headers: headersOf(role) });
  const names = await client.toolNames();
  await client.close();
  expect((await page.locator('#tools-found code').allInnerTexts()).sort()).toEqual([...names].sort());
  await page.getByText(`${names.length} available to you`).waitFor();
});

test('a tool outside the role is not listed, and calling it shows the error and the roles that may', async () => {
  await connectAs(page, 'crm_view');
  await page.getByLabel('Show tools that I cannot call').check();
  await choose(page, 'crm_loyalty_earn');
  await page.getByText('does not list this tool').waitFor();
  await fillJson(page, { customer_id: 'x', points: 1 });
  await send(page, 'error');
  await page.locator('.result').getByText('crm.forbidden', { exact: true }).waitFor();
  await page.getByText('Roles that may call this: owner, loyalty_admin.').waitFor();
  expect(await page.locator('.timing').textContent()).toContain('status 403');
});

test('unknown credentials fail to connect, and the page shows what to do', async () => {
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByLabel('API key').fill('g3nk_wrong');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const result = page.locator('#connection-output .result.error');
  await result.getByText('crm.credentials_invalid', { exact: true }).waitFor();
  expect(await result.textContent()).toContain('status 401');
  await result.getByText('Ask the operator for a valid session or API key.', { exact: true }).waitFor();
  await connectAs(page, 'owner');
  expect(await result.isVisible()).toBe(false);
});

test('a credential revoked while connected leads back to the connection form', async () => {
  await page.route('**/mcp', (route) =>
    route.continue({ headers: { ...route.request().headers(), 'x-api-key': 'gone' } }),
  );
  await choose(page, 'crm_customer_list');
  await send(page, 'error');
  await page.getByRole('button', { name: 'Change credentials' }).click();
  await page.locator('#demo-key:focus').waitFor();
});

test('every issue appears on its field, and the result links to the field', async () => {
  await choose(page, 'crm_loyalty_earn');
  await page.getByRole('button', { name: 'Example: purchase' }).click();
  await page.getByLabel('customer_id').fill('');
  await page.getByLabel('currency').fill('dollars');
  await page.getByLabel('quantity').fill('two');
  await send(page, 'error');
  const issueText = async (label: string) => {
    const control = page.getByLabel(label, { exact: true }).first();
    expect(await control.getAttribute('aria-invalid')).toBe('true');
    const described = (await control.getAttribute('aria-describedby'))?.split(' ') ?? [];
    return page.locator(`#${described.at(-1)}`).textContent();
  };
  expect(await issueText('customer_id')).toBe('is required.');
  expect(await issueText('currency')).toMatch(/^is not well formed/);
  expect(await issueText('quantity')).toBe('must be number.');
  await page.locator('.issues').getByRole('button', { name: 'purchase.currency' }).click();
  await page.locator('[aria-invalid]:focus').press('End');
  await page.keyboard.type('!');
  expect(await page.getByLabel('currency').inputValue()).toBe('dollars!');
  expect(await page.getByLabel('currency').getAttribute('aria-invalid')).toBe(null);
});

const HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';

test('untrusted text stays text wherever the page shows it', async () => {
  await choose(page, 'crm_customer_create');
  await fillJson(page, { customer: { caption: HOSTILE, email: 'hostile@example.com' } });
  await send(page, 'success');
  expect((await shownAnswer(page)).data.caption).toBe(HOSTILE);
  await page.getByText('Model view').click();
  expect(await page.getByRole('region', { name: 'Text that the model reads' }).textContent()).toContain('onerror');
  await page.getByText('Full response').click();
  await choose(page, 'crm_customer_get');
  await page.getByRole('button', { name: 'Look one up' }).click();
  await page.locator('.choices').getByText('onerror').first().click();
  await send(page, 'success');
  await choose(page, 'crm_customer_update');
  await fillJson(page, { customer_id: HOSTILE, [HOSTILE]: 1 });
  await send(page, 'error');
  expect(await page.locator('img, script:not([type="application/json"], :last-of-type)').count()).toBe(0);
  expect(await page.evaluate('window.hit')).toBeUndefined();
  expect(current.problems).toEqual([]);
});

test('a destructive tool asks for confirmation, and cancelling sends nothing', async () => {
  const { asked } = current;
  await choose(page, 'crm_loyalty_redeem');
  await fillJson(page, { customer_id: 'nobody', points: 5 });
  const before = asked.length;
  await page.getByRole('button', { name: 'Call crm_loyalty_redeem' }).click();
  await page.getByRole('dialog').getByText('Call crm_loyalty_redeem').waitFor();
  await page.keyboard.press('Escape');
  expect(asked.length).toBe(before);
  await send(page, 'error');
  expect(asked.length).toBe(before + 1);
});

test('the history restores a call with its arguments and result', async () => {
  await choose(page, 'crm_customer_get');
  await page.getByLabel('customer_id').fill('nobody');
  await send(page, 'error');
  await choose(page, 'crm_stat');
  await send(page, 'success');
  await page.getByText(/^Call history/).click();
  await page
    .locator('#history')
    .getByRole('button', { name: /crm_customer_get/ })
    .click();
  await page.locator('.result.error').getByText('crm.not_found', { exact: true }).waitFor();
  expect(await page.getByLabel('customer_id').inputValue()).toBe('nobody');
});

test('the curl command runs unchanged, with the key in a variable', async () => {
  await choose(page, 'crm_customer_search');
  await fillJson(page, { q: "o'neill $HOME `id`" });
  await send(page, 'success');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const command = String(await page.evaluate('navigator.clipboard.readText()'));
  expect(command).not.toContain(keyOf('owner'));
  expect(command).toContain('$G3N_API_KEY');
  const spoken = execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`], {
    env: { G3N_API_KEY: keyOf('owner') },
    encoding: 'utf8',
  });
  const words = spoken.split('\0');
  const after = (flag: string) => words.flatMap((word, index) => (words[index - 1] === flag ? [word] : []));
  const headers = after('-H').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
  const url = words.find((word) => word.startsWith('http')) ?? '';
  const response = await fetch(url, { method: 'POST', headers, body: after('--data')[0] ?? '' });
  const { result } = (await response.json()) as { result: { isError?: boolean; structuredContent: object } };
  expect(result).toMatchObject({ structuredContent: { success: true } });
});

test('a lost connection and a response that is not MCP are reported as such', async () => {
  await choose(page, 'crm_stat');
  await page.route('**/mcp', (route) => route.abort());
  await send(page, 'failure');
  await page.getByText('Is the server running?').first().waitFor();
  await page.unroute('**/mcp');
  await page.route('**/mcp', (route) => route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }));
  await send(page, 'failure');
  await page.locator('.result').getByText('Not an MCP response: <h1>Bad gateway</h1>').waitFor();
  expect(await page.locator('.timing').textContent()).toContain('status 502');
});

test('a response as an event stream is read like JSON, in chunks and after other messages', async () => {
  await choose(page, 'crm_stat');
  await page.route('**/mcp', async (route) => {
    const answer = await (await route.fetch()).text();
    const other = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: {} });
    const body = `: ready\r\n\r\nevent: message\r\ndata: ${other}\r\n\r\ndata: ${answer}\r\n\r\n`;
    await route.fulfill({ contentType: 'text/event-stream', body });
  });
  await send(page, 'success');
  expect(await shownAnswer(page)).toMatchObject({ data: { status: 'ok' } });
});

test('search finds tools by name, words, family, effect and role', async () => {
  const found = async () => await page.locator('#tools-found [data-tool]').count();
  await page.getByLabel('Search tools').fill('gift card');
  expect(await found()).toBeGreaterThan(2);
  await page.getByLabel('Search tools').fill('');
  await page.getByLabel('Family').selectOption('loyalty');
  expect(await found()).toBe(CONTRACT.operations.filter(({ family }) => family === 'loyalty').length);
  await page.getByLabel('Effect').selectOption('read');
  expect(await found()).toBe(2);
  await page.getByLabel('Family').selectOption('');
  await page.getByLabel('Effect').selectOption('');
  await page.getByLabel('Role').selectOption('giftcard_admin');
  const passing = CONTRACT.operations.filter(({ access }) => {
    const roles = CONTRACT.roles[access] ?? [];
    return roles.length === 0 || roles.includes('giftcard_admin');
  });
  expect(await found()).toBe(passing.length);
  await page.getByLabel('Role').selectOption('');
});

/** The data of a call by the owner, without the page. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of answers they do not type
async function ask(path: string, body: object): Promise<any> {
  const headers = { 'content-type': 'application/json', ...headersOf('owner') };
  const url = new URL(`/crm${path}`, server.url);
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return ((await response.json()) as { data: unknown }).data;
}

describe('the lookup of an id', () => {
  test('says which record is which, and its search box narrows them', async () => {
    const [customer] = (await ask('/customer/list', { limit: 1, flag: 'vip_service' })).items;
    const { customer_id } = customer;
    await choose(page, 'crm_loyalty_earn');
    await page.getByRole('button', { name: 'Look one up' }).click();
    await page.locator('.lookup input:focus').fill(customer.email);
    const since = customer.created_at.slice(0, 10);
    const label = [customer.caption, customer.email, customer.loyalty.tier, `since ${since}`].join(' · ');
    await expect
      .poll(() => page.locator('.choice').allTextContents())
      .toEqual([`${label} · …${customer_id.slice(-4)}`]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await page.getByLabel('customer_id').inputValue()).toBe(customer_id);
  });

  test('narrows records that have no search tool by the words of their labels', async () => {
    const [certificate] = (await ask('/exemption/certificate/list', { limit: 1 })).items;
    await choose(page, 'crm_exemption_certificate_get');
    await page.getByRole('button', { name: 'Look one up' }).click();
    await page.locator('.lookup input:focus').fill(certificate.certificate_number.toLowerCase());
    await expect.poll(() => page.locator('.choice').count()).toBe(1);
    await page.keyboard.press('Enter');
    expect(await page.getByLabel('certificate_id').inputValue()).toBe(certificate.certificate_id);
  });
});

test('after a conflict one button fills in the revision that the record has now', async () => {
  const [customer] = (await ask('/customer/list', { limit: 1 })).items;
  await choose(page, 'crm_customer_update');
  const args = {
    customer_id: customer.customer_id,
    customer: { tags: ['seen'] },
    expected_revision: customer.revision + 7,
  };
  await fillJson(page, args);
  await send(page, 'error');
  await page.getByRole('button', { name: `Use revision ${customer.revision}` }).click();
  await send(page, 'success');
});

test('the word that says little is explained where a tool has it', async () => {
  await choose(page, 'crm_account_contact_status_set');
  await page.getByText('“Doom” is the contract’s word for removing a record for good').waitFor();
  await choose(page, 'crm_loyalty_earn');
  expect(await page.getByText('“Doom” is').count()).toBe(0);
});
