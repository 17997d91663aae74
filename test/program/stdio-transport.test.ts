/** The stdio transport: only JSON-RPC on stdout for any input, and a clean exit in every case. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAIN, openLine, run, runJson, scratch, start } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
const { db } = workspace;
let env: Record<string, string>;
beforeAll(async () => {
  env = await setUpOrg(db);
});
afterAll(workspace.remove);

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
});
const STAT = JSON.stringify({
  jsonrpc: '2.0',
  id: 2,
  method: 'tools/call',
  params: { name: 'crm_stat', arguments: {} },
});

describe('stdout', () => {
  test.each([
    ['with the demo, at log level debug', ['--demo'], 'demo.db'],
    ['on a plain database', [], 'crm.db'],
  ])('carries JSON-RPC lines only, %s', async (_name, args, file) => {
    const options = ['stdio', '--db', `${workspace.directory}/${file}`, ...args];
    const caller = args.length === 0 ? env : {};
    const running = start(options, { ...caller, G3N_LOG_LEVEL: 'debug' });
    running.child.stdin.write(`${INITIALIZE}\n${STAT}\n`);
    await running.printed(/"id":2/);
    const { code, stdout } = await running.stop();
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).jsonrpc)).toEqual(['2.0', '2.0']);
  });

  test('is silent without a request', async () => {
    expect(await run(['stdio', '--db', db], env)).toMatchObject({ code: 0, stdout: '' });
  });
});

test('the document of the MCP app is loaded when it is read, not before', async () => {
  const extensions = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } };
  const { params, ...opening } = JSON.parse(INITIALIZE);
  const initialize = { ...opening, params: { ...params, capabilities: { extensions } } };
  const read = { jsonrpc: '2.0', id: 2, method: 'resources/read', params: { uri: 'ui://crm/customer' } };
  const running = start(['stdio', '--db', db], env);
  running.child.stdin.write(`${JSON.stringify(initialize)}\n${JSON.stringify(read)}\n`);
  await running.printed(/"id":2/);
  const lines = (await running.stop()).stdout.trim().split('\n');
  const [{ text }] = JSON.parse(lines[1] ?? '').result.contents;
  expect(text).toMatch(/^<!doctype html>/);
  expect(readFileSync(MAIN, 'utf8')).not.toContain('<!doctype html>');
});

describe('lines that are not messages', () => {
  test.each([
    ['an empty line', ''],
    ['a word', 'hello'],
    ['half a message', '{"jsonrpc":"2.0","id":9,"method":"tools/'],
    ['JSON that is not a message', '{"a":1}'],
    ['bytes that are not text', '\u0000\u0001\ufffd'],
  ])('%s: the next message is processed', async (_name, junk) => {
    const line = await openLine(['--db', db], env);
    line.send(junk);
    expect(await line.call('crm_stat', {})).toMatchObject({ status: 'ok' });
    expect((await line.running.stop()).code).toBe(0);
  });

  test('a line of three megabytes gets an error, and the next message is processed', async () => {
    const line = await openLine(['--db', db], env);
    line.send('x'.repeat(3 * 1024 * 1024));
    await line.running.printed(/"id":null,"error":\{"code":-32600,/);
    expect(await line.call('crm_stat', {})).toMatchObject({ status: 'ok' });
    expect((await line.running.stop()).code).toBe(0);
  });
});

describe('exit', () => {
  test('at the end of input: pending requests are answered, then exit 0', async () => {
    const { code, stdout } = await run(['stdio', '--db', db], env, `${INITIALIZE}\n${STAT}`);
    expect(code).toBe(0);
    expect(stdout).toContain('"id":1');
    expect(stdout).toContain('"id":2');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('on %s: exit 0', async (signal) => {
    const line = await openLine(['--db', db], env);
    expect((await line.running.stop(signal)).code).toBe(0);
  });

  test('when the reader closes the pipe: exit 0 and nothing lost', async () => {
    const line = await openLine(['--db', db], env);
    line.running.child.stdout.destroy();
    const name = 'crm_customer_create';
    for (let id = 100; id < 140; id += 1) {
      const params = { name, arguments: { customer: { caption: `Broken pipe ${id}` } } };
      line.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }));
    }
    expect((await line.running.ended).code).toBe(0);
    expect((await runJson(['verify', '--db', db])).disagreements).toEqual([]);
  });
});
