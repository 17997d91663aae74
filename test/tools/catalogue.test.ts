/** Invariants of every tool. A failing test names the tool. */
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { issuesOf } from '../../src/contract/validate.js';
import { mayCall } from '../../src/pipeline/authorise.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { portabilityProblems, walkSchema } from '../support/portability.js';
import { RESPONSES, textFields } from '../support/responses.js';
import { CONTEXT_HEADERS, envelopeOf, openWorld, ROLES, timeless, type World } from '../support/world.js';

const { entries } = createCatalogue(CONTRACT);
const tools = entries.map((entry) => [entry.tool.name, entry] as const);

const OPERATIONAL = [
  'giftcard_issue',
  'giftcard_redeem',
  'loyalty_earn',
  'loyalty_redeem',
  'loyalty_restore',
  'loyalty_reverse',
];

/** Names of fields whose text only this program generates: ids, times, tokens, and the names listed. */
const GENERATED_SUFFIX = /(^|_)(id|ids|at|token)$/;
const GENERATED_NAMES = new Set([
  'actor',
  'author',
  'channel_code', // validated by a pattern, as header and as argument
  'cccode',
  'logical_guid',
  'masked_code',
  'orgcode',
  'roles',
  'version',
]);

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test('the tools are those of the contract, sorted by name', () => {
  const names = entries.map(({ tool }) => tool.name);
  expect(names).toEqual([...names].sort());
  expect(names).toHaveLength(58);
});

describe.each(tools)('%s', (name, { operation, tool }) => {
  test('has a description of 100 to 600 characters', () => {
    expect(tool.description.length).toBeGreaterThanOrEqual(100);
    expect(tool.description.length).toBeLessThanOrEqual(600);
  });

  test('has hints that agree with its effect', () => {
    const { readOnlyHint, destructiveHint, openWorldHint } = tool.annotations;
    expect(readOnlyHint).toBe(operation.effect === 'read');
    expect(readOnlyHint && destructiveHint).toBe(false);
    expect(openWorldHint).toBe(false);
  });

  test('has a name, a title and schemas that are portable across clients', () => {
    expect(portabilityProblems(tool)).toEqual([]);
    expect(JSON.stringify(tool.inputSchema)).not.toMatch(/api.?key|session|orgcode|credential/i);
  });

  test('bounds every string, array and integer of its request', () => {
    walkSchema(operation.requestSchema, (node, path) => {
      const bounded = node.enum ?? node.const ?? node.pattern ?? node.maxLength ?? node.format;
      if (node.type === 'string') expect(bounded, `${path} has no longest`).toBeDefined();
      if (node.type === 'array') expect(node.maxItems, `${path} has no most`).toBeDefined();
      const limited = ['maximum', 'default'].some((key) => key in node) || 'maximum' in node;
      if (node.type === 'integer' && !path.endsWith('/anyOf/0')) expect(limited, `${path} has no largest`).toBe(true);
    });
  });

  test('marks all text of its response as untrusted, except generated text', () => {
    const unmarked = textFields(RESPONSES.get(operation.id) ?? {}).filter(
      ({ untrusted, name: field, schema, path }) =>
        !untrusted &&
        (path.endsWith('{}') || !(GENERATED_SUFFIX.test(field) || GENERATED_NAMES.has(field))) &&
        schema['x-shown-once'] !== true,
    );
    expect(unmarked.map(({ path }) => path)).toEqual([]);
  });

  test('has valid examples, and at least one for POST', () => {
    if (operation.method === 'POST') expect(operation.examples.length).toBeGreaterThan(0);
    for (const example of operation.examples) {
      expect(issuesOf(operation.requestSchema, example.value), example.name).toEqual([]);
    }
  });

  test('has a definition of less than 800 tokens', () => {
    expect(encode(JSON.stringify(tool)).length).toBeLessThan(800);
  });

  const args = operation.examples[0]?.value ?? {};

  test('returns 401 without credentials and with bad credentials', async () => {
    const none = await envelopeOf(world, name, args, { 'x-orgcode': 'ACME', ...CONTEXT_HEADERS });
    expect(none).toMatchObject({ error: { error_code: 'crm.credentials_required', http_status: 401 } });
    for (const bad of [{ 'x-api-key': 'g3nk_nobody' }, { 'x-session-guid': 'g3ns_nobody' }]) {
      const answer = await envelopeOf(world, name, args, { 'x-orgcode': 'ACME', ...bad, ...CONTEXT_HEADERS });
      expect(answer).toMatchObject({ error: { error_code: 'crm.credentials_invalid', http_status: 401 } });
    }
    const noOrg = await envelopeOf(world, name, args, CONTEXT_HEADERS);
    expect(noOrg).toMatchObject({ error: { error_code: 'crm.orgcode_required', http_status: 400 } });
  });

  test('returns the same bytes for an org the caller is outside of, an unknown org and an unknown record', async () => {
    const mine = await world.headers('owner', 'OTHER');
    const unknownIds = JSON.parse(JSON.stringify(args).replace(/[A-Z]+_ID/g, '01a20000-0000-7000-8000-000000000000'));
    const outside = await envelopeOf(world, name, unknownIds, { ...mine, 'x-orgcode': 'ACME' });
    const unknown = await envelopeOf(world, name, unknownIds, { ...mine, 'x-orgcode': 'NOWHERE' });
    expect(outside).toMatchObject({ error: { http_status: 404, error_code: 'crm.not_found' } });
    expect(timeless(unknown)).toEqual(timeless(outside));
    const absent = await envelopeOf(world, name, unknownIds, mine);
    if (!absent.success && absent.error.http_status === 404) expect(timeless(absent)).toEqual(timeless(outside));
    else expect(JSON.stringify(unknownIds)).not.toContain('01a20000');
  });

  test('returns 403 to callers without its roles, and accepts all others', async () => {
    for (const role of ROLES) {
      const answer = await envelopeOf(world, name, args, await world.headers(role));
      const forbidden = !answer.success && answer.error.http_status === 403;
      const grants = { owner: false, roles: [role] };
      expect(forbidden, role).toBe(!mayCall(CONTRACT.roles, operation, grants));
      if (forbidden) expect(answer.error.details).toEqual({ required_roles: CONTRACT.roles[operation.access] });
    }
  });

  test('rejects an unknown field by name', async () => {
    const answer = await envelopeOf(world, name, { ...args, custmer_id: 'x' });
    expect(answer).toMatchObject({ error: { error_code: 'crm.validation_failed', http_status: 400 } });
    expect(JSON.stringify(answer)).toContain('custmer_id');
  });
});

test('operational tools require a facility and a channel', async () => {
  const { 'x-logical-guid': _facility, ...noFacility } = await world.headers();
  const { 'x-channel-code': _channel, ...noChannel } = await world.headers();
  const operational = entries.filter(({ operation }) => operation.operational);
  expect(operational.map(({ operation }) => operation.id)).toEqual(OPERATIONAL);
  for (const { operation, tool } of operational) {
    const args = operation.examples[0]?.value ?? {};
    const first = await envelopeOf(world, tool.name, args, noFacility);
    expect(first).toMatchObject({ error: { error_code: 'crm.logical_guid_required', http_status: 400 } });
    const second = await envelopeOf(world, tool.name, args, noChannel);
    expect(second).toMatchObject({ error: { error_code: 'crm.channel_code_required', http_status: 400 } });
  }
});
