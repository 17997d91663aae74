/** The page with optional server features: confirmation, lean mode, response budget, limits, sessions. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  axeFindings,
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
import { type HttpProgram, scratch, startHttp } from '../support/program.js';

const places = [scratch(), scratch()] as const;
const LEAST_TOKENS = '2000';
const CALLS_PER_MINUTE = 60;
const HOSTILE = '<img src=x onerror="window.hit=1">';
let careful: HttpProgram;
let lean: HttpProgram;
let browser: Browser;
let current: Visit;
let page: Page;
beforeAll(async () => {
  careful = await startHttp(places[0].db, ['--demo', '--confirm', 'all', '--max-answer-tokens', LEAST_TOKENS]);
  lean = await startHttp(places[1].db, ['--demo', '--lean', '--confirm', 'all', ...limit()]);
  browser = await openBrowser();
});
afterEach(() => current.leave());
afterAll(async () => {
  await browser.close();
  await Promise.all([careful.stop(), lean.stop()]);
  for (const scratchDir of places) scratchDir.remove();
});

function limit(): readonly string[] {
  return ['--max-calls-per-minute', String(CALLS_PER_MINUTE)];
}

async function open(server: HttpProgram): Promise<void> {
  current = await visit(browser, demoLink(server.stdout()));
  page = current.page;
  await connect(page);
}

/** Fills in a customer by lookup and returns the id. */
async function lookUp(): Promise<string> {
  await page.getByRole('button', { name: 'Look one up' }).first().click();
  await page.locator('.choices button').first().click();
  return page.getByLabel('customer_id', { exact: true }).inputValue();
}

const confirmButton = () => page.getByRole('button', { name: 'Confirm and send' });

describe('a server that requires confirmation', () => {
  test('shows a preview, changes nothing until the user confirms, and then does exactly that', async () => {
    await open(careful);
    await choose(page, 'crm_customer_create');
    await fillJson(page, { customer: { caption: HOSTILE, email: 'preview@example.com' } });
    await send(page, 'confirmation');
    await page.getByText('Expected result', { exact: true }).first().click();
    await confirmButton().click();
    await page.locator('.output > .result.success').waitFor();
    const { customer_id, revision } = (await shownAnswer(page)).data;
    await choose(page, 'crm_customer_update');
    await fillJson(page, { customer_id, expected_revision: revision, customer: { caption: 'Agreed' } });
    await send(page, 'confirmation');
    const changes = page.getByRole('region', { name: 'Expected changes' });
    expect(await changes.locator('tbody tr').first().textContent()).toBe(`caption${HOSTILE}Agreed`);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByLabel('Arguments', { exact: true }).fill('{}');
    await confirmButton().click();
    await page.locator('.output > .result.success').waitFor();
    expect((await shownAnswer(page)).data).toMatchObject({ customer_id, caption: 'Agreed' });
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('window.hit')).toBeUndefined();
    expect(current.problems).toEqual([]);
  });

  test('asks itself, so the page does not ask as well and has no field for the token', async () => {
    await open(careful);
    await choose(page, 'crm_customer_anonymize');
    expect(await page.getByLabel('confirm_token').count()).toBe(0);
    await lookUp();
    await page.getByLabel('reason', { exact: true }).fill('asked for');
    await page.getByLabel('expected_revision').fill('1');
    const before = current.asked.length;
    await page.getByRole('button', { name: 'Call crm_customer_anonymize' }).click();
    await page.locator('.output > .result').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(current.asked.length).toBe(before + 1);
  });

  test('accepts each confirmation once: the history shows the preview again, and a second confirmation is rejected', async () => {
    await open(careful);
    await choose(page, 'crm_loyalty_earn');
    await fillJson(page, { customer_id: await anyCustomer(), points: 7 });
    await send(page, 'confirmation');
    await confirmButton().dblclick();
    await page.locator('.output > .result.success').waitFor();
    await page.getByText(/^Call history/).click();
    await page.locator('#history button').nth(1).click();
    await confirmButton().click();
    await page.locator('.output > .result.error').getByText('crm.confirmation_invalid', { exact: true }).waitFor();
  });
});

/** Reads the id of a demo customer through the console. */
async function anyCustomer(): Promise<string> {
  const shown = (await page.locator('h3.tool-name').textContent()) ?? '';
  await choose(page, 'crm_customer_list');
  await fillJson(page, { limit: 1 });
  await send(page, 'success');
  const { customer_id } = (await shownAnswer(page)).data.items[0];
  await choose(page, shown);
  return customer_id;
}

