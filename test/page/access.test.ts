/** Accessibility of mcp.html (axe-core, keyboard, narrow screens, colour themes) and its configuration snippets. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedSnippets } from '../../page/src/snippets.js';
import { axeFindings, choose, connect, demoLink, fillJson, openBrowser, send, visit } from '../support/browser.js';
import { cleanEnvironment, type HttpProgram, scratch, startHttp } from '../support/program.js';

const scratchDir = scratch();
let server: HttpProgram;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startHttp(scratchDir.db, ['--demo']), openBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  scratchDir.remove();
});

/** The states of the page, in the order in which a user reaches them. */
const STATES: readonly (readonly [string, (page: Page) => Promise<void>])[] = [
  ['initial state', async () => {}],
  [
    'after a connection failed',
    async (page) => {
      const key = await page.getByLabel('API key').inputValue();
      await page.getByLabel('API key').fill('wrong');
      await page.getByRole('button', { name: 'Connect', exact: true }).click();
      await page.locator('#connection-output .result.error').waitFor();
      await page.getByLabel('API key').fill(key);
    },
  ],
  [
    'connected, with a large filled form and every section open',
    async (page) => {
      await connect(page);
      await choose(page, 'crm_customer_update');
      await page
        .getByRole('button', { name: /^Example: / })
        .first()
        .click();
      for (const button of await page.getByRole('button', { name: /^Add / }).all()) await button.click();
      await page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true })');
    },
  ],
  [
    'with issues on fields',
    async (page) => {
      await choose(page, 'crm_loyalty_earn');
      await page.getByRole('button', { name: 'Example: purchase' }).click();
      await page.getByLabel('currency').fill('dollars');
      await send(page, 'error');
    },
  ],
  [
    'with the confirmation dialog',
    async (page) => {
      await choose(page, 'crm_customer_anonymize');
      await fillJson(page, { customer_id: 'x' });
      await page.getByRole('button', { name: /^Call crm_/ }).click();
      await page.getByRole('dialog').waitFor();
    },
  ],
  [
    'with a result and call history',
    async (page) => {
      await page.getByRole('button', { name: 'Cancel' }).last().click();
      await choose(page, 'crm_customer_list');
      await send(page, 'success');
      await page.getByText(/^Call history/).click();
    },
  ],
];

describe.each([
  ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['a phone of 360 pixels', { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true }],
] as const)('in %s', (_name, options) => {
  test('axe-core finds no violation in any state, and nothing overflows the window', async () => {
    const { page, leave } = await visit(browser, demoLink(server.stdout()), options);
    for (const [state, reach] of STATES) {
      await reach(page);
      expect({ state, findings: await axeFindings(page) }).toEqual({ state, findings: [] });
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect({ state, width }).toEqual({ state, width: options.viewport.width });
    }
    await leave();
  });
});

test('the selected colour theme overrides the system preference', async () => {
  const { page, leave } = await visit(browser, `${new URL(server.url).origin}/`, { colorScheme: 'light' });
  const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const light = await ground();
  await page.getByText('Dark', { exact: true }).click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.getByText('Light', { exact: true }).click();
  expect(await ground()).toBe(light);
  await page.getByText('Auto', { exact: true }).click();
  expect(await ground()).toBe(dark);
  await leave();
});

test('the keyboard alone reaches a result, and the focus is always visible', async () => {
  const { page, leave } = await visit(browser, demoLink(server.stdout()));
  await page.keyboard.press('Tab');
  await page.locator('.skip:focus').waitFor();
  await page.keyboard.press('Enter');
  await tabTo(page, '#connection-form [type="submit"]');
  await page.keyboard.press('Enter');
  await page.locator('#change:focus').waitFor();
  await tabTo(page, '#search');
  await page.keyboard.type('crm_loyalty_earn');
  await tabTo(page, '[data-tool="crm_loyalty_earn"]');
  await page.keyboard.press('Enter');
  await page.locator('h3.tool-name:focus').waitFor();
  await tabTo(page, '.examples button');
  await page.keyboard.press('Space');
  await tabTo(page, '.aside button');
  await page.keyboard.press('Enter');
  await page.locator('.lookup input:focus').waitFor();
  await page.locator('.choices button').first().waitFor();
  await page.keyboard.press('ArrowDown');
  await page.locator('.choices button:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.field input:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.result.success').waitFor();
  await tabTo(page, '.result pre');
  await leave();
});

/** Presses Tab until an element that matches has the focus. Every focused element on the way must have an outline. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 150; presses += 1) {
    await page.keyboard.press('Tab');
    const outlined = await page.evaluate(`(() => {
      const { activeElement: element } = document;
      const label = element.matches('.segmented input') ? element.nextElementSibling : element;
      return element === document.body || getComputedStyle(label).outlineStyle !== 'none';
    })()`);
    expect(outlined).toBe(true);
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
  }
  throw new Error(`Tab never reached ${selector}`);
}

describe('the client configuration', () => {
  const CLIENTS = servedSnippets({ url: '', orgcode: '', logicalGuid: '', channelCode: '' });

  test("contains the page's server and the caller's org for every client, and no key", async () => {
    const { page, leave } = await visit(browser, demoLink(server.stdout()));
    const key = await page.getByLabel('API key').inputValue();
    for (const { label: client, link } of CLIENTS) {
      await page.locator('#client-choice').getByText(client, { exact: true }).click();
      const text = (await page.getByRole('region', { name: `Configuration for ${client}` }).textContent()) ?? '';
      expect(text).toContain(server.url);
      expect(text).toMatch(/x-orgcode: ?DEMO|"x-orgcode": "DEMO"|x-orgcode = "DEMO"/);
      expect(text).not.toContain(key);
      if (text.startsWith('{')) JSON.parse(text);
      const links = page.getByRole('link', { name: `Add to ${client}`, exact: true });
      expect(await links.count()).toBe(link === undefined ? 0 : 1);
      if (link === undefined) continue;
      const [start, data = ''] = ((await links.getAttribute('href')) ?? '').split(/\?(?:.*config=)?/);
      expect(start).toBe(link.split('?')[0]);
      const decoded = decodeURIComponent(data);
      const added = decoded.startsWith('{') ? decoded : Buffer.from(decoded, 'base64').toString();
      expect(JSON.parse(added)).toMatchObject({ url: server.url });
      expect(added).not.toContain(key);
    }
    await leave();
  });

  test('the Inspector command runs unchanged and lists the tools', async () => {
    const { page, leave } = await visit(browser, demoLink(server.stdout()));
    const env = cleanEnvironment({ G3N_API_KEY: await page.getByLabel('API key').inputValue() });
    await page.locator('#client-choice').getByText('Inspector', { exact: true }).click();
    const command = (await page.getByRole('region', { name: 'Configuration for Inspector' }).textContent()) ?? '';
    await leave();
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { env, maxBuffer: 16 * 1024 * 1024 });
    expect(JSON.parse(stdout).tools).toHaveLength(58);
  });
});
