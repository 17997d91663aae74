/** Combinations of MCP features: rate limits, unexpected errors, gateway mode, filter headers and lean mode. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import type { Backend, BackendCall, Caller } from '../../src/contract/backend.js';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { withConfirmation } from '../../src/mcp/confirmation.js';
import type { Application } from '../../src/mcp/server.js';
import type { CallLimits } from '../../src/pipeline/call-limits.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { openConfirming } from '../support/confirming.js';
import { used } from '../support/tool-use.js';
import { openTestTransport, type TestTransport } from '../support/transports.js';
import { type Data, newCustomer, ok, openWorld, type World } from '../support/world.js';

let world: World;
let owner: Headers;
let customer_id: string;
let limits: CallLimits;
/** What the call limits counted: calls, and failed authentications. */
let counted: { called: number; failed: number };
let transports: TestTransport[] = [];
beforeAll(async () => {
  world = await openWorld();
  owner = await world.headers();
  customer_id = await newCustomer(world, { caption: 'Anna Quist' });
  await ok(world, 'crm_loyalty_earn', { customer_id, points: 500 });
  const body = 'The parcel came late, and the customer was friendly about it. '.repeat(8);
  for (let count = 0; count < 40; count += 1) {
    await ok(world, 'crm_comment', { comment: { target_type: 'customer', target_id: customer_id, body } });
  }
});
afterAll(() => world.close());
beforeEach(() => {
  counted = { called: 0, failed: 0 };
  limits = {
    checkAddress: async () => {},
    countFailure: async () => {
      counted.failed += 1;
    },
    countCall: async () => {
      counted.called += 1;
    },
    countList: async () => {},
    acceptCredential: () => {},
  };
});
afterEach(async () => {
  for (const transport of transports.splice(0)) await transport.close();
});

async function open(application: Partial<Application> = {}, backend?: Backend): Promise<TestTransport> {
  const pipeline = { ...world.application.pipeline, limits, ...(backend === undefined ? {} : { backend }) };
  const transport = await openTestTransport({ application: { ...world.application, pipeline, ...application } });
  transports = [...transports, transport];
  return transport;
}

const complete = (name: string, argument: string, value: string) =>
  ['completion/complete', { ref: { type: 'ref/prompt', name }, argument: { name: argument, value } }] as const;
const toolCall = (name: string, args: object) => ['tools/call', { name, arguments: args }] as const;

const REQUESTS: readonly (readonly [string, () => readonly [string, object], number])[] = [
  ['a list of tools', () => ['tools/list', {}], 0],
  ['a list of resources', () => ['resources/list', {}], 0],
  ['a list of prompts', () => ['prompts/list', {}], 0],
  ['a prompt', () => ['prompts/get', { name: 'look_up_customer', arguments: { customer: 'x' } }], 0],
  ['a document', () => ['resources/read', { uri: 'crm://errors' }], 0],
  ['a call', () => toolCall('crm_stat', {}), 1],
  ['a record', () => ['resources/read', { uri: `crm://customers/${customer_id}` }], 1],
  ['a completion that one tool answers', () => complete('look_up_customer', 'flag', ''), 1],
  ['a completion of an id', () => complete('look_up_customer', 'customer', 'quist'), 2],
];

