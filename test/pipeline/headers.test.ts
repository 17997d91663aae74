/** Request headers: parsed once, into a typed value that every later step of a call takes. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCallTool } from '../../src/mcp/server.js';
import { separateBodyCredentials } from '../../src/pipeline/body-credentials.js';
import { call } from '../../src/pipeline/call.js';
import { HEADER_NAMES, type Headers, NO_HEADERS, parseHeaders } from '../../src/pipeline/headers.js';
import { createFastPath } from '../../src/transport/fast-path.js';
import { createRest } from '../../src/transport/rest.js';
import { openWorld, type World } from '../support/world.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

let world: World;
let raw: Headers;
beforeAll(async () => {
  world = await openWorld();
  raw = {
    ...(await world.headers()),
    'x-cccode': 'AB12-CD34-EF56',
    'idempotency-key': 'once',
    traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
    'x-mcp-toolsets': 'all',
    'x-request-id': 'request-1',
    'x-client-address': '192.0.2.1',
  };
});
afterAll(() => world.close());

/** The same headers, and how often each of the contract's was read. */
function counted<Raw extends Headers>(headers: Raw): { headers: Raw; reads: Map<string, number> } {
  const reads = new Map<string, number>();
  const get = (target: Raw, name: string) => {
    if (HEADER_NAMES.includes(name)) reads.set(name, (reads.get(name) ?? 0) + 1);
    return target[name];
  };
  return { headers: new Proxy(headers, { get: (target, name) => get(target, String(name)) }), reads };
}

const once = new Map(HEADER_NAMES.map((name) => [name, 1]));

describe('a call reads each raw header once', () => {
  test('through the pipeline', async () => {
    const { headers, reads } = counted(raw);
    const operation = operationOf('crm_customer_list');
    const envelope = await call(world.application.pipeline, {
      operation,
      arguments: {},
      headers: parseHeaders(headers),
    });
    expect(envelope).toMatchObject({
      success: true,
      stats: { request_id: 'request-1', trace_id: TRACE, cccode: 'AB12-CD34-EF56' },
    });
    expect(reads).toEqual(once);
  });

  test('over REST', async () => {
    const { request, reads } = requestOf('/crm/customer/list', {});
    const response = new ServerResponse(request);
    const { pipeline } = world.application;
    const rest = createRest({ pipeline, operations: [operationOf('crm_customer_list')] });
    await rest(request, response, parseHeaders(request.headers));
    expect(response.statusCode).toBe(200);
    expect(reads).toEqual(once);
  });

  test('on the fast path', async () => {
    const params = { name: 'crm_customer_list', arguments: {} };
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params } as const;
    const { request, reads } = requestOf('/mcp', message);
    const response = new ServerResponse(request);
    const callTool = createCallTool(world.application);
    const fastPath = createFastPath({ callTool, serverInfo: {} });
    const call = { message, era: 'older' } as const;
    expect(await fastPath({ request, response, headers: parseHeaders(request.headers), call })).toBe(true);
    expect(response.statusCode).toBe(200);
    expect(reads).toEqual(once);
  });
});

describe('parsed headers', () => {
  test('are trimmed, and absent when they are empty or sent twice', () => {
    const headers = parseHeaders({ 'x-orgcode': ' ACME ', 'x-api-key': ' ', 'x-session-guid': ['a', 'b'] });
    expect(headers).toEqual({ ...NO_HEADERS, orgcode: 'ACME' });
  });

  test('hold a trace id only of a well-formed traceparent', () => {
    expect(parseHeaders({ traceparent: `00-${TRACE}-b7ad6b7169203331-01` }).traceId).toBe(TRACE);
    expect(parseHeaders({ traceparent: TRACE }).traceId).toBeUndefined();
  });

  test('hold the filter of tools as lists', () => {
    const { toolFilter } = parseHeaders({ 'x-mcp-tools': 'a, b c', 'x-mcp-toolsets': ',', 'x-mcp-readonly': 'FALSE' });
    expect(toolFilter).toEqual({ toolsets: [], tools: ['a', 'b', 'c'], readOnly: false });
  });

  test('are completed from a REST body in a new value', () => {
    const headers = parseHeaders({ 'x-cccode': 'AB12-CD34-EF56' });
    const before = structuredClone(headers);
    const separated = separateBodyCredentials(headers, { orgcode: ' ACME ', api_key: 'key', limit: 1 });
    expect(separated).toMatchObject({
      headers: { ...before, orgcode: 'ACME', apiKey: 'key' },
      input: { limit: 1 },
    });
    expect(headers).toEqual(before);
  });
});

function operationOf(tool: string) {
  const entry = world.application.catalogue.find(tool);
  if (entry === undefined) throw new Error(`no tool ${tool}`);
  return entry.operation;
}

/** A POST request as node:http passes it on, which counts the reads of its headers. */
function requestOf(url: string, value: object) {
  const body = JSON.stringify(value);
  const plain = {
    ...(raw as Record<string, string>),
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    accept: 'application/json, text/event-stream',
  };
  const { headers, reads } = counted(plain);
  const request = new IncomingMessage(new Socket());
  request.method = 'POST';
  request.url = url;
  request.headers = headers;
  request.rawHeaders = Object.entries(plain).flatMap(([name, text]) => [name, String(text)]);
  request.push(body);
  request.push(null);
  return { request, reads };
}
