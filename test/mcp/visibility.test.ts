/** Tool visibility: a connection sees exactly the tools it may call, with any operator selection and filter headers. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Application } from '../../src/mcp/server.js';
import {
  createAvailabilityCheck,
  type Selection,
  SelectionError,
  selectOperations,
  visibleTools,
} from '../../src/mcp/visibility.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { ALL_PINNED_FIELDS, pinnedFieldsOf } from '../../src/pipeline/operating-context.js';
import { createCatalogue, toolName } from '../../src/tools/catalogue.js';
import { used, useTool } from '../support/tool-use.js';
import { openWorld, ROLES, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const FAMILIES = [...new Set(CONTRACT.operations.map(({ family }) => family))].sort();
const EVERY = CONTRACT.operations.map(toolName).sort();

const namesLeft = (selection: Selection) => selectOperations(CONTRACT, selection).operations.map(toolName).sort();
const ofFamily = (...families: readonly string[]) =>
  CONTRACT.operations.filter(({ family }) => families.includes(family)).map(toolName);
const withStat = (names: readonly string[]) => [...new Set([...names, 'crm_stat'])].sort();

describe('an operator selection', () => {
  test.each(FAMILIES)('with the toolset %s keeps its family and crm_stat', (family) => {
    expect(namesLeft({ toolsets: [family] })).toEqual(withStat(ofFamily(family)));
  });

  test('that is empty or names the toolset all keeps every tool', () => {
    for (const selection of [{}, { toolsets: ['all'] }, { toolsets: ['all'], tools: ['crm_comment'] }]) {
      expect(namesLeft(selection)).toEqual(EVERY);
    }
  });

  test('with toolsets and tools keeps both, and exclude removes from both', () => {
    const tools = ['crm_comment', 'crm_customer_get'];
    expect(namesLeft({ toolsets: ['loyalty'], tools })).toEqual(withStat([...ofFamily('loyalty'), ...tools]));
    const exclude = ['crm_comment', 'crm_loyalty_expire'];
    const left = [...ofFamily('loyalty'), ...tools].filter((name) => !exclude.includes(name));
    expect(namesLeft({ toolsets: ['loyalty'], tools, exclude })).toEqual(withStat(left));
  });

  test('drops crm_stat only if exclude names it', () => {
    expect(namesLeft({ tools: [] })).toEqual(['crm_stat']);
    expect(namesLeft({ exclude: ['crm_stat'] })).toEqual(EVERY.filter((name) => name !== 'crm_stat'));
  });

  test.each([
    ['a toolset', { toolsets: ['loyalty', 'loyalti'] }, /no toolset loyalti; there are: account, .*risk, session, all/],
    ['a tool', { tools: ['customer_get'] }, /no tool customer_get; there are: .*crm_customer_get/],
    ['an excluded tool', { exclude: ['crm_nothing'] }, /no tool crm_nothing/],
  ] as const)(
    'with %s that does not exist fails with an error that lists the existing names',
    (_name, selection, message) => {
      expect(() => selectOperations(CONTRACT, selection)).toThrow(SelectionError);
      expect(() => selectOperations(CONTRACT, selection)).toThrow(message);
    },
  );
});

/** An application of this world with another operator selection. */
function applicationOf(selection: Selection, readOnly: boolean): Application {
  const { application } = world;
  const catalogue = createCatalogue(selectOperations(CONTRACT, selection));
  const checkAvailable = createAvailabilityCheck({ readOnly, countsUpstream: false });
  return { ...application, catalogue, pipeline: { ...application.pipeline, checkAvailable } };
}

async function listed({ pipeline, catalogue }: Application, headers: Headers): Promise<readonly string[]> {
  return (await visibleTools(pipeline, catalogue, parseHeaders(headers))).map(({ name }) => name);
}

/** The reason a call is rejected before validation: unknown tool, tool not enabled, or missing role. */
async function rejectionOf(application: Application, name: string, headers: Headers): Promise<string | undefined> {
  const use = await useTool(application, name, {}, headers);
  if (use === undefined) return 'unknown';
  const { error_code } = use.answer;
  return ['crm.tool_not_enabled', 'crm.forbidden'].includes(error_code) ? error_code : undefined;
}

const CONNECTIONS: Record<string, { selection?: Selection; readOnly?: boolean; headers?: Headers }> = {
  'nothing narrowed': {},
  'two toolsets': { selection: { toolsets: ['loyalty', 'giftcard'] } },
  'some tools excluded': { selection: { exclude: ['crm_customer_merge', 'crm_customer_anonymize'] } },
  'read-only by the operator': { readOnly: true },
  'a toolset by header': { headers: { 'x-mcp-toolsets': 'customer' } },
  'tools by header': { headers: { 'x-mcp-tools': 'crm_comment, crm_inbox_create' } },
  'read-only by header': { headers: { 'x-mcp-readonly': 'true' } },
  'different selections by operator and client': {
    selection: { toolsets: ['loyalty'] },
    headers: { 'x-mcp-toolsets': 'customer,loyalty', 'x-mcp-tools': 'crm_comment', 'x-mcp-readonly': '1' },
  },
};