describe('rate limits: one request', () => {
  test.each(REQUESTS)('%s counts the expected number of calls for its caller', async (_what, request, calls) => {
    const { error } = await (await open()).ask(owner, ...request());
    expect(error).toBeUndefined();
    expect(counted).toEqual({ called: calls, failed: 0 });
  });

  test.each(REQUESTS.map(([what, request]) => [what, request] as const))(
    '%s with bad credentials counts at most one failure',
    async (what, request) => {
      await (await open()).ask({ 'x-orgcode': 'ACME', 'x-api-key': 'nobody' }, ...request());
      expect(counted).toEqual({ called: 0, failed: what === 'a document' ? 0 : 1 });
    },
  );

  test('a completion of an overlong value makes no call', async () => {
    await (await open()).ask(owner, ...complete('look_up_customer', 'customer', 'x'.repeat(201)));
    expect(counted).toEqual({ called: 0, failed: 0 });
  });

  test('a page that is requested again until it fits counts as one call and is never throttled halfway', async () => {
    let left = 1;
    limits = {
      ...limits,
      countCall: async () => {
        counted.called += 1;
        left -= 1;
        if (left < 0) throw new CrmError({ code: 'crm.throttled', tag: 'throttled', message: 'Too many calls.' });
      },
    };
    const performed: BackendCall[] = [];
    const { store } = world;
    const backend: Backend = {
      kind: 'store',
      identify: (...of) => store.identify(...of),
      perform: async (performance) => {
        performed.push(performance);
        return store.perform(performance);
      },
      close: async () => {},
    };
    const pipeline = { ...world.application.pipeline, limits, backend };
    const application = { ...world.application, pipeline, answerTokens: 2_000 };
    const { structured, isError } = await used(application, 'crm_comment_list', { limit: 40 }, owner);
    expect(isError).toBe(false);
    expect(structured.data.items.length).toBeGreaterThan(1);
    expect(performed.length).toBeGreaterThan(1);
    expect(counted.called).toBe(1);
  });

  test('each call of a lean tool counts once, and so does each of the two calls of a confirmation', async () => {
    const pipeline = { ...world.application.pipeline, limits };
    const { application } = openConfirming({ ...world, application: { ...world.application, pipeline } }, 'all');
    const lean = { ...application, lean: true };
    const redeem = { customer_id, points: 1 };
    await used(lean, 'crm_find_operations', { query: 'points' }, owner);
    await used(lean, 'crm_describe_operation', { operation: 'crm_loyalty_redeem' }, owner);
    const call = (args: object) => used(lean, 'crm_call', { operation: 'crm_loyalty_redeem', arguments: args }, owner);
    const { confirm_token } = (await call(redeem)).answer.details;
    expect(counted.called).toBe(3);
    expect((await call({ ...redeem, confirm_token })).isError).toBe(false);
    expect(counted.called).toBe(4);
  });

  test('a call that the upstream rejects with a bare 401 counts as a failure of the client address', async () => {
    const unknownCaller = { orgcode: 'ACME', owner: false, roles: [], unknown: true, org_status: 'verified' };
    const backend: Backend = {
      kind: 'gateway',
      identify: () => ({ ...unknownCaller, fingerprint: 'f', actor: 'unknown' }) as unknown as Caller,
      perform: async () => {
        throw new CrmError({ code: 'crm.credentials_invalid', tag: 'unauthorized', message: 'No.' });
      },
      close: async () => {},
    };
    const { result } = await (await open({}, backend)).ask(owner, ...toolCall('crm_stat', {}));
    expect(result.isError).toBe(true);
    expect(counted).toEqual({ called: 1, failed: 1 });
  });
});

describe('an error behind a list or a prompt', () => {
  const broken = (error: Error): Backend => ({
    kind: 'gateway',
    identify: () => {
      throw error;
    },
    perform: async () => {
      throw error;
    },
    close: async () => {},
  });
  const listing = REQUESTS.slice(0, 4).map(([what, request]) => [what, request] as const);

  test.each(listing)(
    '%s: an unexpected error is reported as crm.internal and logged with its request id',
    async (_what, request) => {
      const transport = await open({}, broken(new Error('secret stack /etc/passwd')));
      world.logged.length = 0;
      const { error } = await transport.ask(owner, ...request());
      expect(error).toMatchObject({ code: -32603, data: { error_code: 'crm.internal' } });
      expect(JSON.stringify(error)).not.toContain('secret');
      expect(world.logged.filter((line) => JSON.parse(line).request_id === error?.data.request_id)).toHaveLength(1);
      expect(world.logged.join('')).not.toContain('passwd');
    },
  );

  test.each(listing)('%s: an upstream error is reported with its message and next steps', async (_what, request) => {
    const upstreamError = new CrmError({
      code: 'crm.gateway_unavailable',
      tag: 'internal-error',
      status: 503,
      message: 'The upstream is down.',
      nextSteps: ['Try again.'],
    });
    const { error } = await (await open({}, broken(upstreamError))).ask(owner, ...request());
    expect(error?.message).toBe('crm.gateway_unavailable: The upstream is down. Try again.');
    expect(error?.data).toMatchObject({ http_status: 503, next_steps: ['Try again.'] });
  });
});

