/** The explorer at /explorer: finding, filling, sending and reading; its CSP, its keys, its accessibility. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { axeFindings, demoLink, openBrowser, visit } from '../support/browser.js';
import { filesUnder } from '../support/files.js';
import { cleanEnvironment, type HttpProgram, scratch, startHttp } from '../support/program.js';

vi.setConfig({ testTimeout: 180_000 }); // each test does much with one page, which takes long on a busy machine

const run = promisify(execFile);
const scratchDir = scratch();
let server: HttpProgram;
let origin: string;
let key: string;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([
    startHttp(scratchDir.db, ['--demo'], { G3N_LOG_LEVEL: 'debug' }),
    openBrowser(),
  ]);
  origin = new URL(server.url).origin;
  key = /owner:([^,&]+)/.exec(demoLink(server.stdout()))?.[1] ?? '';
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  scratchDir.remove();
});

/** Opens the explorer and waits until the document is shown. */
async function open(hash = '', options = {}) {
  const visited = await visit(browser, `${origin}/explorer${hash}`, options);
  await visited.page.getByText(/^(\d+) of \1 operations$/).waitFor();
  return visited;
}

/** Pastes what the server printed about its demo, all of it, into the first field. */
async function pasteCredentials(page: Page): Promise<void> {
  const paste = `(text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', text);
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }`;
  await page.getByLabel('Org').focus();
  await page.evaluate(`(${paste})(${JSON.stringify(server.stdout())})`);
}

async function find(page: Page, text: string, path: string): Promise<void> {
  await page.getByLabel('Search operations').fill(text);
  await page.getByRole('navigation', { name: 'Operations' }).getByText(path, { exact: true }).click();
  await page.getByRole('heading', { name: `POST ${path}`, exact: true }).waitFor();
}

/** Sends the request, and waits for its response. */
async function sendRequest(page: Page, kind: 'success' | 'error'): Promise<void> {
  await page.getByRole('button', { name: 'Send request' }).click();
  await page.locator(`.result.${kind}`).waitFor();
}

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of envelopes they do not type
async function shownBody(page: Page): Promise<any> {
  return JSON.parse((await page.getByRole('region', { name: 'Response body' }).textContent()) ?? '');
}

const sample = (page: Page) => page.getByRole('region', { name: 'Code sample', exact: true }).textContent();

test('opens from this server alone, without a violation of its CSP, and finds operations', async () => {
  const { page, problems, asked, leave } = await visit(browser, `${origin}/`, { colorScheme: 'light' });
  await page.getByRole('link', { name: 'API explorer' }).click();
  await page.getByText('crm.malformed_body', { exact: true }).waitFor();
  const paths = asked.filter((url) => !url.startsWith('data:')).map((url) => url.replace(origin, ''));
  expect(paths.map((path) => path.replace(/-[0-9a-f]{12}\./, '.')).sort()).toEqual([
    '/',
    '/crm/openapi.json',
    '/explorer',
    '/explorer/explorer.css',
    '/explorer/explorer.js',
    '/explorer/swagger-ui.js',
  ]);
  const names = async (text: string) => {
    await page.getByLabel('Search operations').fill(text);
    return page.locator('#operations a code').allTextContents();
  };
  expect((await names('customer list'))[0]).toBe('/customer/list'); // by name
  expect(await names('bought programme')).toContain('/loyalty/earn'); // by words of its description
  expect(await names('birth_date')).toContain('/customer/create'); // by a field of its request
  expect(await names('no such operation')).toEqual([]);
  const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const light = await ground();
  await page.getByText('Dark', { exact: true }).click();
  expect(await ground()).not.toBe(light);
  expect(problems).toEqual([]);
  await leave();
});

