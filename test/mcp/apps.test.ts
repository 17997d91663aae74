/** MCP Apps: who gets the link to the app and the document, in every protocol version, and what others get instead. */
import { PassThrough } from 'node:stream';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { getUiCapability, RESOURCE_MIME_TYPE } from '@modelcontextprotocol/ext-apps/server';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport as Pipe1 } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StdioServerTransport as Pipe2 } from '@modelcontextprotocol/server/stdio';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { gatewayContract } from '../../src/contract/gateway-output-schema.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { CUSTOMER_APP_URI, customerAppOf, showsApps } from '../../src/mcp/apps.js';
import type { Application } from '../../src/mcp/server.js';
import { selectOperations } from '../../src/mcp/visibility.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import type { HttpTransport } from '../../src/transport/http.js';
import { openStdio, type StdioTransport, stdioApplicationOf } from '../../src/transport/stdio.js';
import { imported } from '../support/openapi.js';
import { DOCUMENT } from '../support/responses.js';
import { ask, openSessionTransport } from '../support/sessions.js';
import { type Data, openWorld, type World } from '../support/world.js';

const EXTENSION = 'io.modelcontextprotocol/ui';
const INFO = { name: 'test', version: '1' };
const DECLARED = { extensions: { [EXTENSION]: { mimeTypes: [RESOURCE_MIME_TYPE] } } };
const LINKED = ['crm_customer_get', 'crm_loyalty_ledger_list'];

type AnyClient = Pick<Client, 'getServerCapabilities' | 'close'> & {
  listTools(): Promise<Data>;
  listResources(): Promise<Data>;
  readResource(params: { uri: string }): Promise<Data>;
};

