/** Serving the explorer: its files are read late, compressed or not, cached by name, and are the only ones. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExplorer } from '../../src/transport/explorer.js';
import { createPages } from '../../src/transport/pages.js';

const PAGE = '<meta http-equiv="content-security-policy" content="default-src \'none\'; connect-src *">';
const SCRIPT = '/explorer/explorer-0123456789ab.js';
const CODE = 'alert(1);';
const directory = join(mkdtempSync(join(tmpdir(), 'g3n-explorer-')), 'explorer');
const pages = createPages({ html: () => PAGE, explorer: createExplorer(directory) });
const server = createServer((request, response) => {
  if (!pages(request, response, request.url ?? '')) response.writeHead(404).end();
});
let origin: string;
beforeAll(async () => {
  mkdirSync(directory); // after createExplorer: nothing is read before the first request
  writeFileSync(join(directory, 'index.html'), '<title>Explorer</title>');
  writeFileSync(join(directory, 'explorer-0123456789ab.js.br'), brotliCompressSync(CODE));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(join(directory, '..'), { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(origin + path, { method, headers, redirect: 'manual' });

test('/docs leads to it', async () => {
  for (const path of ['/docs', '/docs/']) {
    const response = await get(path);
    expect([response.status, response.headers.get('location')]).toEqual([302, '/explorer']);
  }
});

test.each(['/explorer', '/explorer/'])('%s is a page that may run and call only what this server has', async (path) => {
  const response = await get(path);
  expect([response.status, await response.text()]).toEqual([200, '<title>Explorer</title>']);
  const headers = Object.fromEntries(response.headers);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache',
  });
  expect(headers['content-security-policy']?.split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types dompurify',
  ]);
});

describe('a script', () => {
  test.each([
    ['gzip, br', 'br'],
    ['br;q=0.5', 'br'],
    ['gzip', null],
    ['br;q=0', null],
    ['identity', null],
  ])('accepted in %s is sent in %s, and kept for a year', async (accepted, encoding) => {
    const response = await get(SCRIPT, { 'accept-encoding': accepted });
    expect([response.headers.get('content-encoding'), await response.text()]).toEqual([encoding, CODE]);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(response.headers.get('vary')).toBe('accept-encoding');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('has an ETag of its own in each encoding', async () => {
    const tags = await Promise.all(
      ['br', 'identity'].map(async (accepted) => {
        const headers = { 'accept-encoding': accepted };
        const etag = (await get(SCRIPT, headers)).headers.get('etag') ?? '';
        const again = await get(SCRIPT, { ...headers, 'if-none-match': `"old", ${etag}` });
        expect([again.status, await again.text()]).toEqual([304, '']);
        expect((await get(SCRIPT, { ...headers, 'if-none-match': '"old"' })).status).toBe(200);
        return etag;
      }),
    );
    expect(new Set(tags).size).toBe(2);
  });

  test('is not sent after HEAD, but its length is', async () => {
    const response = await get(SCRIPT, { 'accept-encoding': 'identity' }, 'HEAD');
    expect([response.headers.get('content-length'), await response.text()]).toEqual([String(CODE.length), '']);
  });
});

test.each([
  ['GET', '/explorer/x'],
  ['GET', '/explorer/index.html'],
  ['GET', `${SCRIPT}.br`],
  ['GET', '/explorerx'],
  ['POST', '/explorer'],
  ['POST', SCRIPT],
])('%s %s is not there', async (method, path) => {
  expect((await get(path, {}, method)).status).toBe(404);
});

test('of a clone that was not built there is none', () => {
  const none = createExplorer(join(directory, 'nothing'));
  const request = { method: 'GET', headers: {} };
  expect(none(request as never, {} as never, '/explorer')).toBe(false);
});
