/** `fields`: a read answers what was asked for and what names it, and a misspelt field is never lost silently. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import type { FieldNames } from '../../src/contract/response-fields.js';
import { toolName } from '../../src/tools/catalogue.js';
import { pickFields, splitFields } from '../../src/tools/field-selection.js';
import { dataWith } from '../support/answers.js';
import { RESPONSES } from '../support/responses.js';
import { used } from '../support/tool-use.js';
import { type Data, envelopeOf, newCustomer, ok, openWorld, pathsOf, refused, type World } from '../support/world.js';

let world: World;
let customer_id: string;
beforeAll(async () => {
  world = await openWorld();
  const addresses = [
    { kind: 'home', city: 'Bern', country: 'CH' },
    { kind: 'work', city: 'Basel', country: 'CH' },
  ];
  const attributes = { shoe_size: 42, colour: 'red' };
  customer_id = await newCustomer(world, { email: 'fields@example.com', addresses, attributes });
  for (let count = 0; count < 3; count += 1) await ok(world, 'crm_loyalty_earn', { customer_id, points: 10 });
});
afterAll(() => world.close());

const READS = CONTRACT.operations.filter(({ effect }) => effect === 'read');
const reads = READS.map((operation) => [toolName(operation), operation] as const);

const ask = async (tool: string, args: object) => used(world.application, tool, args, await world.headers());

/** Every name of an answer, as it may be asked for. */
function namesIn(names: FieldNames, before = ''): string[] {
  return Object.entries(names).flatMap(([name, below]) => [`${before}${name}`, ...namesIn(below, `${before}${name}.`)]);
}

/** The paths that a value has, through lists and maps. */
function pathsIn(value: unknown, before: readonly string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, before));
  if (typeof value !== 'object' || value === null) return [before.join('.')];
  return Object.entries(value).flatMap(([name, child]) => pathsIn(child, [...before, name]));
}

describe.each(reads)('%s', (_name, operation) => {
  const data = dataWith(RESPONSES.get(operation.id) ?? {}, 'text') as object;
  const names = operation.answerFields ?? {};
  const own = names.items ?? names;

  test('knows the names of its answer', () => {
    const known = new Set(namesIn(names));
    const found = pathsIn(data).filter((path) => !known.has(path) && ![...known].some((name) => name.endsWith('.*')));
    expect(found).toEqual([]);
  });

  test.each(namesIn(own).filter((name) => !name.includes('*')))(
    'answers %s alone, and what names the record',
    (name) => {
      const { selection } = splitFields(operation, { fields: [name] });
      if (selection === undefined || 'issues' in selection) throw new Error(JSON.stringify(selection));
      const picked = pathsIn(pickFields(operation, data, selection.paths)).map((path) => path.replace(/^items\./, ''));
      const wanted = picked.filter((path) => path === name || path.startsWith(`${name}.`));
      const id = Object.keys(own).find((field) => field.endsWith('_id'));
      const kept = new Set(['revision', 'masked_fields', 'next_token', id]);
      expect(picked.filter((path) => !wanted.includes(path) && !kept.has(path))).toEqual([]);
      const whole = pathsIn(data).map((path) => path.replace(/^items\./, ''));
      expect(wanted).toEqual(whole.filter((path) => path === name || path.startsWith(`${name}.`)));
    },
  );

  test('refuses a name it does not have, and says which it has', () => {
    const { selection } = splitFields(operation, { fields: ['no_such_field'] });
    if (selection === undefined || 'paths' in selection) throw new Error('it was taken');
    expect(selection.issues).toHaveLength(1);
    expect(selection.issues[0]?.expected).toContain(Object.keys(names)[0]);
  });
});

