/**
 * The MCP app in a real Chromium: a host with the AppBridge of the official SDK reads the app from the server through
 * an official client, shows it in a sandboxed frame, and gives it results of real tool calls.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bundleScript } from '../../scripts/self-contained.js';
import { ensureDemo } from '../../src/demo/demo.js';
import { CUSTOMER_APP_URI } from '../../src/mcp/apps.js';
import { axeFindings, openBrowser } from '../support/browser.js';
import { openSessionTransport } from '../support/sessions.js';
import { type Data, openWorld, type World } from '../support/world.js';

const HOST = 'http://host.test/';
const SANDBOX = 'http://sandbox.test/';
const EXTENSION = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } };
const GET = 'crm_customer_get';
const LEDGER = 'crm_loyalty_ledger_list';
const PASSES_CALLS = { serverTools: {} };

let world: World;
let client: Client;
let closeServer: () => Promise<void>;
let browser: Browser;
let page: Page;
let resource: Data;
let customerId: string;
beforeAll(async () => {
  world = await openWorld();
  const { headers } = await ensureDemo(world.store, new Date());
  const transport = await openSessionTransport(world.application);
  closeServer = () => transport.close();
  client = new Client({ name: 'host', version: '1' }, { capabilities: { extensions: EXTENSION } });
  const requestInit = { headers: headers as Record<string, string> };
  await client.connect(new StreamableHTTPClientTransport(new URL(transport.url), { requestInit }));
  resource = (await client.readResource({ uri: CUSTOMER_APP_URI })).contents[0];
  browser = await openBrowser();
  await openHost();
  const { structuredContent }: Data = await client.callTool({ name: 'crm_customer_list', arguments: { limit: 1 } });
  customerId = structuredContent.data.items[0].customer_id;
});
afterAll(async () => {
  await browser.close();
  await client.close();
  await closeServer();
  await world.close();
});

/** What the current test's host does; one page hosts all of them, one after the other. */
let hosting: Hosting = {};
let problems: string[] = [];
let asked: string[] = [];
afterEach(() => page.evaluate('closeApp()'));

