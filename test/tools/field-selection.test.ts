/** The `fields` argument: a read returns the requested fields and the record's id, and rejects misspelt names. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import type { FieldNames } from '../../src/contract/response-fields.js';
import { toolName } from '../../src/tools/catalogue.js';
import { pickFields, splitFields } from '../../src/tools/field-selection.js';
import { dataWith } from '../support/answers.js';
import { RESPONSES } from '../support/responses.js';
import { used } from '../support/tool-use.js';
import { type Data, envelopeOf, errorOf, newCustomer, ok, openWorld, pathsOf, type World } from '../support/world.js';

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

/** Lists every field path of a response in the form that `fields` accepts. */
function namesIn(names: FieldNames, before = ''): string[] {
  return Object.entries(names).flatMap(([name, below]) => [`${before}${name}`, ...namesIn(below, `${before}${name}.`)]);
}

/** Lists the field paths of a value, through lists and maps. */
function pathsIn(value: unknown, before: readonly string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, before));
  if (typeof value !== 'object' || value === null) return [before.join('.')];
  return Object.entries(value).flatMap(([name, child]) => pathsIn(child, [...before, name]));
}

describe.each(reads)('%s', (_name, operation) => {
  const data = dataWith(RESPONSES.get(operation.id) ?? {}, 'text') as object;
  const names = operation.answerFields ?? {};
  const own = names.items ?? names;

  test('knows every field name of its response', () => {
    const known = new Set(namesIn(names));
    const found = pathsIn(data).filter((path) => !known.has(path) && ![...known].some((name) => name.endsWith('.*')));
    expect(found).toEqual([]);
  });

  test.each(namesIn(own).filter((name) => !name.includes('*')))(
    'returns only %s and the identifying fields of the record',
    (name) => {
      const { selection } = splitFields(operation, { fields: [name] });
      if (selection === undefined || 'issues' in selection) throw new Error(JSON.stringify(selection));
      const picked = pathsIn(pickFields(operation, data, selection.paths)).map((path) => path.replace(/^items\./, ''));
      const requested = picked.filter((path) => path === name || path.startsWith(`${name}.`));
      const id = Object.keys(own).find((field) => field.endsWith('_id'));
      const kept = new Set(['revision', 'masked_fields', 'next_token', id]);
      expect(picked.filter((path) => !requested.includes(path) && !kept.has(path))).toEqual([]);
      const whole = pathsIn(data).map((path) => path.replace(/^items\./, ''));
      expect(requested).toEqual(whole.filter((path) => path === name || path.startsWith(`${name}.`)));
    },
  );

  test('rejects an unknown name, and lists the names it has', () => {
    const { selection } = splitFields(operation, { fields: ['no_such_field'] });
    if (selection === undefined || 'paths' in selection) throw new Error('the unknown name was accepted');
    expect(selection.issues).toHaveLength(1);
    expect(selection.issues[0]?.expected).toContain(Object.keys(names)[0]);
  });
});