describe('a read', () => {
  test('answers the fields of a record, its id and its revision', async () => {
    const { structured, answer } = await ask('crm_customer_get', {
      customer_id,
      fields: ['email', 'loyalty.points_balance'],
    });
    const data = { customer_id, revision: 1, email: 'fields@example.com', loyalty: { points_balance: 30 } };
    expect(structured).toEqual({ success: true, data });
    expect(answer).toEqual(structured);
  });

  test('answers them of every item of a list, and how to go on', async () => {
    const { structured } = await ask('crm_loyalty_ledger_list', { customer_id, limit: 2, fields: ['points'] });
    const item = { loyalty_txn_id: expect.any(String), points: 10 };
    expect(structured.data).toEqual({ items: [item, item], next_token: expect.any(String) });
    const rest = { customer_id, limit: 2, fields: ['points'], next_token: structured.data.next_token };
    expect((await ask('crm_loyalty_ledger_list', rest)).structured.data).toEqual({ items: [item], next_token: null });
  });

  test('goes into lists and free maps, and answers what is asked for beside the items', async () => {
    const args = { customer_id, fields: ['addresses.city', 'attributes.shoe_size', 'attributes.none'] };
    expect((await ask('crm_customer_get', args)).structured.data).toEqual({
      customer_id,
      revision: 1,
      addresses: [{ city: 'Bern' }, { city: 'Basel' }],
      attributes: { shoe_size: 42 },
    });
    const { structured } = await ask('crm_loyalty_ledger_list', { customer_id, fields: ['points_balance'] });
    expect(structured.data).toEqual({ points_balance: 30, next_token: null });
  });

  test('answers a list or a text from a place on', async () => {
    const { structured } = await ask('crm_customer_get', { customer_id, fields: ['addresses[1:]', 'email[7:]'] });
    expect(structured.data).toMatchObject({ email: 'example.com', addresses: [{ city: 'Basel' }] });
  });

  test('counts in a text what is seen of it', async () => {
    const seen = await newCustomer(world, { caption: 'Ti\u200bde \u{e0041}Ltd', attributes: { 'no\u200bte': 'x' } });
    const pick = async (fields: string[]) =>
      (await ask('crm_customer_get', { customer_id: seen, fields })).structured.data;
    expect(await pick(['caption[5:]'])).toMatchObject({ caption: 'Ltd' });
    expect(await pick(['attributes.note'])).toMatchObject({ attributes: { note: 'x' } });
  });

  test('answers all of it to an empty list, and without the argument', async () => {
    const { structured } = await ask('crm_customer_get', { customer_id });
    expect((await ask('crm_customer_get', { customer_id, fields: [] })).structured).toEqual(structured);
  });

  test('keeps what is masked told', async () => {
    const consents = { profile_access: 'denied' };
    await ok(world, 'crm_customer_consent_set', { customer_id, consents, reason: 'asked for it' });
    const headers = await world.headers('crm_view');
    const { structured } = await used(
      world.application,
      'crm_customer_get',
      { customer_id, fields: ['email'] },
      headers,
    );
    expect(structured.data.masked_fields).toContain('email');
    expect(structured.data.email).not.toBe('fields@example.com');
    expect(Object.keys(structured.data).sort()).toEqual(['customer_id', 'email', 'masked_fields', 'revision']);
  });
});

describe('is refused', () => {
  const issuesOf = async (args: object, tool = 'crm_customer_get'): Promise<Data> => {
    const { answer, isError } = await ask(tool, args);
    expect(isError).toBe(true);
    expect(answer).toMatchObject({ error_code: 'crm.validation_failed', http_status: 400 });
    return answer.details.issues;
  };

  test('with every misspelt name and what the record has instead, beside all else that is wrong', async () => {
    const issues = await issuesOf({ customer_id: '', fields: ['email', 'adress', 'loyalty.point'], customr: 1 });
    expect(pathsOf({ details: { issues } } as never)).toEqual(['customer_id', 'customr', 'fields.1', 'fields.2']);
    expect(issues.find(({ path }: Data) => path === 'fields.1').expected).toContain('addresses');
    expect(issues.find(({ path }: Data) => path === 'fields.2').expected).toContain('points_balance');
  });

  test.each([
    ['no list', 'email'],
    ['null', null],
    ['a list of numbers', [1]],
    ['an empty name', ['']],
    ['a name of nothing but dots', ['..']],
    ['a name that is too long', ['x'.repeat(201)]],
    ['too many names', Array.from({ length: 51 }, () => 'email')],
    ['a place that is none', ['addresses[-1:]']],
    ['a prototype', ['__proto__']],
    ['a method', ['constructor.name']],
  ])('%s', async (_name, fields) => {
    for (const { path } of await issuesOf({ customer_id, fields })) expect(path).toMatch(/^fields/);
  });

  test('on a write, and on every door but this: it is no field of the contract', async () => {
    const issues = await issuesOf({ customer: { caption: 'x' }, fields: ['email'] }, 'crm_customer_create');
    expect(issues[0].path).toBe('fields');
    expect(pathsOf(await refused(world, 'crm_customer_get', { customer_id, fields: ['email'] }))).toEqual(['fields']);
  });

  test('after who is calling was asked', async () => {
    const { answer } = await used(world.application, 'crm_customer_get', { fields: 7 }, { 'x-orgcode': 'ACME' });
    expect(answer.error_code).toBe('crm.credentials_required');
  });
});

test('every read shows the argument, and nothing else does', () => {
  for (const { operation, tool } of world.application.catalogue.entries) {
    const shown = 'fields' in ((tool.inputSchema.properties ?? {}) as object);
    expect(shown, tool.name).toBe(operation.effect === 'read');
  }
});

test('an operation whose answer nobody knows takes any name, and tells which it did not find', async () => {
  const [stat] = READS.filter(({ id }) => id === 'stat');
  const { answerFields: _, ...unknown } = stat as Operation;
  const entry = world.application.catalogue.find('crm_stat');
  const catalogue = { ...world.application.catalogue, find: () => entry && { ...entry, operation: unknown } };
  const application = { ...world.application, catalogue };
  const { structured } = await used(
    application,
    'crm_stat',
    { fields: ['org.orgcode', 'colour'] },
    await world.headers(),
  );
  expect(structured.data).toEqual({ org: { orgcode: 'ACME' } });
  expect(structured.next_steps).toEqual([expect.stringContaining('colour')]);
});

test('a read through no door of MCP is whole', async () => {
  const envelope = await envelopeOf(world, 'crm_customer_get', { customer_id });
  expect(envelope.success && Object.keys(envelope.data).length).toBeGreaterThan(15);
});
