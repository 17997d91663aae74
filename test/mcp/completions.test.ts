/** Completions: at most ten values from the caller's own org, and none for callers that may not read them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { CLIENTS } from '../support/clients.js';
import { openTestTransport, type TestTransport } from '../support/transports.js';
import { newCustomer, ok, openWorld, type World } from '../support/world.js';

const CUSTOMER = { type: 'ref/resource', uri: 'crm://customers/{customer_id}' };
const LEDGER = { type: 'ref/resource', uri: 'crm://customers/{customer_id}/ledger' };
const CARD = { type: 'ref/resource', uri: 'crm://giftcards/{giftcard_id}' };
const TOOL = { type: 'ref/resource', uri: 'crm://openapi/{tool}' };
const LOOK_UP = { type: 'ref/prompt', name: 'look_up_customer' };
const HOLDS = { type: 'ref/prompt', name: 'review_holds' };

let world: World;
let transport: TestTransport;
let owner: Headers;
let anna: string;
const others: string[] = [];
beforeAll(async () => {
  world = await openWorld();
  transport = await openTestTransport(world);
  owner = await world.headers();
  anna = await newCustomer(world, { caption: 'Anna Quist' });
  for (let count = 0; count < 14; count += 1) others.push(await newCustomer(world, { caption: `Berta ${count}` }));
  const reason = 'test';
  for (const flag of ['vip', 'vip_plus', 'slow_payer']) {
    await ok(world, 'crm_customer_flag_set', { customer_id: anna, flag, active: true, reason });
    await ok(world, 'crm_customer_flag_set', { customer_id: others[0], flag, active: true, reason });
  }
  const tiers = ['silver', 'si\u200Blent', 'gold'].map((tier, index) => ({ tier, min_lifetime_points: index * 10 }));
  await ok(world, 'crm_loyalty_policy_set', { policy: { enabled: true, tiers }, reason });
  await newCustomer(world, { caption: 'Foreigner' }, await world.headers('owner', 'OTHER'));
});
afterAll(async () => {
  await transport.close();
  await world.close();
});

async function complete(ref: object, name: string, value: string, headers = owner) {
  const { result, error } = await transport.ask(headers, 'completion/complete', { ref, argument: { name, value } });
  if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
  return result.completion as { values: string[]; hasMore: boolean };
}

const valuesOf = async (...args: Parameters<typeof complete>) => (await complete(...args)).values;

describe('customer completions', () => {
  test.each([
    ['for the customer template', CUSTOMER, 'customer_id'],
    ['for the ledger template', LEDGER, 'customer_id'],
    ['for a prompt argument', LOOK_UP, 'customer'],
  ])('%s match words or an id prefix, or are the newest ten', async (_name, ref, argument) => {
    expect(await valuesOf(ref, argument, 'qui')).toEqual([anna]);
    expect(await valuesOf(ref, argument, anna.slice(0, -2))).toContain(anna);
    expect(await complete(ref, argument, '')).toEqual({ values: others.slice(-10).reverse(), hasMore: true });
    expect(await complete(ref, argument, 'berta')).toMatchObject({ values: { length: 10 }, hasMore: true });
    expect(await complete(ref, argument, 'nobody')).toEqual({ values: [], hasMore: false });
    expect(await complete(ref, argument, '!?')).toEqual({ values: [], hasMore: false });
  });

  test('never include a customer of another org', async () => {
    expect(await valuesOf(CUSTOMER, 'customer_id', 'foreigner')).toEqual([]);
  });

  test('are empty for an overlong value', async () => {
    expect(await valuesOf(CUSTOMER, 'customer_id', 'berta '.repeat(100))).toEqual([]);
  });
});

test('flag completions are the flags in use, each once', async () => {
  expect((await valuesOf(LOOK_UP, 'flag', '')).sort()).toEqual(['slow_payer', 'vip', 'vip_plus']);
  expect((await valuesOf(LOOK_UP, 'flag', 'VIP')).sort()).toEqual(['vip', 'vip_plus']);
});

test('tier completions are the tiers of the policy, without invisible characters', async () => {
  expect(await valuesOf(LOOK_UP, 'tier', 'si')).toEqual(['silver', 'silent']);
});

test('status completions are the enum values of the contract', async () => {
  expect(await valuesOf(HOLDS, 'status', '')).toEqual(['active', 'released', 'confirmed', 'all']);
  expect(await valuesOf(HOLDS, 'status', 'r')).toEqual(['released']);
  expect(await valuesOf(HOLDS, 'scope', '')).toEqual(['all', 'loyalty', 'stored_value']);
  const certificates = { type: 'ref/prompt', name: 'expiring_certificates' };
  expect(await valuesOf(certificates, 'status', 'p')).toEqual(['pending']);
});

test('protocol sections are completed by prefix', async () => {
  const section = { type: 'ref/resource', uri: 'crm://protocol/{section}' };
  expect(await valuesOf(section, 'section', 'E')).toEqual(['endpoint-inventory', 'envelopes', 'error-atlas']);
  expect(await complete(section, 'section', '')).toMatchObject({ values: { length: 10 }, hasMore: true });
});

test('tools are completed with or without the crm_ prefix', async () => {
  const loyalty = CONTRACT.operations.map(({ id }) => `crm_${id}`).filter((name) => name.startsWith('crm_loyalty'));
  expect(await valuesOf(TOOL, 'tool', 'crm_loyalty')).toEqual(loyalty.sort());
  expect(await valuesOf(TOOL, 'tool', 'loyalty')).toEqual(loyalty);
  expect(await complete(TOOL, 'tool', '')).toMatchObject({ values: { length: 10 }, hasMore: true });
});

describe('completions are empty', () => {
  test('for a gift card, because no tool lists gift cards', async () => {
    await ok(world, 'crm_giftcard_issue', { amount: 5, currency: 'USD', reason: 'test' });
    expect(await valuesOf(CARD, 'giftcard_id', '')).toEqual([]);
  });

  test('for free text and for unknown arguments', async () => {
    expect(await valuesOf({ type: 'ref/prompt', name: 'giftcard_problem' }, 'problem', 'a')).toEqual([]);
    expect(await valuesOf(LOOK_UP, 'no_such', '')).toEqual([]);
    expect(await valuesOf(CUSTOMER, 'toString', '')).toEqual([]);
  });

  test.each([
    ['without credentials', async () => ({ 'x-orgcode': 'ACME' })],
    ['with bad credentials', async () => ({ 'x-orgcode': 'ACME', 'x-api-key': 'g3nk_nobody' })],
    ['from another org', async () => ({ ...(await world.headers('owner', 'OTHER')), 'x-orgcode': 'ACME' })],
    ['without a role', async () => world.headers('')],
  ])('without an error for a caller %s', async (_name, headersOf) => {
    const headers = await headersOf();
    for (const [ref, argument] of [
      [CUSTOMER, 'customer_id'],
      [LEDGER, 'customer_id'],
      [LOOK_UP, 'customer'],
      [LOOK_UP, 'flag'],
      [LOOK_UP, 'tier'],
    ] as const) {
      expect(await complete(ref, argument, '', headers)).toEqual({ values: [], hasMore: false });
    }
  });
});

test('an unknown prompt or resource template is a JSON-RPC error', async () => {
  await expect(complete({ type: 'ref/prompt', name: 'nope' }, 'x', '')).rejects.toMatchObject({ code: -32602 });
  const nowhere = { type: 'ref/resource', uri: 'crm://nowhere/{x}' };
  await expect(complete(nowhere, 'x', '')).rejects.toMatchObject({ code: -32602 });
});

test('completions write nothing', async () => {
  expect((await world.verify()).disagreements).toEqual([]);
});

test.each(Object.keys(CLIENTS) as (keyof typeof CLIENTS)[])('%s requests completions', async (name) => {
  const client = await CLIENTS[name]({ kind: 'http', url: transport.url, headers: owner as Record<string, string> });
  const { completion } = await client.features.complete({
    ref: CUSTOMER,
    argument: { name: 'customer_id', value: 'quist' },
  });
  expect(completion.values).toEqual([anna]);
  await client.close();
});
