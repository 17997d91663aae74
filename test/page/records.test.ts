/** The pages of mcp.html about customers, as people who look after customers use them. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { axeFindings, connect, connectAs, demoLink, openBrowser, type Visit, visit } from '../support/browser.js';
import { type HttpProgram, scratch, startHttp } from '../support/program.js';

const scratchDir = scratch();
const LONGEST_WAIT_MS = 15_000;
/** The server takes the characters that turn the direction of text out of what a model reads. */
const HOSTILE = '<img src=x onerror="window.hit=1">\u202Eevil\u202C';
let server: HttpProgram;
let browser: Browser;
let current: Visit;
let page: Page;
/** Ids of demo customers: with an open hold, with a duplicate and that duplicate, whose contact is masked. */
let held: string;
let twice: readonly string[];
let masked: { readonly customer_id: string; readonly caption: string };

beforeAll(async () => {
  [server, browser] = await Promise.all([startHttp(scratchDir.db, ['--demo']), openBrowser()]);
  held = (await ask('/customer/hold/list', { status: 'active' })).items[0].customer_id;
  twice = (await ask('/customer/dedupe/list', { min_score: 0.9 })).items[0].customer_ids;
  const everybody = (await ask('/customer/list', { limit: 256 }, 'crm_view')).items;
  masked = everybody.find(({ masked_fields = [] }: { masked_fields?: string[] }) => masked_fields.length > 1);
});
afterEach(() => current.leave());
afterAll(async () => {
  await browser.close();
  await server.stop();
  scratchDir.remove();
});

/** The data of a call, without the page. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of answers they do not type
async function ask(path: string, body: object, role = 'owner'): Promise<any> {
  const key = new RegExp(`${role}:([^,&]+)`).exec(demoLink(server.stdout()))?.[1] ?? '';
  const headers = {
    'content-type': 'application/json',
    'x-orgcode': 'DEMO',
    'x-api-key': key,
    'x-logical-guid': 'store-001',
    'x-channel-code': 'pos',
  };
  const response = await fetch(new URL(`/crm${path}`, server.url), {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return ((await response.json()) as { data: unknown }).data;
}

/** Connects with a role and opens a fragment. */
async function open(hash: string, role = 'owner', options: BrowserContextOptions = {}): Promise<void> {
  current = await visit(browser, demoLink(server.stdout()), options);
  page = current.page;
  page.setDefaultTimeout(LONGEST_WAIT_MS);
  await connectAs(page, role);
  await go(hash);
}

