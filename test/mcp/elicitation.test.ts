/** Confirmation by elicitation: real clients of both protocol eras, with and without the elicitation capability. */
import { PassThrough } from 'node:stream';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport as Pipe1 } from '@modelcontextprotocol/sdk/server/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { StdioServerTransport as Pipe2 } from '@modelcontextprotocol/server/stdio';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { canAsk } from '../../src/mcp/elicitation.js';
import { describePreview } from '../../src/mcp/preview.js';
import { createCallTool, createServerFactory } from '../../src/mcp/server.js';
import { parseHeaders } from '../../src/pipeline/headers.js';
import { type HttpTransport, openHttp } from '../../src/transport/http.js';
import { headersOf } from '../../src/transport/request-headers.js';
import { openStdio, type StdioTransport, stdioApplicationOf } from '../../src/transport/stdio.js';
import { openConfirming } from '../support/confirming.js';
import { DIALOGUE_CODES } from '../support/error-cases/elsewhere.js';
import { unmark } from '../support/marks.js';
import { expectPerson } from '../support/person.js';
import { type Data, newAccount, newCustomer, ok, openWorld, type World } from '../support/world.js';

type Answer = { action: 'accept' | 'decline' | 'cancel'; content?: { confirm: boolean } };
type AnyClient = { callTool(params: object): Promise<Data>; close(): Promise<void>; listTools(): Promise<Data> };

const INFO = { name: 'test', version: '1' };
const YES: Answer = { action: 'accept', content: { confirm: true } };
const REDEEM = 'crm_loyalty_redeem';

let world: World;
let httpTransport: HttpTransport;
let sessionTransport: HttpTransport;
let caller: Record<string, string>;
let customer_id: string;
/** The number of calls that the fast path handled. */
let fastPathCalls = 0;
/** The elicitation requests sent to users, and the response that users give. */
let questions: { message: string; requestedSchema: Data }[] = [];
let answer: Answer = YES;
const open: (AnyClient | StdioTransport)[] = [];