let world: World;
let http: HttpTransport;
let caller: Headers;
const open: (AnyClient | StdioTransport)[] = [];
beforeAll(async () => {
  world = await openWorld();
  caller = await world.headers();
  http = await openSessionTransport(world.application, { sse: true });
});
afterAll(async () => {
  await http.close();
  await world.close();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** A client of SDK 2 or 1 over a transport that it makes. */
async function connect(client: Client | Client1, transport: unknown): Promise<AnyClient> {
  await client.connect(transport as never);
  open.push(client as AnyClient);
  return client as AnyClient;
}

const sdk2 = (capabilities: object, mode: Data) => new Client(INFO, { capabilities, versionNegotiation: { mode } });
const sdk1 = (capabilities: object) => new Client1(INFO, { capabilities });
const overHttp = <T>(Transport: new (url: URL, options: { requestInit: RequestInit }) => T, path = '/mcp') =>
  new Transport(new URL(path, http.url), { requestInit: { headers: caller as Record<string, string> } });

/** A stdio connection of its own, and the client's end of it. */
function overStdio<T>(
  Transport: new (input: PassThrough, output: PassThrough) => T,
  application = world.application,
  headers = caller,
): T {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  open.push(openStdio(stdioApplicationOf(application, parseHeaders(headers)), rethrow, toServer, toClient));
  return new Transport(toClient, toServer);
}

function rethrow(error: Error): never {
  throw error;
}

const sse = () => {
  const headers = caller as Record<string, string>;
  const withHeaders: typeof fetch = (url, init) =>
    fetch(url, { ...init, headers: { ...headers, accept: 'text/event-stream' } });
  return new SSEClientTransport(new URL('/sse', http.url), {
    requestInit: { headers },
    eventSourceInit: { fetch: withHeaders },
  });
};

const CONNECTIONS: Record<string, (capabilities: object) => Promise<AnyClient>> = {
  'SDK 2, 2026-07-28, HTTP': (all) =>
    connect(sdk2(all, { pin: '2026-07-28' }), overHttp(StreamableHTTPClientTransport)),
  'SDK 2, 2026-07-28, stdio': (all) => connect(sdk2(all, { pin: '2026-07-28' }), overStdio(Pipe2)),
  'SDK 2, 2025-11-25, HTTP in a session': (all) =>
    connect(sdk2(all, 'legacy'), overHttp(StreamableHTTPClientTransport)),
  'SDK 2, 2025-11-25, stdio': (all) => connect(sdk2(all, 'legacy'), overStdio(Pipe2)),
  'SDK 2, HTTP+SSE': (all) => connect(sdk2(all, 'legacy'), sse()),
  'SDK 1, HTTP in a session': (all) => connect(sdk1(all), overHttp(Http1)),
  'SDK 1, stdio': (all) => connect(sdk1(all), overStdio(Pipe1)),
};

const linksOf = ({ tools }: Data): Record<string, string> =>
  Object.fromEntries(
    tools.flatMap(({ name, _meta }: Data) => (_meta === undefined ? [] : [[name, _meta.ui.resourceUri]])),
  );
const urisOf = ({ resources }: Data): string[] => resources.map(({ uri }: Data) => uri);
const BOTH = Object.fromEntries(LINKED.map((name) => [name, CUSTOMER_APP_URI]));

describe.each(Object.entries(CONNECTIONS))('%s', (_name, connectWith) => {
  test('a client that declares the extension gets two links, the resource and the document', async () => {
    const client = await connectWith(DECLARED);
    expect(linksOf(await client.listTools())).toEqual(BOTH);
    const listed = (await client.listResources()).resources.find(({ uri }: Data) => uri === CUSTOMER_APP_URI);
    const { contents } = await client.readResource({ uri: CUSTOMER_APP_URI });
    expect(contents).toHaveLength(1);
    const [{ uri, mimeType, text, _meta }] = contents;
    expect({ uri, mimeType, _meta }).toEqual({ uri: listed.uri, mimeType: listed.mimeType, _meta: listed._meta });
    expect(mimeType).toBe(RESOURCE_MIME_TYPE);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en"/);
    const nowhere = { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] };
    expect(_meta).toEqual({ ui: { csp: nowhere, prefersBorder: true } });
    expect(getUiCapability(client.getServerCapabilities() as Data)).toEqual({});
  });

  test('for another client neither exists', async () => {
    const client = await connectWith({});
    expect(linksOf(await client.listTools())).toEqual({});
    expect(urisOf(await client.listResources())).not.toContain(CUSTOMER_APP_URI);
    await expect(client.readResource({ uri: CUSTOMER_APP_URI })).rejects.toMatchObject({
      code: expect.toBeOneOf([-32002, -32602]),
    });
  });
});

describe('the lists of other clients', () => {
  const VERSION = 'io.modelcontextprotocol/protocolVersion';
  const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

  /** The text of a response to a stateless request. */
  async function textFor(method: string, capabilities: object): Promise<string> {
    const _meta = { [VERSION]: '2026-07-28', [CAPABILITIES]: capabilities };
    const headers = { ...caller, 'mcp-protocol-version': '2026-07-28', 'mcp-method': method };
    const { text } = await ask(http.url, { headers, body: { jsonrpc: '2.0', id: 1, method, params: { _meta } } });
    return text;
  }

  test.each(['tools/list', 'resources/list'])('are the same bytes as without the extension: %s', async (method) => {
    const plain = await textFor(method, {});
    const others = [
      { extensions: { [EXTENSION]: {} } },
      { extensions: { [EXTENSION]: { mimeTypes: ['text/html'] } } },
      { extensions: { 'io.modelcontextprotocol/other': { mimeTypes: [RESOURCE_MIME_TYPE] } } },
      { experimental: { [EXTENSION]: { mimeTypes: [RESOURCE_MIME_TYPE] } } },
    ];
    for (const capabilities of others) expect(await textFor(method, capabilities)).toBe(plain);
    const declared = await textFor(method, DECLARED);
    expect(declared).not.toBe(plain);
    const link = `,"_meta":{"ui":{"resourceUri":"${CUSTOMER_APP_URI}"}}`;
    const entry = /,\{"uri":"ui:[^[\]]*(\[\][^[\]]*)*?\}\}\}/;
    expect(declared.replaceAll(link, '').replace(entry, '')).toBe(plain);
  });

  test('of a 2025 version without a session are those of an undeclared client: nothing is known of it', async () => {
    const stateless = await openSessionTransport(world.application, { sessions: undefined });
    const transport = new StreamableHTTPClientTransport(new URL(stateless.url), {
      requestInit: { headers: caller as Record<string, string> },
    });
    const client = await connect(sdk2(DECLARED, 'legacy'), transport);
    expect(linksOf(await client.listTools())).toEqual({});
    await client.close();
    await stateless.close();
  });
});

test.each([
  undefined,
  {},
  { extensions: null },
  { extensions: { [EXTENSION]: null } },
  { extensions: { [EXTENSION]: { mimeTypes: RESOURCE_MIME_TYPE } } },
  { extensions: { [EXTENSION]: { mimeTypes: [{}] } } },
])('capabilities that do not name the media type in a list declare nothing: %j', (capabilities) => {
  expect(showsApps(capabilities)).toBe(false);
});

describe('a server', () => {
  const lists = async (application: Application, headers = caller) => {
    const client = await connect(sdk2(DECLARED, { pin: '2026-07-28' }), overStdio(Pipe2, application, headers));
    const read = client.readResource({ uri: CUSTOMER_APP_URI }).then(
      () => true,
      () => false,
    );
    return {
      links: Object.keys(linksOf(await client.listTools())),
      listed: urisOf(await client.listResources()).includes(CUSTOMER_APP_URI),
      read: await read,
      declared: getUiCapability(client.getServerCapabilities() as Data) !== undefined,
    };
  };
  const NOTHING = { links: [], listed: false, read: false, declared: false };
  const ALL = { links: LINKED, listed: true, read: true, declared: true };
  const having = (operations: typeof CONTRACT): Application => ({
    ...world.application,
    catalogue: createCatalogue(operations),
  });

  test('in lean mode has no app, because one tool runs everything', async () => {
    expect(await lists({ ...world.application, lean: true })).toEqual(NOTHING);
  });

  test('without the tools has no app', async () => {
    expect(await lists(having(selectOperations(CONTRACT, { toolsets: ['giftcard'] })))).toEqual(NOTHING);
    const one = selectOperations(CONTRACT, { tools: ['crm_customer_get'] });
    expect(await lists(having(one))).toEqual({ ...ALL, links: ['crm_customer_get'] });
  });

  test('links no tool that a connection or a caller does not have', async () => {
    const hidden = { links: [], listed: false, read: true, declared: true };
    expect(await lists(world.application, { ...caller, 'x-mcp-toolsets': 'giftcard' })).toEqual(hidden);
    expect(await lists(world.application, await world.headers(''))).toEqual(hidden);
    const loyalty = { ...caller, 'x-mcp-toolsets': 'loyalty' };
    expect(await lists(world.application, loyalty)).toEqual({ ...ALL, links: ['crm_loyalty_ledger_list'] });
  });

  test('that is read-only, or whose connection is, has the app', async () => {
    expect(await lists(world.application, { ...caller, 'x-mcp-readonly': 'true' })).toEqual(ALL);
  });

  test('before an API links what the API has', async () => {
    expect(await lists(having(gatewayContract(CONTRACT)))).toEqual({ ...ALL, links: ['crm_customer_get'] });
  });

  test('of an imported document links tools of our contract only', () => {
    const own = imported(DOCUMENT).contract;
    expect(customerAppOf(createCatalogue(own), false)).toBeDefined();
    const body = { content: { 'application/json': { schema: { type: 'object', additionalProperties: false } } } };
    const another = (answer: object) => {
      const responses = { 200: { description: 'OK', content: { 'application/json': { schema: answer } } } };
      const get = { post: { operationId: 'customer_get', requestBody: { required: true, ...body }, responses } };
      return imported({ openapi: '3.0.3', info: { title: 'x', version: '1' }, paths: { '/customer/get': get } })
        .contract;
    };
    const name = { type: 'string' };
    const data = { type: 'object', required: ['name'], properties: { name } };
    const envelope = {
      type: 'object',
      required: ['success', 'data'],
      properties: { success: { type: 'boolean' }, data, build: { type: 'object' }, stats: { type: 'object' } },
    };
    for (const contract of [another({ type: 'object' }), another(envelope)]) {
      expect(contract.operations.map(({ id }) => id)).toEqual(['customer_get']);
      expect(customerAppOf(createCatalogue(contract), false)).toBeUndefined();
    }
  });
});