/** Opens a fragment and waits until all cards have their content. */
async function go(hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  if (!/^#(console|crm_)/.test(hash)) await settled();
}

async function settled(): Promise<void> {
  await page.locator('#page h1').waitFor();
  await page.locator('#page').getByText('Loading …').first().waitFor({ state: 'detached' });
  await page.locator('#page [aria-busy]').first().waitFor({ state: 'detached' });
}

const card = (title: string) => page.getByRole('region', { name: title, exact: true });
/** A field of the form that is shown, not of the console behind it. */
const field = (label: string) => page.locator('#page').getByLabel(label, { exact: true });
const heading = () => page.locator('#page h1').textContent();

/** The cells of the table behind a chart, row by row. */
async function valuesOf(title: string): Promise<string[][]> {
  await card(title).getByText('Show as a table').click();
  const rows = await page
    .getByRole('region', { name: `${title}, as a table` })
    .locator('tbody tr')
    .all();
  return Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
}

const withCommas = (value: number) => value.toLocaleString('en-US').replace('-', '−');

test('the keyboard alone finds a customer and opens the page, whose heading gets the focus', async () => {
  const [customer] = (await ask('/customer/list', { limit: 1 })).items;
  await open('#customers');
  await page.locator('#page h1:focus').waitFor();
  await page.keyboard.press('/');
  await page.locator('#customer-search:focus').waitFor();
  await page.keyboard.type(customer.email);
  const only = page.locator('.results a:only-child').first();
  await only.getByText(customer.email).waitFor();
  await expect.poll(() => page.locator('.results a').count()).toBe(1);
  await page.keyboard.press('ArrowDown');
  await page.locator('.results a:focus').waitFor();
  await page.keyboard.press('ArrowUp');
  await page.locator('#customer-search:focus').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('#page h1:focus').getByText(customer.caption).waitFor();
  expect(page.url()).toContain(`#customer=${customer.customer_id}`);
  await card('Contact').getByText(customer.email).waitFor();
  expect(current.problems).toEqual([]);
});

test('a search finds by beginnings of names and by phone, says when there is nobody, and Enter opens the first', async () => {
  const customer = await ask('/customer/get', { customer_id: twice[0] });
  await open('#customers');
  const box = page.getByLabel('Find a customer');
  await box.fill('nobody of this name');
  await page.getByText('Nobody found.').waitFor();
  await box.fill(customer.phone.replace(/^(\+1)(\d{3})(\d{3})/, '$1 ($2) $3-'));
  await page.locator('.results a').getByText(customer.phone).first().waitFor();
  await box.fill(customer.caption.slice(0, 5));
  await page.locator('.results strong').getByText(customer.caption, { exact: true }).first().waitFor();
  await box.press('Enter');
  await settled();
  await box.press('Enter');
  await card('Contact').waitFor();
});

test('the charts show the ledger: every entry with its balance, and the open lots by month', async () => {
  const ledger = await ask('/loyalty/ledger/list', { customer_id: held, limit: 256 });
  await open(`#customer=${held}`);
  const entries = await valuesOf('Points balance over time');
  expect(entries.map(([, , points, balance]) => [points, balance])).toEqual(
    ledger.items.map(({ points, balance_after }: { points: number; balance_after: number }) => [
      `${points > 0 ? '+' : ''}${withCommas(points)}`,
      withCommas(balance_after),
    ]),
  );
  const byMonth = new Map<string, number>();
  for (const { remaining, expires_at } of ledger.open_lots) {
    const month = new Date(expires_at).toLocaleDateString('en-US', { month: 'short', year: 'numeric' });
    byMonth.set(month, (byMonth.get(month) ?? 0) + remaining);
  }
  const lots = await valuesOf('Points by expiry');
  expect(lots.map(([month, points]) => [month, points])).toEqual(
    [...byMonth].map(([month, points]) => [month, withCommas(points)]),
  );
  const image = card('Points balance over time').getByRole('img');
  expect(await image.getAttribute('aria-label')).toContain(`now ${withCommas(ledger.points_balance)}`);
  expect(await card('Points ledger').locator('.timeline > li').count()).toBe(Math.min(8, ledger.items.length));
});

test('a hold stands with the evidence of its assessment, and its form knows hold and revision', async () => {
  await open(`#customer=${held}`);
  const holds = card('Holds and fraud checks');
  await holds.getByText('waits for a review').waitFor();
  expect(await holds.locator('.evidence li').count()).toBeGreaterThan(0);
  await holds.getByRole('button', { name: 'Release …' }).click();
  await page.locator('#page h1:focus').waitFor();
  const [hold] = (await ask('/customer/hold/list', { customer_id: held })).items;
  expect(await field('hold_id').inputValue()).toBe(hold.hold_id);
  expect(await field('expected_revision').inputValue()).toBe(String(hold.revision));
});

describe('what a role may not see or do', () => {
  test('is masked: the page holds no more of the contact than the caller may see', async () => {
    const { customer_id } = masked;
    const whole = await ask('/customer/get', { customer_id });
    const seen = await ask('/customer/get', { customer_id }, 'crm_view');
    await open(`#customer=${customer_id}`, 'crm_view');
    await card('Contact').getByText(seen.email).waitFor();
    expect(await card('Contact').getByText('hidden', { exact: true }).count()).toBe(seen.masked_fields.length);
    await card('Contact').getByText('did not consent to show it to your role').waitFor();
    expect(await page.content()).not.toContain(whole.email);
    await connectAs(page, 'owner');
    await card('Contact').getByText(whole.email).waitFor();
  });

  test('is not offered: without a loyalty role there are no forms for points', async () => {
    await open(`#customer=${held}`, 'crm_view');
    await card('Comments').getByRole('button', { name: 'Add a comment …' }).waitFor();
    await page.locator('.timeline summary').first().click();
    expect(await page.locator('[data-action^="crm_loyalty"]').count()).toBe(0);
    await connectAs(page, 'loyalty_admin');
    await settled();
    expect(await page.locator('[data-action^="crm_loyalty"]').count()).toBeGreaterThan(0);
  });

  test('leaves one line: a card that the server refuses, and a role that reads nothing', async () => {
    await open('#customers', 'crm_edit');
    await page.getByText('The server does not offer you this. Roles that may see it: owner, crm_view').waitFor();
    await page.route('**/mcp', (route) =>
      route.request().headers()['mcp-name'] === 'crm_loyalty_ledger_list'
        ? route.continue({ headers: { ...route.request().headers(), 'x-api-key': keyWithout() } })
        : route.continue(),
    );
    await connectAs(page, 'owner');
    await go(`#customer=${held}`);
    await card('Points ledger').getByText('Your roles do not show this.').waitFor();
    await card('Contact').getByText(held).waitFor();
  });

  const keyWithout = () => /crm_edit:([^,&]+)/.exec(demoLink(server.stdout()))?.[1] ?? '';
});

test('a card that failed can be tried again, and the others stand meanwhile', async () => {
  await open('#customers');
  let fail = true;
  await page.route('**/mcp', (route) =>
    fail && route.request().headers()['mcp-name'] === 'crm_comment_list' ? route.abort() : route.continue(),
  );
  await go(`#customer=${held}`);
  await card('Comments').getByText('Cannot connect').waitFor();
  await card('Contact').getByText(held).waitFor();
  fail = false;
  await card('Comments').getByRole('button', { name: 'Try again' }).click();
  await card('Comments').getByRole('button', { name: 'Add a comment …' }).waitFor();
});

test('a change is made in the form of its tool, and the customer is read again', async () => {
  await open(`#customer=${twice[0]}`);
  const before = Number((await page.locator('.figure').first().textContent())?.replaceAll(',', ''));
  await page.getByRole('button', { name: 'Correct points …' }).click();
  expect(await field('customer_id').inputValue()).toBe(twice[0]);
  expect(await field('idempotency_key').inputValue()).toMatch(/^page-/);
  await field('points').fill('25');
  await field('reason').fill(HOSTILE);
  await page.getByRole('button', { name: 'Correct a balance by hand' }).click();
  await page.getByRole('button', { name: 'Send call' }).click();
  await page.locator('#page h2:focus').getByText('Done').waitFor();
  await page.locator('.go:visible').click();
  await settled();
  expect(await page.locator('.figure').first().textContent()).toBe(withCommas(before + 25));
  const [entry] = await card('Points ledger').locator('.timeline > li').allTextContents();
  expect(entry).toContain(`Corrected by hand ${HOSTILE.replace(/[\u202C\u202E]/g, '')}`);
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.evaluate('window.hit')).toBeUndefined();
});