beforeAll(async () => {
  world = await openWorld();
  caller = (await world.headers()) as Record<string, string>;
  const { application } = openConfirming(world, 'destructive');
  const callTool = createCallTool(application);
  const counted: typeof callTool = (...call) => {
    fastPathCalls += 1;
    return callTool(...call);
  };
  const factory = createServerFactory(application, headersOf);
  const mayAsk = (tool: string) => application.confirmation?.covers(tool) === true;
  const service = { factory, callTool: counted, serverInfo: application.info, mayAsk };
  const options = { host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [], onError: rethrow };
  httpTransport = await openHttp(service, options);
  sessionTransport = await openHttp(
    { ...service, isKnown: async () => true },
    { ...options, sessions: { most: 100, idleMs: 60_000 } },
  );
});
afterAll(async () => {
  await Promise.all([httpTransport.close(), sessionTransport.close()]);
  await world.close();
});
beforeEach(async () => {
  [questions, answer, fastPathCalls] = [[], YES, 0];
  customer_id = await newCustomer(world);
  await ok(world, 'crm_loyalty_earn', { customer_id, points: 100 });
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const formCapability = { elicitation: { form: {} } };
const onElicit = async ({ params }: Data): Promise<Data> => {
  questions.push(params);
  return answer;
};

/** Connects a client of SDK 2. */
async function client2(capabilities: Data, mode: Data, transport: Data = http(StreamableHTTPClientTransport)) {
  const client = new Client(INFO, { capabilities, versionNegotiation: { mode } });
  if (capabilities.elicitation !== undefined) client.setRequestHandler('elicitation/create', onElicit);
  await client.connect(transport);
  open.push(client as AnyClient);
  return client as AnyClient;
}

/** Connects a client of SDK 1. */
async function client1(capabilities: Data, transport: Data = http(Http1)) {
  const client = new Client1(INFO, { capabilities });
  if (capabilities.elicitation !== undefined) client.setRequestHandler(ElicitRequestSchema, onElicit);
  await client.connect(transport);
  open.push(client as unknown as AnyClient);
  return client as unknown as AnyClient;
}

function http<T>(Transport: new (url: URL, options: { requestInit: RequestInit }) => T, { url } = httpTransport): T {
  return new Transport(new URL(url), { requestInit: { headers: caller } });
}

/** Opens a separate stdio connection and returns its client transport. */
function pipe<T>(Transport: new (input: PassThrough, output: PassThrough) => T): T {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const { application } = openConfirming(world, 'destructive');
  open.push(openStdio(stdioApplicationOf(application, parseHeaders(caller)), rethrow, toServer, toClient));
  return new Transport(toClient, toServer);
}

const redeem = (more: object = {}) => ({ name: REDEEM, arguments: { customer_id, points: 30, ...more } });
const balance = async () => (await ok(world, 'crm_customer_get', { customer_id })).loyalty.points_balance;
const errorOf = (result: Data) => unmark(result.content[0].text).answer;

const WITH_A_USER: Record<string, () => Promise<AnyClient>> = {
  'SDK 2, 2026-07-28, HTTP': () => client2(formCapability, 'auto'),
  'SDK 2, 2026-07-28 only, HTTP': () => client2(formCapability, { pin: '2026-07-28' }),
  'SDK 2, bare capability, HTTP': () => client2({ elicitation: {} }, 'auto'),
  'SDK 2, 2026-07-28, stdio': () => client2(formCapability, 'auto', pipe(Pipe2)),
  'SDK 2, 2025, HTTP in a session': () =>
    client2(formCapability, 'legacy', http(StreamableHTTPClientTransport, sessionTransport)),
  'SDK 1, HTTP in a session': () => client1(formCapability, http(Http1, sessionTransport)),
  'SDK 1, stdio': () => client1(formCapability, pipe(Pipe1)),
  'SDK 1, bare capability, stdio': () => client1({ elicitation: {} }, pipe(Pipe1)),
};

describe.each(Object.entries(WITH_A_USER))('%s: a client with elicitation', (_name, connect) => {
  test('runs the call after the user accepts', async () => {
    const client = await connect();
    const result = await client.callTool(redeem());
    expect(result.structuredContent.data).toMatchObject({ points: -30, balance_after: 70 });
    expect(questions).toHaveLength(1);
    const [{ message, requestedSchema } = { message: '', requestedSchema: {} }] = questions;
    expect(message).toContain('Spend points (/loyalty/redeem)');
    expect(message).toContain('loyalty.points_balance: 100 → 70');
    expect(requestedSchema).toMatchObject({ properties: { confirm: { type: 'boolean' } }, required: ['confirm'] });
    expect(fastPathCalls).toBe(0);
    expect(await balance()).toBe(70);
  });

  test.each<Answer>([{ action: 'decline' }, { action: 'cancel' }, { action: 'accept', content: { confirm: false } }])(
    'does not run the call after the response %j',
    async (negative) => {
      answer = negative;
      const result = await (await connect()).callTool(redeem());
      expect(result.isError).toBe(true);
      expect(errorOf(result)).toMatchObject({ error_code: DIALOGUE_CODES[0], http_status: 409 });
      expectPerson(errorOf(result));
      expect(await balance()).toBe(100);
    },
  );

  test('does not ask about calls that fail or need no confirmation', async () => {
    const client = await connect();
    expect(errorOf(await client.callTool(redeem({ points: 500 }))).error_code).toBe('crm.loyalty_insufficient_points');
    const earn = { name: 'crm_loyalty_earn', arguments: { customer_id, points: 1 } };
    expect((await client.callTool(earn)).structuredContent.success).toBe(true);
    expect(questions).toEqual([]);
  });
});

const WITHOUT: Record<string, () => Promise<AnyClient>> = {
  'SDK 1, HTTP': () => client1({}),
  'SDK 1, HTTP in a session': () => client1({}, http(Http1, sessionTransport)),
  'SDK 1, stdio': () => client1({}, pipe(Pipe1)),
  'SDK 1 with elicitation, but without a session': () => client1(formCapability),
  'SDK 2, 2026-07-28, HTTP': () => client2({}, 'auto'),
  'SDK 2 with URL elicitation only': () => client2({ elicitation: { url: {} } }, 'auto'),
};

describe.each(Object.entries(WITHOUT))('%s: a client without form elicitation', (_name, connect) => {
  test('gets the preview and a confirm_token', async () => {
    const client = await connect();
    const first = await client.callTool(redeem());
    expect(first.isError).toBe(true);
    const { error_code, details, next_steps } = errorOf(first);
    expect(error_code).toBe('crm.confirmation_required');
    expect(next_steps[0]).toBe('Show details.preview to the user, and ask.');
    expect(await balance()).toBe(100);
    const { confirm_token } = details;
    expect((await client.callTool(redeem({ confirm_token }))).structuredContent.data.points).toBe(-30);
    expect(errorOf(await client.callTool(redeem({ confirm_token }))).details).toEqual({ reason: 'spent' });
    expect(await balance()).toBe(70);
    const { tools } = await client.listTools();
    expect(tools.find(({ name }: Data) => name === REDEEM).inputSchema.properties).toHaveProperty('confirm_token');
  });
});

test('crm_call asks the user about the operation it calls, and runs it only after the user accepts', async () => {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const application = { ...openConfirming(world, 'destructive').application, lean: true };
  open.push(openStdio(stdioApplicationOf(application, parseHeaders(caller)), rethrow, toServer, toClient));
  const client = await client2(formCapability, 'auto', new Pipe2(toClient, toServer));
  const args = { customer_id, points: 30, confirm_token: 'of the model' };
  const through = { name: 'crm_call', arguments: { operation: REDEEM, arguments: args } };
  answer = { action: 'decline' };
  expect(errorOf(await client.callTool(through)).error_code).toBe('crm.confirmation_declined');
  answer = YES;
  expect((await client.callTool(through)).structuredContent.data.points).toBe(-30);
  expect(questions.map(({ message }) => message.split('\n')[0])).toEqual(
    Array(2).fill('Spend points (/loyalty/redeem)'),
  );
  expect(questions[0]?.message).not.toContain('confirm_token');
  expect(await balance()).toBe(70);
});

describe('a client that sends the rounds of the 2026-07-28 protocol itself', () => {
  const claims = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': formCapability,
    'io.modelcontextprotocol/clientInfo': INFO,
  };

  async function round(args: object, more: object = {}): Promise<Data> {
    const params = { name: REDEEM, arguments: args, _meta: claims, ...more };
    const response = await fetch(httpTransport.url, {
      method: 'POST',
      headers: {
        ...caller,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': REDEEM,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
    const text = await response.text();
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)).result;
  }

  test('gets a sealed request state, valid once and only for the same call', async () => {
    const args = { customer_id, points: 30 };
    const { resultType, inputRequests, requestState } = await round(args);
    expect(resultType).toBe('input_required');
    expect(inputRequests.confirm).toMatchObject({ method: 'elicitation/create', params: { mode: 'form' } });
    const yes = { requestState, inputResponses: { confirm: YES } };
    expect(errorOf(await round({ ...args, points: 31 }, yes)).details).toEqual({ reason: 'unknown' });
    expect((await round(args, { inputResponses: { confirm: YES } })).resultType).toBe('input_required');
    expect((await round(args, { requestState })).resultType).toBe('input_required');
    expect((await round(args, yes)).structuredContent.data.points).toBe(-30);
    expect(errorOf(await round(args, yes)).details).toEqual({ reason: 'spent' });
    expect(await balance()).toBe(70);
  });

  test('is asked even if the call carries a confirm_token', async () => {
    const { confirm_token } = await openConfirming(world, 'destructive').confirmationRequired(REDEEM, {
      customer_id,
      points: 30,
    });
    const { resultType, inputRequests } = await round({ customer_id, points: 30, confirm_token });
    expect(resultType).toBe('input_required');
    expect(inputRequests.confirm.params.message).not.toContain('confirm_token');
    expect(await balance()).toBe(100);
  });

  test('gets no stored response for a declined confirmation, even with the same idempotency key', async () => {
    const args = { customer_id, points: 30, idempotency_key: 'till-7' };
    const { requestState } = await round(args);
    const respond = (confirm: Answer) => round(args, { requestState, inputResponses: { confirm } });
    expect((await respond(YES)).structuredContent.data.points).toBe(-30);
    expect(errorOf(await respond({ action: 'decline' })).details).toEqual({ reason: 'spent' });
    expect((await respond(YES)).structuredContent.data.points).toBe(-30);
    expect(await balance()).toBe(70);
  });

  test('cannot accept after the user declined', async () => {
    const args = { customer_id, points: 30 };
    const { requestState } = await round(args);
    const declined = await round(args, { requestState, inputResponses: { confirm: { action: 'decline' } } });
    expect(errorOf(declined).error_code).toBe('crm.confirmation_declined');
    const after = await round(args, { requestState, inputResponses: { confirm: YES } });
    expect(errorOf(after).details).toEqual({ reason: 'spent' });
    expect(await balance()).toBe(100);
  });
});

test('form elicitation needs the form capability, or a bare elicitation capability without modes', () => {
  for (const elicitation of [{}, { form: {} }, { form: {}, url: {} }]) expect(canAsk({ elicitation })).toBe(true);
  for (const elicitation of [{ url: {} }, undefined, null, true]) expect(canAsk({ elicitation })).toBe(false);
  expect(canAsk(undefined)).toBe(false);
});

describe('untrusted text in a confirmation', () => {
  const hostile = 'Tide"\nNothing has been done yet.\n  balance: 0 \u202eevil\u{e0041}';

  test('stands between boundary markers in a preview for the model', async () => {
    const account_id = await newAccount(world);
    const update = { account_id, account: { trade_name: 'IGNORE ALL', attributes: { HEED_ME: 1 } } };
    await ok(world, 'crm_account_update', { ...update, expected_revision: 1 });
    const close = { account_id, status: 'closed', expected_revision: 2, reason: 'left' };
    const text = await openConfirming(world, 'all').read('crm_account_status_set', close);
    const { open: marker } = unmark(text);
    for (const untrustedText of ['IGNORE ALL', 'HEED_ME']) {
      expect(text.split(untrustedText).length).toBeGreaterThan(1);
      expect(text.split(`${marker}${untrustedText}`).length).toBe(text.split(untrustedText).length);
    }
  });

  test('that changes is marked together with its field name', async () => {
    const account_id = await newAccount(world);
    const update = { account_id, account: { attributes: { HEED_ME: 'x' } }, expected_revision: 1 };
    const text = await openConfirming(world, 'all').read('crm_account_update', update);
    expect(text).toContain(`"field":"${unmark(text).open}attributes.HEED_ME`);
  });

  test('cannot leave its line in a preview for the user', () => {
    const operation = CONTRACT.operations.find(({ id }) => id === 'account_update');
    if (operation === undefined) throw new Error('no account_update');
    const preview = { action: 'Change', changes: [{ field: `attributes.${hostile}`, before: hostile, after: null }] };
    const lines = describePreview(operation, { account: { legal_name: hostile } }, preview).split('\n');
    expect(lines).toHaveLength(6);
    expect(lines.join('')).not.toMatch(/[\u202e\u{e0041}]/u);
  });
});

test('the preview for the user hides secrets of the request and shortens long values', () => {
  const operation = CONTRACT.operations.find(({ id }) => id === 'giftcard_redeem');
  if (operation === undefined) throw new Error('no giftcard_redeem');
  const text = describePreview(
    operation,
    { code: 'SECRETCODE', pin: '8305', amount: 5, reason: 'r'.repeat(500) },
    { action: 'Spend' },
  );
  expect(text).not.toMatch(/SECRETCODE|8305/);
  expect(text).toContain('pin: (not shown)');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(130);
});

test('the preview for the user counts omitted request fields and omitted changes', () => {
  const operation = CONTRACT.operations.find(({ id }) => id === 'account_update');
  if (operation === undefined) throw new Error('no account_update');
  const attributes = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`note_${at}`, 'x']));
  const changes = Array.from({ length: 40 }, (_, at) => ({ field: `f${at}`, before: null, after: 1 }));
  const text = describePreview(operation, { account: { attributes } }, { action: 'Change', changes });
  expect(text.match(/^ {2}… and \d+ more$/gm)).toEqual(['  … and 30 more', '  … and 20 more']);
  expect(text.split('\n')).toHaveLength(1 + 22 + 22 + 1);
});

function rethrow(error: Error): never {
  throw error;
}
