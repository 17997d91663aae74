/** Opens mcp.html in a real Chromium, records problems and requests, and finds elements by accessibility. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/chromium.mjs';

/** The page as a file. */
export const FILE_URL = pathToFileURL(resolve('mcp.html')).href;

export interface Visit {
  readonly page: Page;
  /** Errors, warnings and CSP violations that the browser has reported so far. */
  readonly problems: readonly string[];
  /** The URL of every request. */
  readonly asked: readonly string[];
  leave(): Promise<void>;
}

/** Starts a Chromium. `npm test` installs one if there is none. */
export async function openBrowser(): Promise<Browser> {
  const found = findChromium();
  if (found === undefined) throw new Error('no Chromium: install one, or name one in G3N_TEST_CHROMIUM');
  return chromium.launch({ executablePath: found.path, env: { ...process.env, ...found.env } as Environment });
}

type Environment = { [name: string]: string };

/** Opens a URL in a fresh browser profile. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('request', (request) => asked.push(request.url()));
  page.setDefaultTimeout(50_000);
  await page.goto(url);
  return { page, problems, asked, leave: () => context.close() };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Returns the accessibility problems that axe-core finds on a page or in a frame, each as `rule: where`. */
export async function axeFindings(page: Pick<Page, 'evaluate'>): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(AXE);
  // Other results than violations are not described: that takes most of the time on a large page.
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as { violations: Finding[] };
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`),
  );
}

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

/** The link with demo keys that the server prints. */
export function demoLink(stdout: string): string {
  return /https?:\S+#demo=\S+/.exec(stdout)?.[0] ?? '';
}

/** Connects as the caller in the form, and waits until the tools are listed. */
export async function connect(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await page
    .getByText(/^Connected to /)
    .first()
    .waitFor();
}

/** Connects with another of the demo's keys. */
export async function connectAs(page: Page, role: string): Promise<void> {
  const change = page.getByRole('button', { name: 'Change', exact: true });
  if (await change.isVisible()) await change.click();
  await page.getByLabel('Demo key').selectOption({ label: role });
  await connect(page);
}

/** Chooses a tool in the list. */
export async function choose(page: Page, tool: string): Promise<void> {
  await page.locator(`[data-tool="${tool}"]`).click();
  await page.getByRole('heading', { name: tool, exact: true }).waitFor();
}

/** Submits the current form, and waits for the result. */
export async function send(page: Page, kind: 'success' | 'error' | 'failure' | 'confirmation'): Promise<void> {
  await page.getByRole('button', { name: /^Call crm_/ }).click();
  const confirm = page.getByRole('button', { name: 'Send call' });
  await page.locator(`.result.${kind}`).or(confirm).first().waitFor();
  if (await confirm.isVisible()) await confirm.click();
  await page.locator(`.output > .result.${kind}`).waitFor();
}

/** Fills the arguments as JSON. */
export async function fillJson(page: Page, args: object): Promise<void> {
  await page.getByText('JSON', { exact: true }).first().click();
  await page.getByLabel('Arguments', { exact: true }).fill(JSON.stringify(args));
}

/** Returns the displayed response as a value. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of answers they do not type
export async function shownAnswer(page: Page): Promise<any> {
  return JSON.parse((await page.getByRole('region', { name: 'Result', exact: true }).textContent()) ?? '');
}