describe('a gateway whose upstream lacks some tools', () => {
  const operations = CONTRACT.operations.filter(({ origin }) => origin !== 'extension');
  const gateway = (items: readonly object[] = []) => {
    const backend: Backend = {
      kind: 'gateway',
      identify: (...of) => world.store.identify(...of),
      perform: async () => ({ data: { items, next_token: null } }),
      close: async () => {},
    };
    return { backend, contract: { ...CONTRACT, operations } };
  };
  const served = (items?: readonly object[]) => {
    const { backend, contract } = gateway(items);
    return createApplication(backend, { debug() {}, warn() {}, error() {} } as never, { contract });
  };
  const openTransport = async (application: Application) => {
    const transport = await openTestTransport({ application });
    transports = [...transports, transport];
    return transport;
  };

  test('offers only prompts that work without the missing tools, and names none of these tools', async () => {
    const transport = await openTransport(served());
    const { result } = await transport.ask(owner, 'prompts/list');
    const names = result.prompts.map(({ name }: Data) => name);
    expect(names).toEqual([
      'onboard_customer',
      'look_up_customer',
      'resolve_duplicates',
      'review_holds',
      'expiring_certificates',
    ]);
    const available = new Set(operations.map(({ id }) => `crm_${id}`));
    for (const { name, arguments: parameters } of result.prompts) {
      const args = Object.fromEntries(parameters.map((parameter: Data) => [parameter.name, '1']));
      const got = await transport.ask(owner, 'prompts/get', { name, arguments: args });
      const named: string[] = got.result.messages[0].content.text.match(/\bcrm_[a-z_]+/g);
      expect(named.filter((tool) => !available.has(tool))).toEqual([]);
    }
  });

  test('an id that cannot be displayed or typed is not suggested', async () => {
    const ids = ['c-1', 'c-2\u202e', 'c-3\nc-4', `c-${'x'.repeat(500)}`, 7, 'c-5'];
    const transport = await openTransport(served(ids.map((id) => ({ customer_id: id }))));
    const { result } = await transport.ask(owner, ...complete('look_up_customer', 'customer', ''));
    expect(result.completion.values).toEqual(['c-1', 'c-5']);
  });

  test('in read-only lean mode finds no writes, and rejects a write before any confirmation', async () => {
    const { backend, contract } = gateway();
    const log = { debug() {}, warn() {}, error() {} } as never;
    const plain = createApplication(backend, log, { contract, readOnly: true, lean: true });
    const application = withConfirmation(plain, { mode: 'all', operations });
    const { answer } = await used(application, 'crm_find_operations', { effect: 'destroy' }, owner);
    expect(answer.data.total).toBe(0);
    const args = { operation: 'crm_loyalty_redeem', arguments: { customer_id, points: 1 } };
    expect((await used(application, 'crm_call', args, owner)).answer.error_code).toBe('crm.tool_not_enabled');
  });
});

