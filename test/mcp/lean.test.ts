/** Lean mode: its three tools find exactly the operations that the caller may call, and return the same results. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { issuesOf } from '../../src/contract/validate.js';
import { CALL, DESCRIBE, FIND, LEAN_TOOLS } from '../../src/mcp/lean-tools.js';
import type { Application } from '../../src/mcp/server.js';
import { createAvailabilityCheck, isVisible, selectOperations } from '../../src/mcp/visibility.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { createCatalogue, toolName } from '../../src/tools/catalogue.js';
import { used, useTool } from '../support/tool-use.js';
import { type Data, envelopeOf, newCustomer, openWorld, ROLES, timeless, type World } from '../support/world.js';

let world: World;
let lean: Application;
beforeAll(async () => {
  world = await openWorld();
  lean = { ...world.application, lean: true };
});
afterAll(() => world.close());

const tools = CONTRACT.operations.map((operation) => [toolName(operation), operation] as const);

async function ask(tool: string, args: object, headers?: Headers, application = lean): Promise<Data> {
  const { answer, structured, isError } = await used(application, tool, args, headers ?? (await world.headers()));
  if (!isError) expect(structured).toEqual(answer);
  return isError ? answer : answer.data;
}

/** Collects the names of all operations found, over all result pages. */
async function findAll(args: object = {}, headers?: Headers, application = lean): Promise<string[]> {
  const found: string[] = [];
  for (let offset: number | undefined = 0; offset !== undefined; ) {
    const page: Data = await ask('crm_find_operations', { ...args, offset }, headers, application);
    expect(page.operations.length).toBeLessThanOrEqual(20);
    found.push(...page.operations.map(({ name }: Data) => name));
    offset = page.next_offset;
    if (offset === undefined) expect(found).toHaveLength(page.total);
  }
  return found;
}

test('lean mode has three tools, and no operation has a tool of its own', async () => {
  expect(LEAN_TOOLS.map(({ name }) => name)).toEqual(['crm_call', 'crm_describe_operation', 'crm_find_operations']);
  for (const [name] of tools) expect(await useTool(lean, name, {}, await world.headers())).toBeUndefined();
});

test('crm_call has the hints of the most destructive operation it can call', () => {
  expect(CALL.tool.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true, idempotentHint: false });
  for (const { tool } of [FIND, DESCRIBE]) expect(tool.annotations.readOnlyHint).toBe(true);
});

describe('crm_find_operations', () => {
  test.each(['owner', ...ROLES, ''])('as %j finds exactly the operations that the role may call', async (role) => {
    const headers = await world.headers(role);
    const { pipeline } = world.application;
    const grants = { owner: role === 'owner', roles: [role] };
    const may = CONTRACT.operations.filter((operation) =>
      isVisible(pipeline, operation, parseHeaders(headers), grants),
    );
    expect((await findAll({}, headers)).sort()).toEqual(may.map(toolName).sort());
  });

  test('filters by family and effect together', async () => {
    const destroying = CONTRACT.operations.filter(({ family, effect }) => family === 'loyalty' && effect === 'destroy');
    expect(await findAll({ family: 'loyalty', effect: 'destroy' })).toEqual(destroying.map(toolName).sort());
  });

  test.each([
    ['merge duplicates', 'crm_customer_merge'],
    ['give points for a sale', 'crm_loyalty_earn'],
    ['undo a ledger entry', 'crm_loyalty_reverse'],
    ['erase personal data', 'crm_customer_anonymize'],
    ['who am I', 'crm_stat'],
    ['gift card balance', 'crm_giftcard_get'],
    ['resolve a hold', 'crm_customer_hold_resolve'],
    ['list comments', 'crm_comment_list'],
    ['consents', 'crm_customer_consent_get'],
    ['tax exemption', 'crm_exemption_certificate_list'],
    ['list certs', 'crm_exemption_certificate_list'],
  ])('for the query %j returns %s among the first three', async (query, name) => {
    const { operations } = await ask('crm_find_operations', { query });
    expect(operations.slice(0, 3).map((found: Data) => found.name)).toContain(name);
  });

  test('returns every operation among the first three for its own name or title', async () => {
    for (const [name, { summary }] of tools) {
      for (const query of [name, summary]) {
        const { operations } = await ask('crm_find_operations', { query });
        expect(
          operations.slice(0, 3).map((found: Data) => found.name),
          query,
        ).toContain(name);
      }
    }
  });

  test('respects the filter headers of the connection', async () => {
    const headers = { ...(await world.headers()), 'x-mcp-toolsets': 'giftcard', 'x-mcp-readonly': '1' };
    expect((await findAll({}, headers)).sort()).toEqual(['crm_giftcard_get', 'crm_stat']);
  });

  test.each([
    ['a query', { query: 'x'.repeat(201) }],
    ['a family', { family: 'x'.repeat(81) }],
    ['an effect', { effect: 'burn' }],
    ['an offset', { offset: -1 }],
    ['an offset', { offset: 1_000_001 }],
    ['an unknown argument', { limit: 5 }],
  ])('rejects %s that is out of bounds', async (_what, args) => {
    const [[name] = ['']] = Object.entries(args);
    const error = await ask('crm_find_operations', args);
    expect(error.details.issues.map((issue: Data) => issue.path)).toEqual([name]);
  });

  test('ignores the crm prefix, which all names share', async () => {
    const totalOf = async (query: string) => (await ask('crm_find_operations', { query })).total;
    expect(await totalOf('crm merge')).toBe(await totalOf('merge'));
  });

  test('lists the families if nothing matches', async () => {
    const answer = await ask('crm_find_operations', { query: 'xyzzy' });
    expect(answer).toMatchObject({ operations: [], total: 0, families: expect.arrayContaining(['loyalty']) });
  });
});

