/** Traces of the built program: sent to a collector over every transport, and what is left when it ends. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLine, run, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

interface SentSpan {
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

const workspace = scratch();
const bodies: string[] = [];
let collector: Server;
let endpoint: string;
let org: Record<string, string>;

beforeAll(async () => {
  collector = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      bodies.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => {
    collector.listen(0, '127.0.0.1', resolve);
  });
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  org = await setUpOrg(workspace.db, 'ACME');
});
afterAll(() => {
  collector.close();
  workspace.remove();
});

const traceparent = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

function sentSpans(): readonly SentSpan[] {
  return bodies.flatMap((body) =>
    JSON.parse(body).resourceSpans.flatMap((resource: { scopeSpans: { spans: SentSpan[] }[] }) =>
      resource.scopeSpans.flatMap(({ spans }) => spans),
    ),
  );
}

test('spans of every transport are in the trace of their call, and are sent before the program ends', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '60000' };
  const server = await startHttp(workspace.db, [], env);
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'x-orgcode': 'ACME',
    'x-api-key': String(org.G3N_API_KEY),
  };
  const message = (method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const stat = (digit: string) =>
    message('tools/call', { name: 'crm_stat', arguments: {}, _meta: { traceparent: traceparent(digit) } });
  const post = (url: string, body: string, more: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', headers: { ...headers, ...more }, body });
  await fetch(new URL('/crm/stat', server.url), { headers: { ...headers, traceparent: traceparent('1') } });
  expect(await (await post(server.url, stat('2'))).text()).toContain('2'.repeat(32));
  // Another order of Accept and a charset: the SDK serves it, not the fast path.
  await post(server.url, stat('3'), { 'content-type': 'application/json; charset=utf-8' });
  const line = await openLine(['--db', workspace.db], { ...org, ...env });
  await line.request('tools/call', { name: 'crm_stat', arguments: {}, _meta: { traceparent: traceparent('4') } });
  line.running.child.stdin.end();
  const [served, ended] = await Promise.all([server.stop(), line.running.ended]);
  expect([served.code, ended.code]).toEqual([0, 0]);
  const roots = sentSpans().filter(({ parentSpanId }) => parentSpanId && /^(\d)\1{15}$/.test(parentSpanId));
  expect(roots.map(({ traceId, name }) => [traceId[0], name]).sort()).toEqual([
    ['1', 'GET /crm/stat'],
    ['2', 'tools/call crm_stat'],
    ['3', 'tools/call crm_stat'],
    ['4', 'tools/call crm_stat'],
  ]);
  const text = bodies.join('\n');
  expect(text).toContain('g3n-crm-mcp');
  for (const secret of ['ACME', String(org.G3N_API_KEY)]) expect(text.includes(secret)).toBe(false);
});

test('a collector that is away neither fails a call nor holds up the end', async () => {
  const away = await startHttp(workspace.db, ['--otel'], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  const answer = await fetch(new URL('/crm/stat', away.url), {
    headers: { 'x-orgcode': 'ACME', 'x-api-key': String(org.G3N_API_KEY) },
  });
  expect(answer.status).toBe(200);
  const started = performance.now();
  const { code, stderr } = await away.stop();
  expect(code).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(stderr).toContain('traces could not be sent');
  const refused = await run(['http', '--otel', '--db', workspace.db], { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('http/json')]);
});