describe('a result that is too long', () => {
  test('ends after an item, describes how to continue, and has a next-page button', async () => {
    await open(careful);
    await choose(page, 'crm_customer_list');
    await fillJson(page, { limit: 100 });
    await send(page, 'success');
    const first = (await shownAnswer(page)).data.items;
    expect(first.length).toBeGreaterThan(0);
    await page
      .locator('.result li')
      .getByText(/^More follow: repeat the call/)
      .waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByText(/^Call history \(2\)/).waitFor();
    const second = (await shownAnswer(page)).data.items;
    expect(second[0].customer_id).not.toBe(first[0].customer_id);
  });

  test('of one record lists the shortened fields', async () => {
    await open(careful);
    await choose(page, 'crm_customer_create');
    const notes = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`note_${at}`, 'a long story '.repeat(70)]));
    await fillJson(page, { customer: { caption: 'Long', email: 'long@example.com', attributes: notes } });
    await send(page, 'confirmation');
    await confirmButton().click();
    await page.locator('.output > .result.success').waitFor();
    await page.getByText('Shortened fields', { exact: true }).waitFor();
    expect(await page.locator('.result ul').first().textContent()).toMatch(/^attributes.* \d+ of \d+/);
  });

  test('contains only the requested fields', async () => {
    await open(careful);
    await choose(page, 'crm_customer_list');
    await fillJson(page, { limit: 2, fields: ['caption'] });
    await send(page, 'success');
    const [item] = (await shownAnswer(page)).data.items;
    expect(Object.keys(item).sort()).toEqual(['caption', 'customer_id', 'revision']);
  });
});

test('an operating context that the connection sets is not a form field, and is one otherwise', async () => {
  await open(careful);
  await choose(page, 'crm_loyalty_earn');
  expect(await page.getByLabel('logical_guid').count()).toBe(0);
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByLabel('Facility').fill('');
  await connect(page);
  expect(await page.getByLabel('logical_guid').count()).toBe(1);
});

describe('a lean server', () => {
  test('is used through its three tools, within the role', async () => {
    await open(lean);
    await page.getByText('org DEMO · owner · 3 tools that reach 58 operations').first().waitFor();
    await choose(page, 'crm_loyalty_earn');
    await page.getByRole('button', { name: 'Example: document' }).click();
    const customer = await lookUp();
    await send(page, 'confirmation');
    await confirmButton().click();
    await page.locator('.output > .result.success').waitFor();
    expect(await shownAnswer(page)).toMatchObject({ data: { customer_id: customer, points: 100 } });
    await connectAs(page, 'crm_view');
    await page.getByText(/ · 3 available to you, \d\d through crm_call/).waitFor();
    expect(await page.locator('[data-tool="crm_loyalty_earn"]').count()).toBe(0);
    expect(await page.locator('[data-tool="crm_customer_get"]').count()).toBe(1);
  });

  test('shows its own tools in the console, and a confirmation reaches the inner operation', async () => {
    await open(lean);
    const customer_id = await anyCustomer();
    await choose(page, 'crm_call');
    await fillJson(page, { operation: 'crm_loyalty_earn', arguments: { customer_id, points: 3 } });
    await send(page, 'confirmation');
    await confirmButton().click();
    await page.locator('.output > .result.success').waitFor();
    expect(await shownAnswer(page)).toMatchObject({ data: { customer_id, points: 3 } });
  });

  test('reports when to retry after the call limit', async () => {
    await open(lean);
    await choose(page, 'crm_find_operations');
    const headers = /owner:([^,&]+)/.exec(demoLink(lean.stdout()))?.[1] ?? '';
    for (let calls = 0; calls < CALLS_PER_MINUTE; calls += 1) await stat(lean.url, headers);
    await send(page, 'error');
    await page.locator('.result').getByText('crm.throttled', { exact: true }).waitFor();
    await page.getByText(/^Try again in \d+ seconds? \(at .*\d.*\)\.$/).waitFor();
    await page.locator('.result li').getByText('Wait details.retry_after_ms, then repeat the call').waitFor();
  });
});

/** Calls crm_stat directly, without the page. */
async function stat(url: string, key: string): Promise<void> {
  const rest = new URL('/crm/stat', url);
  await fetch(rest, { headers: { 'x-orgcode': 'DEMO', 'x-api-key': key } });
}

test('a session id that the server assigns is sent back, and one that it has forgotten is not', async () => {
  const sent: (string | undefined)[] = [];
  current = await visit(browser, demoLink(careful.stdout()));
  page = current.page;
  await page.route('**/mcp', async (route) => {
    sent.push(route.request().headers()['mcp-session-id']);
    const response = await route.fetch();
    const gone = sent.length === 4;
    if (gone) await route.fulfill({ status: 404, json: { jsonrpc: '2.0', id: null, error: GONE } });
    else await route.fulfill({ response, headers: { ...response.headers(), 'mcp-session-id': 'of-this-visit' } });
  });
  await connect(page);
  expect(sent).toEqual([undefined, 'of-this-visit', 'of-this-visit']);
  await choose(page, 'crm_stat');
  await send(page, 'failure');
  await send(page, 'success');
  expect(sent.slice(3)).toEqual(['of-this-visit', undefined]);
});

const GONE = { code: -32001, message: 'Session not found' };
