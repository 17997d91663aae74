/** The web page: where a browser is led to it, and what clients of MCP get there instead; without an explorer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { createPages } from '../../src/transport/pages.js';

const html = '<meta http-equiv="content-security-policy" content="default-src \'none\'; connect-src *">';
const serve = createPages({ html: () => html });
const BROWSER = 'text/html,application/xhtml+xml,*/*;q=0.8';

test.each([
  ['GET', '/docs', BROWSER, 302],
  ['GET', '/docs', undefined, 302],
  ['HEAD', '/docs/', undefined, 302],
  ['GET', '/explorer', BROWSER, 302],
  ['GET', '/mcp', BROWSER, 302],
  ['GET', '/mcp/', BROWSER, 302],
  ['GET', '/', BROWSER, 200],
  ['GET', '/mcp', 'text/event-stream', undefined],
  ['GET', '/mcp', 'application/json, text/event-stream', undefined],
  ['GET', '/mcp', 'text/html, text/event-stream', undefined],
  ['GET', '/explorer/x', BROWSER, undefined],
  ['POST', '/mcp', BROWSER, undefined],
  ['POST', '/docs', BROWSER, undefined],
])('%s %s with Accept: %s', (method, path, accept, status) => {
  let found: { readonly status: number; readonly location: unknown } | undefined;
  const response = {
    writeHead: (code: number, headers: { location?: string }) => {
      found = { status: code, location: headers.location };
    },
    end() {},
  } as unknown as ServerResponse;
  const request = { method, headers: accept === undefined ? {} : { accept } } as unknown as IncomingMessage;
  expect(serve(request, response, path)).toBe(status !== undefined);
  expect(found?.status).toBe(status);
  expect(found?.location).toBe(status === 302 ? '/' : undefined);
});