async function openHost(): Promise<void> {
  page = await browser.newPage({ reducedMotion: 'reduce' });
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => {
    if (message.type() !== 'debug') problems.push(`${message.type()}: ${message.text()}`); // the bridge's own log
  });
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('request', (request) => asked.push(request.url()));
  await page.exposeFunction('callServerTool', (params: Call) => (hosting.callServerTool ?? pass)(params));
  const body = `<!doctype html><html lang="en"><title>Host</title><body><script>${await bundleScript('test/support/app-host.mjs')}</script></body></html>`;
  await page.route(HOST, (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.route(SANDBOX, (route) => {
    const headers = { 'content-security-policy': hosting.policy ?? cspOf(resource._meta.ui.csp) };
    return route.fulfill({ contentType: 'text/html', headers, body: resource.text });
  });
  await page.goto(HOST);
}

const pass = (params: Call): unknown => client.callTool(params);

/** The CSP that the specification tells a host to make of what the app declares. */
function cspOf({ connectDomains, resourceDomains, frameDomains, baseUriDomains }: Data): string {
  const also = resourceDomains.join(' ');
  return [
    "default-src 'none'",
    `script-src 'self' 'unsafe-inline' ${also}`,
    `style-src 'self' 'unsafe-inline' ${also}`,
    `connect-src 'self' ${connectDomains.join(' ')}`,
    `img-src 'self' data: ${also}`,
    `font-src 'self' ${also}`,
    `frame-src ${frameDomains.join(' ') || "'none'"}`,
    "object-src 'none'",
    `base-uri ${baseUriDomains.join(' ') || "'self'"}`,
  ].join('; ');
}

interface Hosting {
  readonly capabilities?: object;
  readonly context?: object;
  readonly width?: number;
  /** The CSP of the frame. */
  readonly policy?: string;
  /** Answers the app's tool calls instead of the server. */
  readonly callServerTool?: (params: Call) => unknown;
}

type Call = { readonly name: string; readonly arguments: Record<string, unknown> };

/** Shows the app, and returns its frame. */
async function openApp(current: Hosting = {}): Promise<Frame> {
  const { capabilities = PASSES_CALLS, context = {}, width = 800 } = current;
  [hosting, problems, asked] = [current, [], []];
  await page.evaluate(`openApp(${JSON.stringify({ url: SANDBOX, capabilities, context, width })})`);
  const frame = page.frame({ url: SANDBOX });
  if (frame === null) throw new Error('the app has no frame');
  return frame;
}

/** Calls a tool as an agent does, and gives arguments and result to the app. */
async function give(name: string, args: object): Promise<Data> {
  const result: Data = await client.callTool({ name, arguments: args as Call['arguments'] });
  await giveResult(args, result);
  return result.structuredContent?.data;
}

async function giveResult(args: object, result: object): Promise<void> {
  await page.evaluate(`app.bridge.sendToolInput(${JSON.stringify({ arguments: args })})`);
  await page.evaluate(`app.bridge.sendToolResult(${JSON.stringify(result)})`);
}

/** The cells of the table under a chart. */
async function tableOf(frame: Frame, caption: string): Promise<string[][]> {
  const figure = frame.locator('figure', { hasText: caption });
  await figure.getByText('Show as a table').click();
  const rows = await figure.getByRole('table', { name: caption }).getByRole('row').all();
  return Promise.all(rows.slice(1).map((row) => row.locator('th, td').allTextContents()));
}

const textOf = async (frame: Frame) => (await frame.locator('main').textContent()) ?? '';
const status = (frame: Frame) => frame.getByRole('status');
const callsOf = async (): Promise<Call[]> => (await page.evaluate('app.calls')) as Call[];
const numbers = (value: number) => new Intl.NumberFormat('en-US').format(value).replace('-', '−');
const balancesOf = (items: Data[]) => items.map(({ balance_after }) => numbers(balance_after));

/** Nothing was loaded but the app, and the browser reported nothing. */
function expectQuiet(): void {
  expect(asked).toEqual([SANDBOX]);
  expect(problems).toEqual([]);
}

describe('the app', () => {
  test('introduces itself, shows a customer, and reports its height', async () => {
    const frame = await openApp();
    expect(await page.evaluate('app.version.name')).toBe('g3n-crm-customer');
    expect(await status(frame).textContent()).toBe('Waiting for the result …');
    const customer = await give(GET, { customer_id: customerId });
    await frame.getByRole('heading', { name: customer.caption }).waitFor();
    const text = await textOf(frame);
    for (const shown of [customer.email, customer.loyalty.tier, numbers(customer.loyalty.points_available)])
      expect(text).toContain(shown);
    expect(await status(frame).textContent()).toBe('');
    const height = await frame.evaluate('Math.ceil(document.body.getBoundingClientRect().height)');
    await page.waitForFunction(`app.heights.at(-1) === ${height}`);
    expect(await axeFindings(frame)).toEqual([]);
    expect(await callsOf()).toEqual([]);
    expectQuiet();
  });

  test('reads the ledger of the customer only when the user asks', async () => {
    const frame = await openApp();
    await give(GET, { customer_id: customerId });
    await frame.getByRole('button', { name: 'Show points over time' }).click();
    const { items, points_balance } = await ledger({ limit: 100 });
    expect((await tableOf(frame, 'Points balance over time')).map((row) => row[3])).toEqual(balancesOf(items));
    for (const name of ['Points balance over time', 'Points by expiry'])
      await frame.getByRole('heading', { name }).waitFor();
    const drawing = frame.getByRole('img', { name: /^Points balance over/ });
    expect(await drawing.getAttribute('aria-label')).toContain(`now ${numbers(points_balance)}.`);
    expect(await callsOf()).toEqual([{ name: LEDGER, arguments: { customer_id: customerId, limit: 100 } }]);
    expect(await axeFindings(frame)).toEqual([]);
    expectQuiet();
  });

  test('shows a ledger, its older entries, and its customer', async () => {
    const frame = await openApp();
    const { items } = await give(LEDGER, { customer_id: customerId, limit: 2 });
    const rows = await tableOf(frame, 'Points balance over time');
    expect(rows.map((row) => row[3])).toEqual(balancesOf(items));
    expect(await textOf(frame)).toContain('Shows the latest 2 entries; the ledger has older ones.');
    await frame.getByRole('button', { name: 'Read older entries' }).click();
    const all = await ledger({ limit: 256 });
    await frame.getByRole('img', { name: new RegExp(`over ${all.items.length} ledger entries`) }).waitFor();
    expect((await tableOf(frame, 'Points balance over time')).map((row) => row[3])).toEqual(balancesOf(all.items));
    expect(await frame.getByRole('button', { name: 'Read older entries' }).count()).toBe(0);
    await frame.getByRole('button', { name: 'Show the customer' }).click();
    await frame.getByRole('region', { name: 'Contact' }).waitFor();
    expect((await callsOf()).map(({ name }) => name)).toEqual([LEDGER, GET]);
    expect(await axeFindings(frame)).toEqual([]);
    expectQuiet();
  });
});

describe('a host that passes no calls on', () => {
  test('gets no buttons that need one', async () => {
    const frame = await openApp({ capabilities: {} });
    await give(GET, { customer_id: customerId });
    await frame.getByRole('region', { name: 'Contact' }).waitFor();
    expect(await frame.getByRole('button').count()).toBe(0);
    await give(LEDGER, { customer_id: customerId, limit: 2 });
    await frame.getByRole('figure').first().waitFor();
    expect(await frame.getByRole('button').count()).toBe(0);
  });

  test('shows what the result lacks in words', async () => {
    const frame = await openApp({ capabilities: {} });
    await give(GET, { customer_id: customerId, fields: ['caption'] });
    await status(frame).getByText('The result has only some fields.').waitFor();
    expect(await callsOf()).toEqual([]);
  });

  test('may reject single calls: the app says so, and the user can try again', async () => {
    let rejected = 0;
    const frame = await openApp({
      callServerTool: async (params) => {
        rejected += 1;
        if (rejected === 1) throw new Error('the user said no');
        return client.callTool(params);
      },
    });
    await give(GET, { customer_id: customerId });
    const button = frame.getByRole('button', { name: 'Show points over time' });
    await button.click();
    await status(frame).getByText('The host rejected the call: the user said no').waitFor();
    await button.click();
    await frame.getByRole('figure').first().waitFor();
    expect(await status(frame).textContent()).toBe('');
  });
});

describe('a result', () => {
  test.each([
    [GET, { fields: ['caption', 'email'] }, 'Contact'],
    [LEDGER, { fields: ['items.points'], limit: 3 }, 'Points by expiry'],
  ])('of %s with only some fields is read again as a whole', async (name, args, region) => {
    const frame = await openApp();
    await give(name, { customer_id: customerId, ...args });
    await frame.getByRole('region', { name: region }).waitFor();
    const { fields: _, ...whole } = { customer_id: customerId, ...args };
    expect(await callsOf()).toEqual([{ name, arguments: whole }]);
  });

  test('that is an error shows its message and what to do next', async () => {
    const frame = await openApp();
    await give(GET, { customer_id: 'nobody' });
    await status(frame)
      .getByText(/^Not found, or not visible to this caller\. Check the id/)
      .waitFor();
  });

  test('that never comes, because the call was cancelled, is not waited for', async () => {
    const frame = await openApp();
    await page.evaluate("app.bridge.sendToolCancelled({ reason: 'user action' })");
    await status(frame).getByText('The call was cancelled.').waitFor();
  });

  test('of a filtered ledger says which entries are missing', async () => {
    const frame = await openApp();
    await give(LEDGER, { customer_id: customerId, kind: 'earn', limit: 256 });
    await frame.getByText('Chosen entries only: kind earn.').waitFor();
  });

  test('of a merged customer leads to the other record', async () => {
    const frame = await openApp();
    const result: Data = await client.callTool({ name: GET, arguments: { customer_id: customerId } });
    const { data } = result.structuredContent;
    const merged = { ...data, caption: 'Merged', merged_into_customer_id: customerId };
    await giveResult({}, { ...result, structuredContent: { success: true, data: merged } });
    await frame.getByRole('link', { name: 'Open that customer' }).click();
    await frame.getByRole('heading', { name: data.caption }).waitFor();
    expect(await callsOf()).toEqual([{ name: GET, arguments: { customer_id: customerId } }]);
    expectQuiet();
  });

  test('holds text that people wrote, which is text and nothing else', async () => {
    const frame = await openApp();
    const hostile = '<img src=x onerror="window.hit=1"></main><script>window.hit=1</script>';
    const result: Data = await client.callTool({ name: GET, arguments: { customer_id: customerId } });
    const { data } = result.structuredContent;
    const attributes = { [hostile]: hostile };
    const marked = { ...data, caption: hostile, email: hostile, tags: [hostile], attributes };
    await giveResult({}, { ...result, structuredContent: { success: true, data: marked } });
    await frame.getByRole('heading', { name: hostile }).waitFor();
    expect(await frame.locator('img, main script').count()).toBe(0);
    expect(await frame.evaluate('window.hit')).toBeUndefined();
    expectQuiet();
  });
});

describe('the app in its frame', () => {
  test.each(['light', 'dark'])('follows a host with the %s theme, and meets the contrast rules', async (theme) => {
    const frame = await openApp({ context: { theme } });
    await give(GET, { customer_id: customerId });
    await frame.getByRole('button', { name: 'Show points over time' }).click();
    await frame.getByRole('figure').first().waitFor();
    const ground = await frame.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe({ light: 'rgb(247, 247, 245)', dark: 'rgb(19, 20, 22)' }[theme]);
    expect(await axeFindings(frame)).toEqual([]);
  });

  test('follows a host that changes its theme, and takes its colours in pairs', async () => {
    const frame = await openApp({ context: { theme: 'light' } });
    const ground = () => frame.evaluate('getComputedStyle(document.body).backgroundColor');
    const change = (changes: object) => page.evaluate(`app.bridge.setHostContext(${JSON.stringify(changes)})`);
    const variables = { '--color-background-primary': 'rgb(1, 2, 3)' };
    await change({ theme: 'dark', styles: { variables } });
    await frame.waitForFunction("document.documentElement.dataset.theme === 'dark'");
    expect(await ground()).toBe('rgb(19, 20, 22)');
    await change({ theme: 'dark', styles: { variables: { ...variables, '--color-text-primary': '#fff' } } });
    await frame.waitForFunction("document.documentElement.classList.contains('host-colours')");
    expect(await ground()).toBe('rgb(1, 2, 3)');
  });

  test('fits a phone', async () => {
    const frame = await openApp({ width: 320 });
    await give(GET, { customer_id: customerId });
    await frame.getByRole('button', { name: 'Show points over time' }).click();
    await tableOf(frame, 'Points balance over time');
    expect(await frame.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
    expect(await axeFindings(frame)).toEqual([]);
  });

  test('listens to the window that embeds it, and to no other', async () => {
    const frame = await openApp();
    const forged = { jsonrpc: '2.0', method: 'ui/notifications/tool-cancelled', params: {} };
    await page.evaluate(`new Promise((resolve) => {
      const other = document.createElement('iframe');
      other.srcdoc = '<script>parent.frames[0].postMessage(${JSON.stringify(forged)}, "*"); parent.postMessage("sent", "*")</script>';
      addEventListener('message', ({ data }) => data === 'sent' && resolve());
      document.body.append(other);
    })`);
    // Answered after the forged message was delivered.
    expect(await page.evaluate('app.bridge.teardownResource({})')).toEqual({});
    expect(await status(frame).textContent()).toBe('Waiting for the result …');
  });

  test('may connect to nothing by its own policy, whatever its host allows', async () => {
    const frame = await openApp({ policy: "script-src 'unsafe-inline'" });
    await expect(frame.evaluate(`fetch('${SANDBOX}')`)).rejects.toThrow('Failed to fetch');
    await expect(frame.evaluate("document.body.innerHTML = '<b>x</b>'")).rejects.toThrow('TrustedHTML');
    const violated = `new Promise((resolve) => {
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective));
      new Image().src = 'http://else.test/x.png';
    })`;
    expect(await frame.evaluate(violated)).toBe('img-src');
  });
});

test('the document is small, and names no other server', () => {
  expect(Buffer.byteLength(resource.text)).toBeLessThan(80_000);
  expect(resource.text.match(/https?:[^"'`\s]*/g) ?? []).toEqual(['http://www.w3.org/2000/svg']);
});

async function ledger(args: object): Promise<Data> {
  const result: Data = await client.callTool({ name: LEDGER, arguments: { customer_id: customerId, ...args } });
  return result.structuredContent.data;
}