describe('the filter headers of a connection', () => {
  test('that exclude a tool also exclude its resources, prompts and completions, in lean mode too', async () => {
    for (const lean of [false, true]) {
      const transport = await open({ lean });
      const narrow = { ...owner, 'x-mcp-toolsets': 'giftcard' };
      const { result: resources } = await transport.ask(narrow, 'resources/list');
      expect(resources.resources.map(({ uri }: Data) => uri)).not.toContain('crm://policy');
      const { result: templates } = await transport.ask(narrow, 'resources/templates/list');
      expect(templates.resourceTemplates.map(({ name }: Data) => name)).toEqual(['section', 'tool', 'giftcard']);
      const { error } = await transport.ask(narrow, 'resources/read', { uri: `crm://customers/${customer_id}` });
      expect(error).toMatchObject({ code: -32602, data: { error_code: 'crm.tool_not_enabled', http_status: 403 } });
      expect((await transport.ask(narrow, 'prompts/list')).result.prompts).toEqual([]);
      const { result } = await transport.ask(narrow, ...complete('look_up_customer', 'customer', 'quist'));
      expect(result.completion.values).toEqual([]);
    }
  });

  test('apply to plain HTTP as well', async () => {
    const { url } = await open();
    const post = (path: string, more: object) =>
      fetch(new URL(path, url), {
        method: 'POST',
        headers: { ...(owner as Record<string, string>), ...more, 'content-type': 'application/json' },
        body: '{}',
      });
    for (const narrow of [{ 'x-mcp-readonly': '1' }, { 'x-mcp-toolsets': 'giftcard' }]) {
      const response = await post('/crm/customer/create', narrow);
      expect([response.status, ((await response.json()) as Data).error.error_code]).toEqual([
        403,
        'crm.tool_not_enabled',
      ]);
    }
    expect((await post('/crm/customer/list', { 'x-mcp-readonly': '1' })).status).toBe(200);
  });

  test('that exclude the customer list still allow completions from the customer search', async () => {
    const narrow = { ...owner, 'x-mcp-tools': 'crm_customer_search' };
    const { result } = await (await open()).ask(narrow, ...complete('look_up_customer', 'customer', 'quist'));
    expect(result.completion.values).toEqual([customer_id]);
  });

  test('that make it read-only reject a write that needs confirmation without asking the user', async () => {
    const { application } = openConfirming(world, 'all');
    const readOnly = { ...owner, 'x-mcp-readonly': 'true' };
    const { answer } = await used(application, 'crm_loyalty_redeem', { customer_id, points: 1 }, readOnly);
    expect(answer.error_code).toBe('crm.tool_not_enabled');
    expect(parseHeaders(readOnly).toolFilter.readOnly).toBe(true);
  });
});

test('in lean mode a prompt explains how to reach its operations through crm_call', async () => {
  for (const lean of [false, true]) {
    const transport = await open({ lean });
    const { result } = await transport.ask(owner, 'prompts/get', { name: 'review_holds' });
    expect(result.messages[0].content.text.includes('crm_call')).toBe(lean);
  }
});

test('the server instructions name crm_stat only if the tool is available', () => {
  const log = { debug() {}, warn() {}, error() {} } as never;
  for (const lean of [false, true]) {
    const instructionsWithout = (exclude: string[]) =>
      createApplication(world.store, log, { lean, selection: { exclude } }).instructions;
    expect(instructionsWithout([])).toContain('crm_stat');
    expect(instructionsWithout(['crm_stat'])).not.toContain('crm_stat');
    expect(instructionsWithout(['crm_stat']).split('\n').length).toBe(instructionsWithout([]).split('\n').length);
  }
});

test('the OpenAPI resource of a tool lists the tool arguments beyond the request body', async () => {
  const transport = await open({ catalogue: openConfirming(world, 'all').application.catalogue });
  const describedTool = async (tool: string) => {
    const { result } = await transport.ask(owner, 'resources/read', { uri: `crm://openapi/${tool}` });
    return JSON.parse(result.contents[0].text);
  };
  const argumentNames = async (tool: string) => Object.keys((await describedTool(tool)).tool_arguments);
  expect((await describedTool('crm_stat')).access).toMatchObject({ anyone: true });
  expect((await describedTool('crm_loyalty_redeem')).access).toMatchObject({ anyone: false, roles: ['loyalty_admin'] });
  expect(await argumentNames('crm_loyalty_redeem')).toEqual([
    'logical_guid',
    'channel_code',
    'cccode',
    'confirm_token',
  ]);
  expect(await argumentNames('crm_customer_get')).toEqual(['fields']);
  expect(await argumentNames('crm_customer_create')).toEqual(['confirm_token']);
});