describe('a read with fields', () => {
  test('returns the requested fields of a record, its id and its revision', async () => {
    const { structured, answer } = await ask('crm_customer_get', {
      customer_id,
      fields: ['email', 'loyalty.points_balance'],
    });
    const data = { customer_id, revision: 1, email: 'fields@example.com', loyalty: { points_balance: 30 } };
    expect(structured).toEqual({ success: true, data });
    expect(answer).toEqual(structured);
  });

  test('returns the requested fields of every list item, and the next_token', async () => {
    const { structured } = await ask('crm_loyalty_ledger_list', { customer_id, limit: 2, fields: ['points'] });
    const item = { loyalty_txn_id: expect.any(String), points: 10 };
    expect(structured.data).toEqual({ items: [item, item], next_token: expect.any(String) });
    const rest = { customer_id, limit: 2, fields: ['points'], next_token: structured.data.next_token };
    expect((await ask('crm_loyalty_ledger_list', rest)).structured.data).toEqual({ items: [item], next_token: null });
  });

  test('selects fields within lists and maps, and fields next to the items', async () => {
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

  test('returns a list or a text from an offset', async () => {
    const { structured } = await ask('crm_customer_get', { customer_id, fields: ['addresses[1:]', 'email[7:]'] });
    expect(structured.data).toMatchObject({ email: 'example.com', addresses: [{ city: 'Basel' }] });
  });

  test('counts only visible characters in a text offset', async () => {
    const id = await newCustomer(world, { caption: 'Ti\u200bde \u{e0041}Ltd', attributes: { 'no\u200bte': 'x' } });
    const pick = async (fields: string[]) =>
      (await ask('crm_customer_get', { customer_id: id, fields })).structured.data;
    expect(await pick(['caption[5:]'])).toMatchObject({ caption: 'Ltd' });
    expect(await pick(['attributes.note'])).toMatchObject({ attributes: { note: 'x' } });
  });

  test('returns the whole record for an empty list, as without the argument', async () => {
    const { structured } = await ask('crm_customer_get', { customer_id });
    expect((await ask('crm_customer_get', { customer_id, fields: [] })).structured).toEqual(structured);
  });

  test('always includes masked_fields', async () => {
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

describe('the fields argument is rejected', () => {
  const issuesOf = async (args: object, tool = 'crm_customer_get'): Promise<Data> => {
    const { answer, isError } = await ask(tool, args);
    expect(isError).toBe(true);
    expect(answer).toMatchObject({ error_code: 'crm.validation_failed', http_status: 400 });
    return answer.details.issues;
  };

  test('with an issue and the valid names for every misspelt name, along with all other issues', async () => {
    const issues = await issuesOf({ customer_id: '', fields: ['email', 'adress', 'loyalty.point'], customr: 1 });
    expect(pathsOf({ details: { issues } } as never)).toEqual(['customer_id', 'customr', 'fields.1', 'fields.2']);
    expect(issues.find(({ path }: Data) => path === 'fields.1').expected).toContain('addresses');
    expect(issues.find(({ path }: Data) => path === 'fields.2').expected).toContain('points_balance');
  });

  test.each([
    ['that is not a list', 'email'],
    ['that is null', null],
    ['with a list of numbers', [1]],
    ['with an empty name', ['']],
    ['with a name of dots only', ['..']],
    ['with an overlong name', ['x'.repeat(201)]],
    ['with too many names', Array.from({ length: 51 }, () => 'email')],
    ['with an invalid offset', ['addresses[-1:]']],
    ['with a prototype name', ['__proto__']],
    ['with a method name', ['constructor.name']],
  ])('%s', async (_name, fields) => {
    for (const { path } of await issuesOf({ customer_id, fields })) expect(path).toMatch(/^fields/);
  });

  test('on a write and over plain HTTP, because it is not a field of the contract', async () => {
    const issues = await issuesOf({ customer: { caption: 'x' }, fields: ['email'] }, 'crm_customer_create');
    expect(issues[0].path).toBe('fields');
    expect(pathsOf(await errorOf(world, 'crm_customer_get', { customer_id, fields: ['email'] }))).toEqual(['fields']);
  });

  test('only after authentication', async () => {
    const { answer } = await used(world.application, 'crm_customer_get', { fields: 7 }, { 'x-orgcode': 'ACME' });
    expect(answer.error_code).toBe('crm.credentials_required');
  });
});

test('exactly the reads list the argument in their schema', () => {
  for (const { operation, tool } of world.application.catalogue.entries) {
    const shown = 'fields' in ((tool.inputSchema.properties ?? {}) as object);
    expect(shown, tool.name).toBe(operation.effect === 'read');
  }
});

test('an operation without a response schema accepts any name, and reports the names it did not find', async () => {
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

test('a read outside MCP returns the whole record', async () => {
  const envelope = await envelopeOf(world, 'crm_customer_get', { customer_id });
  expect(envelope.success && Object.keys(envelope.data).length).toBeGreaterThan(15);
});