test('sends a request, shows its response and its code, and keeps the key nowhere', async () => {
  const { page, problems, asked, leave } = await open();
  await pasteCredentials(page);
  expect(await page.getByLabel('API key').inputValue()).toBe(key);
  await find(page, 'customer list', '/customer/list');
  await page.getByLabel('Request body').fill('{"limit": 1}');
  await sendRequest(page, 'success');
  const head = page.locator('.result-head');
  await head.getByText('200 OK', { exact: true }).waitFor();
  await head.getByText(/^\d+ ms$/).waitFor();
  const { success, data } = await shownBody(page);
  expect([success, data.items.length]).toEqual([true, 1]);
  await page.getByText(/^Response headers/).click();
  await page.getByRole('row', { name: /^x-request-id / }).waitFor();
  expect(asked.at(-1)).toBe(`${origin}/crm/customer/list`);

  const env = cleanEnvironment({ G3N_API_KEY: key });
  const curl = await run('sh', ['-c', (await sample(page)) ?? ''], { env });
  expect(curl.stdout).toMatch(/^HTTP\/1.1 200 OK/);
  expect(curl.stdout).toContain(data.items[0].customer_id);
  await page.getByText('TypeScript', { exact: true }).click();
  const { code } = await transform((await sample(page)) ?? '', { loader: 'ts' });
  const node = await run(process.execPath, ['--input-type=module', '--eval', code], { env });
  expect(node.stdout).toMatch(/^200 \{\s+success: true/);
  await page.getByLabel('Request body').fill('{\n  "limit": 1,\n  "tags": [null, true, "true \\/"]\n}');
  await page.getByText('Python', { exact: true }).click();
  expect(await sample(page)).toBe(PYTHON());

  const kept = await page.evaluate(`[location.href, document.cookie, JSON.stringify(localStorage),
    JSON.stringify(sessionStorage), JSON.stringify(history.state), document.documentElement.outerHTML,
    document.documentElement.innerText].join()`);
  expect(kept).not.toContain(key);
  expect(asked.join()).not.toContain(key);
  expect(server.stderr()).not.toContain(key);
  expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
  expect(await page.evaluate('indexedDB.databases().then(({ length }) => length)')).toBe(0);
  expect(problems).toEqual([]);
  await page.reload();
  await page.getByLabel('API key').waitFor();
  expect(await page.getByLabel('API key').inputValue()).toBe('');
  await leave();
});

const PYTHON = () => `import json, os, urllib.error, urllib.request

request = urllib.request.Request(
    "${origin}/crm/customer/list",
    method="POST",
    headers={
        "x-api-key": os.environ["G3N_API_KEY"],
        "x-orgcode": "DEMO",
        "x-logical-guid": "store-001",
        "x-channel-code": "pos",
        "content-type": "application/json",
    },
    data=json.dumps({
      "limit": 1,
      "tags": [None, True, "true /"]
    }).encode(),
)
try:
    response = urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    response = error
print(response.status, json.load(response))`;

test('shows what the server rejects, and when there is no server', async () => {
  const { page, leave } = await open('#/loyalty_earn');
  await pasteCredentials(page);
  await page.getByRole('combobox', { name: 'Example', exact: true }).selectOption('purchase');
  expect(await page.getByLabel('Request body').inputValue()).toContain('"purchase"');
  await page.getByPlaceholder('idempotency-key').fill('till-7-0001');
  const sent = page.waitForRequest(`${origin}/crm/loyalty/earn`);
  await sendRequest(page, 'error');
  expect((await sent).headers()).toMatchObject({
    'x-orgcode': 'DEMO',
    'x-api-key': key,
    'x-logical-guid': 'store-001',
    'x-channel-code': 'pos',
    'idempotency-key': 'till-7-0001',
  });
  expect(await sample(page)).toContain('idempotency-key: till-7-0001');
  await page.getByText('404 Not Found', { exact: true }).waitFor();
  expect(await shownBody(page)).toMatchObject({ success: false, error: { http_status: 404 } });
  await page.getByLabel('API key').fill('wrong');
  await page.getByRole('button', { name: 'Send request' }).click();
  await page.getByText('401 Unauthorized', { exact: true }).waitFor();
  await page.getByLabel('Request body').fill('{"customer_id": ');
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Send request' }).click();
  await page.getByText('400 Bad Request', { exact: true }).waitFor();
  await page.route('**/crm/loyalty/earn', (route) => route.abort());
  await page.getByRole('button', { name: 'Send request' }).click();
  await page.getByText(/^No response from the server/).waitFor();
  await leave();
});

describe('keys', () => {
  test('cannot be taken away by injected content', async () => {
    const { page, leave } = await open();
    // After a turn, because the browser's debugger lets its own turn evaluate.
    const attempt = (code: string) =>
      page.evaluate(`new Promise((resolve) => setTimeout(resolve)).then(async () => {
        try { ${code}; return 'done' } catch (error) { return error.name }
      })`);
    expect(await attempt('document.body.innerHTML = "<b>x</b>"')).toBe('TypeError');
    expect(await attempt('document.createElement("script").text = "1"')).toBe('TypeError');
    expect(await attempt('new Function("return 1")')).toMatch(/^(Eval|Type)Error$/);
    expect(await attempt('await fetch("https://elsewhere.example/")')).toBe('TypeError');
    const violated = await page.evaluate(`new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
      document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { color: red }' }));
    })`);
    expect(violated).toMatch(/^style-src/);
    await leave();
  });

  test('meet no code that parses HTML, stores or evaluates', () => {
    const parsing = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'DOMParser'];
    const storing = ['localStorage', 'sessionStorage', 'indexedDB', '.cookie'];
    const forbidden = [...parsing, ...storing, ' eval(', 'new Function'];
    const files = filesUnder('page/explorer').filter((name) => name.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(8);
    const texts = files.map((name) => readFileSync(name, 'utf8'));
    expect(forbidden.filter((word) => texts.some((text) => text.includes(word)))).toEqual([]);
  });
});

/** The states of the explorer, in the order in which a user reaches them. */
const STATES: readonly (readonly [string, (page: Page) => Promise<void>])[] = [
  ['the overview', (page) => page.getByRole('heading', { name: 'Error codes' }).waitFor()],
  [
    'an operation',
    async (page) => {
      await pasteCredentials(page);
      await find(page, 'earn', '/loyalty/earn');
    },
  ],
  ['an error', (page) => sendRequest(page, 'error')],
  [
    'the schema, and the documented responses',
    async (page) => {
      await page.getByRole('tab', { name: 'Schema' }).first().click();
      await page.getByText('Documented responses').click();
      await page.getByText('The request is not well formed', { exact: false }).first().waitFor();
    },
  ],
  [
    'a response with its headers',
    async (page) => {
      await find(page, 'customer list', '/customer/list');
      await sendRequest(page, 'success');
      await page.getByText(/^Response headers/).click();
    },
  ],
];

/** Each colour scheme once, and each size once: a run of axe-core takes seconds. */
test.each([
  ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['light, on a phone of 390 pixels', { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true }],
] as const)(
  'in %s axe-core finds no violation in any state, and nothing overflows the window',
  {
    timeout: 180_000,
  },
  async (_name, options) => {
    const { page, problems, leave } = await open('', options);
    for (const [state, reach] of STATES) {
      await reach(page);
      expect({ state, findings: await axeFindings(page) }).toEqual({ state, findings: [] });
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect({ state, width }).toEqual({ state, width: options.viewport.width });
    }
    expect(problems.filter((problem) => !/status of 404/.test(problem))).toEqual([]);
    await leave();
  },
);

test('the keyboard alone reaches a response, and the focus is always visible', async () => {
  const { page, leave } = await open();
  await pasteCredentials(page);
  await tabTo(page, '#search');
  await page.keyboard.type('customer list');
  await tabTo(page, '#operations a');
  await page.keyboard.press('Enter');
  await page.locator('h3.tool-name:focus').waitFor();
  await tabTo(page, '#stage button.primary');
  await page.keyboard.press('Enter');
  await page.locator('.result.success').waitFor();
  expect(await page.locator('#stage button.primary:focus').count()).toBe(1);
  await tabTo(page, '.result pre');
  await leave();
});

/** Presses Tab until an element that matches has the focus. Every focused element on the way must have an outline. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    const outlined = await page.evaluate(`(() => {
      const { activeElement: element } = document;
      const label = element.matches('.segmented input') ? element.nextElementSibling : element;
      return element === document.body || getComputedStyle(label).outlineStyle !== 'none' || element.outerHTML;
    })()`);
    expect(outlined).toBe(true);
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
  }
  throw new Error(`Tab never reached ${selector}`);
}