test('two customers stand side by side, differences are said in words, and the merge knows both', async () => {
  const [older = '', newer = ''] = twice;
  await open(`#customer=${older}`);
  await card('Possible duplicates').getByRole('link', { name: 'Compare side by side' }).click();
  await page.getByRole('heading', { name: 'The same person?' }).waitFor();
  const [one, other] = [
    await ask('/customer/get', { customer_id: older }),
    await ask('/customer/get', { customer_id: newer }),
  ];
  const row = (field: string) => page.getByRole('row', { name: new RegExp(`^${field} `) }).locator('td');
  const shown = (value: string | null) => value ?? '—';
  expect(await row('E-mail').allTextContents()).toEqual([
    shown(one.email),
    shown(other.email),
    one.email === other.email ? '= same' : '≠ differs',
  ]);
  expect(await row('Phone').allTextContents()).toEqual([one.phone, other.phone, '= same']);
  await page
    .getByRole('button', { name: /^Merge, keep / })
    .first()
    .click();
  expect(await field('customer_id').inputValue()).toBe(older);
  expect(await field('merge_customer_id').inputValue()).toBe(newer);
  expect(await field('expected_revision').inputValue()).toBe(String(one.revision));
});

test('a link opens the same customer after a reload, once connected; Back and Forward lead through the pages', async () => {
  await open('#customers');
  await go(`#customer=${held}`);
  const name = await heading();
  await page.getByRole('button', { name: 'Give points …' }).click();
  await page.getByRole('heading', { name: 'Give points for a sale' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: name ?? '', exact: true }).waitFor();
  await page.goForward();
  await page.getByRole('heading', { name: 'Give points for a sale' }).waitFor();
  await page.goBack();
  await page.reload();
  await page.getByText('Enter an org and a key above').waitFor();
  expect(page.url()).toMatch(/#customer=[\w-]+$/);
  const key = /owner:([^,&]+)/.exec(demoLink(server.stdout()))?.[1] ?? '';
  await page.getByLabel('Org').fill('DEMO');
  await page.getByLabel('API key').fill(key);
  await connect(page);
  await page.getByRole('heading', { name: name ?? '', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Skip to the content' }).press('Enter');
  expect(page.url()).toContain(held);
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByLabel('API key').fill('gone');
  await page.getByText('Enter an org and a key above').waitFor();
});

describe('the overview', () => {
  test('shows the sums of the report by month, and what waits, with links to the customers', async () => {
    const args = { months: 12, expiring_months: 12, certificate_days: 60 };
    const { points, counts } = await ask('/report/summary', args);
    await open('#overview');
    const figures = await page.locator('.figure').allTextContents();
    const expected = [points.balance, counts.active_customers.count, counts.active_holds.count];
    expect(figures.slice(0, 3)).toEqual(expected.map(withCommas));
    const months = await valuesOf('Points by month');
    expect(months.map((row) => row.slice(1, 4))).toEqual(
      points.months.map(({ earn, redeem, expire }: { earn: number; redeem: number; expire: number }) =>
        [earn, -redeem, -expire].map((value) => withCommas(value + 0)),
      ),
    );
    const expiring = await valuesOf('Points that will expire');
    expect(expiring.map(([, value]) => value)).toEqual(
      points.expiring.map((each: { points: number }) => withCommas(each.points)),
    );
    await card('Holds to review').getByRole('link').first().click();
    await card('Contact').getByText(held).waitFor();
  });

  test('falls back to its lists where the server has no report, and says what it cannot show', async () => {
    await open('#customers');
    await page.route('**/mcp', async (route) => {
      const response = await route.fetch();
      const isListed = route.request().headers()['mcp-method'] === 'tools/list';
      if (!isListed) return route.fulfill({ response });
      const text = (await response.text()).replaceAll('"crm_report_summary"', '"crm_other"');
      return route.fulfill({ response, body: text });
    });
    await connectAs(page, 'owner');
    await go('#overview');
    await page.getByText('Sums by month cannot be shown. The server does not offer you this.').waitFor();
    await card('Holds to review').getByRole('link').first().waitFor();
    await card('Open inbox').locator('.records > li').first().waitFor();
  });
});

test('an id that nobody has says so', async () => {
  await open('#customer=nobody');
  await page.getByText('No customer of this org has that id.').waitFor();
});

test('a merged customer leads to the one that survives', async () => {
  const [merge] = (await ask('/customer/merge/list', { limit: 1 })).items;
  await open(`#customer=${merge.merge_customer_ids[0]}`);
  expect(await page.locator('.customer-head [data-action]').count()).toBe(0);
  await page.getByRole('link', { name: 'Open that customer' }).click();
  await card('Contact').getByText(merge.customer_id).waitFor();
});

/** A page of every kind, and a customer whose texts are long and hostile. */
async function everyPage(): Promise<readonly string[]> {
  const caption = `${HOSTILE} ${'long'.repeat(30)}`;
  const customer = { caption, tags: ['t'.repeat(60)], external_refs: [{ system: 'till', ref: `R${Date.now()}` }] };
  const { customer_id } = await ask('/customer/create', { customer });
  const [older, newer] = twice;
  const comparison = `#customer=${older}&compare=${newer}`;
  return [`#customer=${held}`, comparison, `#customer=${customer_id}`, '#overview', '#customers', FORM];
}

const FORM = '#customer=any&do=crm_loyalty_earn';

describe.each([
  ['light', 6, { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['dark', 4, { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }],
  ['a phone of 390 pixels', 4, { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true }],
] as const)('in %s', (_name, pages, options) => {
  test('axe-core finds no violation on any page, and nothing overflows the window', async () => {
    const hashes = (await everyPage()).slice(0, pages);
    await open('#customers', 'owner', options);
    for (const hash of hashes) {
      await go(hash);
      await page.evaluate('document.querySelectorAll("#page details").forEach((each) => { each.open = true })');
      expect({ hash, findings: await axeFindings(page) }).toEqual({ hash, findings: [] });
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect({ hash, width }).toEqual({ hash, width: options.viewport.width });
    }
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('window.hit')).toBeUndefined();
  });
});