describe('crm_describe_operation', () => {
  test.each(tools)('%s: returns its tool definition, its roles and valid examples', async (name, operation) => {
    const { 'x-logical-guid': _l, 'x-channel-code': _c, ...withoutContext } = await world.headers();
    const described = await ask('crm_describe_operation', { operation: name }, withoutContext);
    const tool = createCatalogue(CONTRACT).find(name)?.tool;
    expect(described).toMatchObject({ name, does: tool?.title, description: tool?.description });
    expect(described.arguments).toEqual(JSON.parse(JSON.stringify(tool?.inputSchema)));
    const roles = CONTRACT.roles[operation.access] ?? [];
    expect(described.roles).toEqual(operation.access === 'session' ? ['any caller'] : ['owner', ...roles]);
    expect(described.examples).toEqual(operation.examples.slice(0, 2).map(({ value }) => value));
    for (const example of described.examples) expect(issuesOf(operation.requestSchema, example)).toEqual([]);
  });

  test('omits operating context arguments that the connection sets', async () => {
    const described = await ask('crm_describe_operation', { operation: 'crm_loyalty_earn' });
    expect(Object.keys(described.arguments.properties)).not.toContain('logical_guid');
  });

  test('rejects an operation that the caller may not call, with the error of the call', async () => {
    const viewer = await world.headers('crm_view');
    const args = { operation: 'crm_loyalty_earn' };
    const rejected = await ask('crm_describe_operation', args, viewer);
    expect(rejected).toMatchObject({ error_code: 'crm.forbidden', details: { required_roles: ['loyalty_admin'] } });
    const readOnly = { ...(await world.headers()), 'x-mcp-readonly': 'true' };
    expect(await ask('crm_describe_operation', args, readOnly)).toMatchObject({ error_code: 'crm.tool_not_enabled' });
  });
});

