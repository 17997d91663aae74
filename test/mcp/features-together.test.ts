/** How features meet: what one request counts against limits, what breaks in it, and how they combine. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import type { Backend, BackendCall, Caller } from '../../src/contract/backend.js';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { withConfirmation } from '../../src/mcp/confirmation.js';
import type { Application } from '../../src/mcp/server.js';
import type { CallLimits } from '../../src/pipeline/call-limits.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { openAsking } from '../support/confirming.js';
import { used } from '../support/tool-use.js';
import { openTestTransport, type TestTransport } from '../support/transports.js';
import { type Data, newCustomer, ok, openWorld, type World } from '../support/world.js';

let world: World;
let owner: Headers;
let customer_id: string;
let limits: CallLimits;
/** What was counted. */
let counted: { called: number; refused: number };
let doors: TestTransport[] = [];
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
  counted = { called: 0, refused: 0 };
  limits = {
    checkAddress: async () => {},
    countFailure: async () => {
      counted.refused += 1;
    },
    countCall: async () => {
      counted.called += 1;
    },
  };
});
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close();
});

async function open(application: Partial<Application> = {}, backend?: Backend): Promise<TestTransport> {
  const pipeline = { ...world.application.pipeline, limits, ...(backend === undefined ? {} : { backend }) };
  const door = await openTestTransport({ application: { ...world.application, pipeline, ...application } });
  doors = [...doors, door];
  return door;
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

describe('one request', () => {
  test.each(REQUESTS)('%s counts as so many calls of its caller', async (_what, request, calls) => {
    const { error } = await (await open()).ask(owner, ...request());
    expect(error).toBeUndefined();
    expect(counted).toEqual({ called: calls, refused: 0 });
  });

  test.each(REQUESTS.map(([what, request]) => [what, request] as const))(
    '%s with bad credentials counts as one failure at most',
    async (what, request) => {
      await (await open()).ask({ 'x-orgcode': 'ACME', 'x-api-key': 'nobody' }, ...request());
      expect(counted).toEqual({ called: 0, refused: what === 'a document' ? 0 : 1 });
    },
  );

  test('a completion of what is too long to be typed is looked for nowhere', async () => {
    await (await open()).ask(owner, ...complete('look_up_customer', 'customer', 'x'.repeat(201)));
    expect(counted).toEqual({ called: 0, refused: 0 });
  });

  test('a page that is asked for anew until it fits is one call, and not refused halfway', async () => {
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

  test('of the three tools counts as one, and so does each of the two calls of a confirmation', async () => {
    const pipeline = { ...world.application.pipeline, limits };
    const { application } = openAsking({ ...world, application: { ...world.application, pipeline } }, 'all');
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

  test('that an upstream refuses with a bare 401 counts as a failure of its address', async () => {
    const stranger = { orgcode: 'ACME', owner: false, roles: [], unknown: true, org_status: 'verified' };
    const backend: Backend = {
      kind: 'gateway',
      identify: () => ({ ...stranger, fingerprint: 'f', actor: 'unknown' }) as unknown as Caller,
      perform: async () => {
        throw new CrmError({ code: 'crm.credentials_invalid', tag: 'unauthorized', message: 'No.' });
      },
      close: async () => {},
    };
    const { result } = await (await open({}, backend)).ask(owner, ...toolCall('crm_stat', {}));
    expect(result.isError).toBe(true);
    expect(counted).toEqual({ called: 1, refused: 1 });
  });
});

describe('what breaks behind a list, a resource, a prompt or a completion', () => {
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

  test.each(listing)('%s: is told by no word of its own, and logged under the name of the request', async (_w, of) => {
    const door = await open({}, broken(new Error('secret stack /etc/passwd')));
    world.logged.length = 0;
    const { error } = await door.ask(owner, ...of());
    expect(error).toMatchObject({ code: -32603, data: { error_code: 'crm.internal' } });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(world.logged.filter((line) => JSON.parse(line).request_id === error?.data.request_id)).toHaveLength(1);
    expect(world.logged.join('')).not.toContain('passwd');
  });

  test.each(listing)('%s: a fault of the upstream is told in words, with what to do', async (_what, of) => {
    const fault = new CrmError({
      code: 'crm.gateway_unavailable',
      tag: 'internal-error',
      status: 503,
      message: 'The upstream is down.',
      nextSteps: ['Try again.'],
    });
    const { error } = await (await open({}, broken(fault))).ask(owner, ...of());
    expect(error?.message).toBe('crm.gateway_unavailable: The upstream is down. Try again.');
    expect(error?.data).toMatchObject({ http_status: 503, next_steps: ['Try again.'] });
  });
});

describe('through a gateway, where some tools are not', () => {
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
  const doorOf = async (application: Application) => {
    const door = await openTestTransport({ application });
    doors = [...doors, door];
    return door;
  };

  test('jobs are offered that can be done without them, and name none of them', async () => {
    const door = await doorOf(served());
    const { result } = await door.ask(owner, 'prompts/list');
    const names = result.prompts.map(({ name }: Data) => name);
    expect(names).toEqual([
      'onboard_customer',
      'look_up_customer',
      'resolve_duplicates',
      'review_holds',
      'expiring_certificates',
    ]);
    const there = new Set(operations.map(({ id }) => `crm_${id}`));
    for (const { name, arguments: takes } of result.prompts) {
      const args = Object.fromEntries(takes.map((taken: Data) => [taken.name, '1']));
      const got = await door.ask(owner, 'prompts/get', { name, arguments: args });
      const named: string[] = got.result.messages[0].content.text.match(/\bcrm_[a-z_]+/g);
      expect(named.filter((tool) => !there.has(tool))).toEqual([]);
    }
  });

  test('an id that cannot be shown or typed is not suggested, whoever made it', async () => {
    const ids = ['c-1', 'c-2\u202e', 'c-3\nc-4', `c-${'x'.repeat(500)}`, 7, 'c-5'];
    const door = await doorOf(served(ids.map((id) => ({ customer_id: id }))));
    const { result } = await door.ask(owner, ...complete('look_up_customer', 'customer', ''));
    expect(result.completion.values).toEqual(['c-1', 'c-5']);
  });

  test('read-only and lean and confirmed: nothing that writes is found, and a write is refused before it is asked about', async () => {
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

describe('a connection’s headers', () => {
  test('that leave a tool out leave out its record, its jobs and its values, in the lean server too', async () => {
    for (const lean of [false, true]) {
      const door = await open({ lean });
      const narrow = { ...owner, 'x-mcp-toolsets': 'giftcard' };
      const { result: resources } = await door.ask(narrow, 'resources/list');
      expect(resources.resources.map(({ uri }: Data) => uri)).not.toContain('crm://policy');
      const { result: templates } = await door.ask(narrow, 'resources/templates/list');
      expect(templates.resourceTemplates.map(({ name }: Data) => name)).toEqual(['section', 'tool', 'giftcard']);
      const { error } = await door.ask(narrow, 'resources/read', { uri: `crm://customers/${customer_id}` });
      expect(error).toMatchObject({ code: -32602, data: { error_code: 'crm.tool_not_enabled', http_status: 403 } });
      expect((await door.ask(narrow, 'prompts/list')).result.prompts).toEqual([]);
      const { result } = await door.ask(narrow, ...complete('look_up_customer', 'customer', 'quist'));
      expect(result.completion.values).toEqual([]);
    }
  });

  test('hold for plain HTTP as well', async () => {
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

  test('that leave out the list of customers still let the search suggest them', async () => {
    const narrow = { ...owner, 'x-mcp-tools': 'crm_customer_search' };
    const { result } = await (await open()).ask(narrow, ...complete('look_up_customer', 'customer', 'quist'));
    expect(result.completion.values).toEqual([customer_id]);
  });

  test('that make it read-only hold for what a user would have to confirm, and nobody is asked', async () => {
    const { application } = openAsking(world, 'all');
    const readOnly = { ...owner, 'x-mcp-readonly': 'true' };
    const { answer } = await used(application, 'crm_loyalty_redeem', { customer_id, points: 1 }, readOnly);
    expect(answer.error_code).toBe('crm.tool_not_enabled');
    expect(parseHeaders(readOnly).toolFilter.readOnly).toBe(true);
  });
});

test('a job says in the lean server how its operations are reached', async () => {
  for (const lean of [false, true]) {
    const door = await open({ lean });
    const { result } = await door.ask(owner, 'prompts/get', { name: 'review_holds' });
    expect(result.messages[0].content.text.includes('crm_call')).toBe(lean);
  }
});

test('what agents are told first names crm_stat only where they have it', () => {
  const log = { debug() {}, warn() {}, error() {} } as never;
  for (const lean of [false, true]) {
    const told = (exclude: string[]) =>
      createApplication(world.store, log, { lean, selection: { exclude } }).instructions;
    expect(told([])).toContain('crm_stat');
    expect(told(['crm_stat'])).not.toContain('crm_stat');
    expect(told(['crm_stat']).split('\n').length).toBe(told([]).split('\n').length);
  }
});

test('what is known of a tool tells what it takes besides its request', async () => {
  const door = await open({ catalogue: openAsking(world, 'all').application.catalogue });
  const toldOf = async (tool: string) => {
    const { result } = await door.ask(owner, 'resources/read', { uri: `crm://openapi/${tool}` });
    return JSON.parse(result.contents[0].text);
  };
  const told = async (tool: string) => Object.keys((await toldOf(tool)).tool_arguments);
  expect((await toldOf('crm_stat')).access).toMatchObject({ anyone: true });
  expect((await toldOf('crm_loyalty_redeem')).access).toMatchObject({ anyone: false, roles: ['loyalty_admin'] });
  expect(await told('crm_loyalty_redeem')).toEqual(['logical_guid', 'channel_code', 'cccode', 'confirm_token']);
  expect(await told('crm_customer_get')).toEqual(['fields']);
  expect(await told('crm_customer_create')).toEqual(['confirm_token']);
});
