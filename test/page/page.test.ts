/** Serving mcp.html, its CSP, and its handling of keys. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, demoLink, FILE_URL, openBrowser, send, shownAnswer, visit } from '../support/browser.js';
import { type HttpProgram, scratch, startHttp } from '../support/program.js';

const scratchDir = scratch();
const HTML = readFileSync('mcp.html', 'utf8');
let server: HttpProgram;
let origin: string;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([
    startHttp(scratchDir.db, ['--demo'], { G3N_LOG_LEVEL: 'debug' }),
    openBrowser(),
  ]);
  origin = new URL(server.url).origin;
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  scratchDir.remove();
});

describe('the server', () => {
  test.each(['/', '/crm/mcp.html', '/?from=mail'])('serves the page at %s with a CSP', async (path) => {
    const response = await fetch(origin + path);
    expect(await response.text()).toBe(HTML);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("connect-src 'self';");
    expect(policy).not.toContain('unsafe');
    for (const directive of policy.split('; ').filter((each) => !/^(connect-src|frame-ancestors) /.test(each))) {
      expect(HTML).toContain(directive);
    }
  });

  test('answers a matching ETag with 304 and HEAD with the length', async () => {
    const head = await fetch(`${origin}/`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(HTML)));
    expect(await head.text()).toBe('');
    const etag = head.headers.get('etag') ?? '';
    const again = await fetch(`${origin}/`, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const other = await fetch(`${origin}/`, { headers: { 'if-none-match': '"old"' } });
    expect(other.status).toBe(200);
  });

  test('serves the page for reads only, and only at its own paths', async () => {
    expect((await fetch(`${origin}/`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${origin}/mcp.html`)).status).toBe(404);
  });

  test('accepts CORS preflights of a page from disk in a demo, and rejects other origins', async () => {
    const ask = (from: string) =>
      fetch(server.url, {
        method: 'OPTIONS',
        headers: {
          origin: from,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'x-api-key',
        },
      });
    const admitted = await ask('null');
    expect(admitted.status).toBe(204);
    expect(admitted.headers.get('access-control-allow-origin')).toBe('null');
    expect(admitted.headers.get('access-control-allow-headers')).toContain('x-api-key');
    expect(admitted.headers.get('access-control-allow-credentials')).toBeNull();
    const refused = await ask('https://elsewhere.example');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('the page is small and loads no external resources', () => {
  expect(Buffer.byteLength(HTML)).toBeLessThan(300_000);
  expect(HTML).not.toMatch(/<(?:script|link|img|iframe)[^>]*(?:src|href)="(?!data:)/);
});

test('its source parses no HTML, evaluates no code, and stores nothing but the verifier of a sign-in under way', () => {
  const makesHtml = 'innerHTML|outerHTML|insertAdjacentHTML|document\\.write|DOMParser|createContextualFragment';
  const keeps = 'localStorage|sessionStorage|indexedDB|\\.cookie';
  const forbidden = new RegExp(`${makesHtml}|${keeps}|\\beval\\(|new Function`);
  const files = readdirSync('page/src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const lines = files.flatMap((name) => readFileSync(join('page/src', name), 'utf8').split('\n'));
  const found = lines.filter((line) => forbidden.test(line)).map((line) => line.trim());
  expect(files.length).toBeGreaterThan(20);
  expect(found).toEqual([
    'sessionStorage.setItem(PENDING, JSON.stringify(pending));',
    'const text = sessionStorage.getItem(PENDING);',
    'sessionStorage.removeItem(PENDING);',
  ]);
});

describe('the page', () => {
  test.each([
    ['from its server', () => `${origin}/`],
    ['from disk', () => FILE_URL],
  ])('opened %s shows every tool, sends no further requests and logs no problems', async (_name, url) => {
    const { page, problems, asked, leave } = await visit(browser, url());
    await page.getByText('58 of 58 tools').waitFor();
    expect(asked.filter((address) => !address.startsWith('data:'))).toEqual([url()]);
    expect(problems).toEqual([]);
    await leave();
  });

  test('opened from disk connects to a server on this machine', async () => {
    const { page, problems, leave } = await visit(browser, FILE_URL + new URL(demoLink(server.stdout())).hash);
    await page.getByLabel('Server').fill(server.url);
    await connect(page);
    await page.locator('[data-tool="crm_stat"]').click();
    await send(page, 'success');
    expect(await shownAnswer(page)).toMatchObject({ data: { org: { orgcode: 'DEMO' } } });
    expect(problems).toEqual([]);
    await leave();
  });

  test('explains what to do when a server rejects pages from disk', async () => {
    const strict = await startHttp(join(scratchDir.directory, 'strict.db'));
    const { page, leave } = await visit(browser, FILE_URL);
    await page.getByLabel('Server').fill(strict.url);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.locator('.result.failure').getByText('--allow-origin null').waitFor();
    await leave();
    await strict.stop();
  });

  test('cannot inject HTML, run other scripts or connect to servers outside its CSP', async () => {
    const { page, leave } = await visit(browser, `${origin}/`);
    const attempt = (code: string) =>
      page.evaluate(`(async () => { try { ${code}; return 'done' } catch (error) { return error.name } })()`);
    expect(await attempt('document.body.innerHTML = "<b>x</b>"')).toBe('TypeError');
    expect(await attempt('document.createElement("script").text = "1"')).toBe('TypeError');
    expect(await attempt('await fetch("https://elsewhere.example/")')).toBe('TypeError');
    expect(await attempt(`await fetch("http://127.0.0.1:1/")`)).toBe('TypeError');
    const violated = await page.evaluate(`new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
      document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { color: red }' }));
    })`);
    expect(violated).toMatch(/^style-src/);
    await leave();
  });

  test('removes demo keys from its URL and sends them only in request headers', async () => {
    const link = demoLink(server.stdout());
    const key = /owner:([^,&]+)/.exec(link)?.[1] ?? '';
    expect(key).toMatch(/^g3nk_demo_/);
    const { page, asked, leave } = await visit(browser, link);
    expect(page.url()).toBe(`${origin}/`);
    await connect(page);
    await page.locator('[data-tool="crm_stat"]').click();
    await send(page, 'success');
    const kept = await page.evaluate(
      '[location.href, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), JSON.stringify(history.state), document.documentElement.outerHTML, document.documentElement.innerText].join()',
    );
    expect(kept).not.toContain(key);
    expect(asked.slice(1).join()).not.toContain(key);
    expect(server.stderr()).not.toContain(key);
    await page.reload();
    expect(await page.getByLabel('API key').inputValue()).toBe('');
    await leave();
  });

  test('opens the tool named in its URL, and puts the selected tool in the URL', async () => {
    const { page, leave } = await visit(browser, `${origin}/#crm_customer_get`);
    await page.getByRole('heading', { name: 'crm_customer_get' }).waitFor();
    await page.locator('[data-tool="crm_inbox_list"]').click();
    expect(page.url()).toBe(`${origin}/#crm_inbox_list`);
    await page.goto(`${origin}/#nothing%20here%3Cimg%3E`);
    await page.reload();
    await page.getByRole('heading', { name: 'crm_loyalty_earn' }).waitFor();
    await leave();
  });
});