describe('crm_call', () => {
  const WRONG = { custmer_id: 1 };
  const callers: Record<string, () => Promise<Headers>> = {
    'an owner': () => world.headers(),
    'a viewer': () => world.headers('crm_view'),
    'a caller outside the org': async () => ({ ...(await world.headers('owner', 'OTHER')), 'x-orgcode': 'ACME' }),
    'an unauthenticated caller': async () => ({ 'x-orgcode': 'ACME' }),
    'a read-only connection': async () => ({ ...(await world.headers()), 'x-mcp-readonly': '1' }),
    'a connection for loyalty': async () => ({ ...(await world.headers()), 'x-mcp-toolsets': 'loyalty' }),
  };

  test.each(Object.entries(callers))(
    'as %s returns the result of the operation’s own tool, for every operation',
    async (_name, headersOf) => {
      const headers = await headersOf();
      for (const [operation] of tools) {
        const own = await used(world.application, operation, WRONG, headers);
        const through = await used(lean, 'crm_call', { operation, arguments: WRONG }, headers);
        expect(timeless(through.answer), operation).toEqual(timeless(own.answer));
      }
    },
  );

  test('runs the operation, and accepts fields and an idempotency key as its own tool does', async () => {
    const customer_id = await newCustomer(world);
    const earn = { customer_id, points: 7, idempotency_key: 'lean-1' };
    const first = await ask('crm_call', { operation: 'crm_loyalty_earn', arguments: earn });
    expect(await ask('crm_call', { operation: 'crm_loyalty_earn', arguments: earn })).toEqual(first);
    const read = { customer_id, fields: ['loyalty.points_balance'] };
    const answer = await ask('crm_call', { operation: 'crm_customer_get', arguments: read });
    expect(answer).toEqual({ customer_id, revision: 1, loyalty: { points_balance: 7 } });
    expect(await ask('crm_call', { operation: 'crm_stat' })).toMatchObject({ status: 'ok' });
  });

  test.each([
    ['crm_customer_gett', 'crm_customer_get'],
    ['customer_get', 'crm_customer_get'],
    ['crm_loyalty_ern', 'crm_loyalty_earn'],
    ['giftcard_redem', 'crm_giftcard_redeem'],
  ])('for the unknown operation %s suggests the nearest names', async (operation, meant) => {
    for (const tool of ['crm_call', 'crm_describe_operation']) {
      const error = await ask(tool, { operation });
      expect(error).toMatchObject({ error_code: 'crm.operation_unknown', http_status: 400 });
      expect(error.details.nearest).toContain(meant);
      expect(error.details.nearest).toHaveLength(5);
      expect(error.next_steps[0]).toContain('crm_find_operations');
    }
  });

  test('suggests no operation that the caller may not call or that the operator excluded', async () => {
    const viewer = await ask('crm_call', { operation: 'crm_loyalty_ern' }, await world.headers('crm_view'));
    expect(viewer.details.nearest).not.toContain('crm_loyalty_earn');
    const catalogue = createCatalogue(selectOperations(CONTRACT, { exclude: ['crm_loyalty_earn'] }));
    const narrowed = { ...lean, catalogue };
    const call = { operation: 'crm_loyalty_earn', arguments: { customer_id: 'x', points: 1 } };
    const error = await ask('crm_call', call, undefined, narrowed);
    expect(error.error_code).toBe('crm.operation_unknown');
    expect(error.details.nearest).not.toContain('crm_loyalty_earn');
    expect(await findAll({}, undefined, narrowed)).not.toContain('crm_loyalty_earn');
  });

  test.each([
    ['no operation', { arguments: {} }, 'operation'],
    ['arguments that are a list', { operation: 'crm_stat', arguments: [] }, 'arguments'],
    ['an unknown argument', { operation: 'crm_stat', argumnts: {} }, 'argumnts'],
    ['fields outside its arguments', { operation: 'crm_stat', fields: ['status'] }, 'fields'],
    ['a confirm_token outside its arguments', { operation: 'crm_loyalty_redeem', confirm_token: 'x' }, 'confirm_token'],
  ])('with %s is rejected with the argument’s name', async (_name, args, path) => {
    const error = await ask('crm_call', args);
    expect(error).toMatchObject({ error_code: 'crm.validation_failed' });
    expect(error.details.issues.map((issue: Data) => issue.path)).toEqual([path]);
  });

  test('is logged under the operation that ran', async () => {
    world.logged.length = 0;
    await ask('crm_call', { operation: 'crm_stat' });
    expect(world.logged.map((line) => JSON.parse(line).operation)).toEqual(['stat']);
  });
});

test('in read-only mode no write is found or called', async () => {
  const checkAvailable = createAvailabilityCheck({ readOnly: true, countsUpstream: false });
  const readOnly = { ...lean, pipeline: { ...lean.pipeline, checkAvailable } };
  const effects = new Map(tools.map(([name, { effect }]) => [name, effect]));
  for (const name of await findAll({}, undefined, readOnly)) expect(effects.get(name)).toBe('read');
  const call = { operation: 'crm_customer_create', arguments: { customer: { caption: 'x' } } };
  expect(await ask('crm_call', call, undefined, readOnly)).toMatchObject({ error_code: 'crm.tool_not_enabled' });
});

test('without credentials every lean tool returns 401, as any call does', async () => {
  for (const { tool } of [FIND, DESCRIBE, CALL]) {
    const error = await ask(tool.name, { operation: 'crm_stat' }, { 'x-orgcode': 'ACME' });
    expect(error).toMatchObject({ error_code: 'crm.credentials_required', http_status: 401 });
  }
  const envelope = await envelopeOf(world, 'crm_stat', {}, { 'x-orgcode': 'ACME' });
  expect(envelope).toMatchObject({ error: { http_status: 401 } });
});