describe('the listed tools are exactly the callable tools', () => {
  test.each(Object.entries(CONNECTIONS))('%s', async (_name, { selection = {}, readOnly = false, headers = {} }) => {
    const application = applicationOf(selection, readOnly);
    for (const role of ['owner', ...ROLES]) {
      const caller = { ...(await world.headers(role)), ...headers };
      const shown = await listed(application, caller);
      for (const name of EVERY) {
        const reason = await rejectionOf(application, name, caller);
        expect(reason === undefined, `${name} as ${role}: ${reason}`).toBe(shown.includes(name));
      }
    }
  });

  test('a tool excluded by the operator is unknown; one excluded by the connection is not enabled', async () => {
    const application = applicationOf({ toolsets: ['loyalty'] }, false);
    const caller = { ...(await world.headers()), 'x-mcp-toolsets': 'customer' };
    expect(await rejectionOf(application, 'crm_customer_get', caller)).toBe('unknown');
    const { answer } = await used(application, 'crm_loyalty_earn', {}, caller);
    expect(answer).toMatchObject({ error_code: 'crm.tool_not_enabled', http_status: 403, retryable: false });
    expect(answer.next_steps).toEqual([expect.any(String), expect.any(String)]);
  });

  test('without credentials the filtered catalogue is still listed, and a call returns 401', async () => {
    const application = applicationOf({}, true);
    const unauthenticated = { 'x-orgcode': 'ACME', 'x-mcp-toolsets': 'loyalty' };
    const reads = CONTRACT.operations.filter(({ family, effect }) => family === 'loyalty' && effect === 'read');
    expect(await listed(application, unauthenticated)).toEqual(withStat(reads.map(toolName)));
    const { answer } = await used(application, 'crm_customer_create', {}, unauthenticated);
    expect(answer.error_code).toBe('crm.credentials_required');
  });
});

describe('filter headers', () => {
  const list = async (headers: Headers, role = 'owner') =>
    listed(world.application, { ...(await world.headers(role)), ...headers });

  test('only ever narrow the list, for any value', async () => {
    const name = fc.oneof(fc.constantFrom(...EVERY, ...FAMILIES, 'all', 'none', '*', '__proto__'), fc.string());
    const value = fc.array(name, { maxLength: 5 }).map((names) => names.join(','));
    const headers = fc.record(
      { 'x-mcp-toolsets': value, 'x-mcp-tools': value, 'x-mcp-readonly': fc.string() },
      { requiredKeys: [] },
    );
    for (const role of ['owner', 'crm_view']) {
      const whole = await list({}, role);
      await fc.assert(
        fc.asyncProperty(headers, async (given) => {
          const some = await list(given, role);
          expect(some.filter((tool) => !whole.includes(tool))).toEqual([]);
          expect(some).toContain('crm_stat');
        }),
        { numRuns: 300 },
      );
    }
  });

  test('with unknown names select only crm_stat', async () => {
    expect(await list({ 'x-mcp-toolsets': 'loyalti' })).toEqual(['crm_stat']);
    expect(await list({ 'x-mcp-tools': 'customer_get', 'x-mcp-toolsets': 'nobody' })).toEqual(['crm_stat']);
  });

  test('that are empty do not narrow the list', async () => {
    expect(await list({ 'x-mcp-toolsets': ' ', 'x-mcp-tools': '' })).toEqual(EVERY);
  });

  test.each([
    ['true', true],
    ['1', true],
    ['TRUE', true],
    ['yes', true],
    ['what?', true],
    ['false', false],
    ['False', false],
    ['0', false],
    ['', false],
  ])('x-mcp-readonly %j sets read-only to %s', async (value, readOnly) => {
    const reads = CONTRACT.operations.filter(({ effect }) => effect === 'read').map(toolName);
    expect(await list({ 'x-mcp-readonly': value })).toEqual(readOnly ? reads.sort() : EVERY);
  });
});

describe('operating context set by the connection', () => {
  const CONTEXT_FIELDS = { 'x-logical-guid': 'logical_guid', 'x-channel-code': 'channel_code', 'x-cccode': 'cccode' };

  test.each(ALL_PINNED_FIELDS.map((pins) => [pins]))(
    'combination %i: the set fields are no longer arguments, and the rest is unchanged',
    (pins) => {
      const given = Object.keys(CONTEXT_FIELDS).filter((_, bit) => (pins & (1 << bit)) !== 0);
      const headers = parseHeaders(Object.fromEntries(given.map((name) => [name, 'ABCD-EFGH-IJKL'])));
      expect(pinnedFieldsOf(headers)).toBe(pins);
      const removed = given.map((name) => CONTEXT_FIELDS[name as keyof typeof CONTEXT_FIELDS]);
      for (const { operation, tool, pinned } of world.application.catalogue.entries) {
        const seen = pinned(pins);
        expect(pinned(pins)).toBe(seen);
        expect(Object.isFrozen(seen)).toBe(true);
        const before = Object.entries(tool.inputSchema.properties as object);
        const left = operation.operational ? before.filter(([name]) => !removed.includes(name)) : before;
        expect({ ...seen, inputSchema: { ...seen.inputSchema, properties: undefined } }).toEqual({
          ...tool,
          inputSchema: { ...tool.inputSchema, properties: undefined },
        });
        expect(Object.entries(seen.inputSchema.properties as object)).toEqual(left);
        if (operation.operational) expect(before.map(([name]) => name)).toEqual(expect.arrayContaining(removed));
      }
    },
  );

  test('is not listed as an argument for a connection that sets it', async () => {
    const { pipeline, catalogue } = world.application;
    const tools = await visibleTools(pipeline, catalogue, parseHeaders(await world.headers()));
    const earn = tools.find(({ name }) => name === 'crm_loyalty_earn');
    expect(Object.keys(earn?.inputSchema.properties as object)).not.toContain('channel_code');
    expect(Object.keys(earn?.inputSchema.properties as object)).toContain('cccode');
  });
});
