/** B2B accounts: normalization of fields, account numbers, parents, partial updates and life cycle. */
import { describe, expect, test } from 'vitest';
import { accountActs, CREDIT } from '../support/accounts.js';
import { freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, pathsOf } from '../support/world.js';

const world = useWorld();
const acts = accountActs(world);

const read = (account_id: string): Promise<Data> => acts.act('get', { account_id });
const update = (account_id: string, account: object, expected_revision: number | string = 1) => ({
  account_id,
  account,
  expected_revision,
});

describe('creating', () => {
  test('stores the fields in normalized form, as a draft', async () => {
    const account = {
      legal_name: '  Zoe\u0301 Foods Ltd ',
      trade_name: 'Zoe',
      account_number: ' A-1 ',
      tax_id: '12-3456789',
      terms: { net_days: 30, discount_percent: 2.5, discount_days: 10 },
      currency: 'USD',
      credit_limit: 1250.75,
      billing_address: { line1: ' 1 Main Street ', country: 'US' },
      shipping_addresses: [{ line1: '2 Side Street ' }],
      external_refs: [{ system: 'erp', ref: ' D-1 ' }],
      tags: ['cafe', ' cafe '],
      attributes: { seats: 40 },
    };
    const made = await acts.act('create', { account });
    expect(made).toMatchObject({
      status: 'draft',
      revision: 1,
      legal_name: 'Zoé Foods Ltd',
      account_number: 'A-1',
      terms: account.terms,
      credit_limit: 1250.75,
      credit_used: 0,
      credit_hold: false,
      billing_address: { line1: '1 Main Street', country: 'US' },
      shipping_addresses: [{ line1: '2 Side Street' }],
      external_refs: [{ system: 'erp', ref: 'D-1' }],
      tags: ['cafe'],
      attributes: { seats: 40 },
      parent_account_id: null,
    });
    expect(await read(made.account_id)).toEqual(made);
  });

  test('fills what was not given with null, nothing and false', async () => {
    const { account_id, orgcode, created_at, updated_at, ...rest } = await acts.act('create', {
      account: { legal_name: 'Bare' },
    });
    expect([account_id, orgcode, created_at === updated_at]).toEqual([expect.any(String), 'ACME', true]);
    expect(rest).toEqual({
      status: 'draft',
      revision: 1,
      account_number: null,
      legal_name: 'Bare',
      trade_name: null,
      tax_id: null,
      terms: null,
      currency: null,
      credit_limit: null,
      credit_used: 0,
      credit_hold: false,
      billing_address: null,
      shipping_addresses: [],
      parent_account_id: null,
      external_refs: [],
      tags: [],
      attributes: {},
    });
  });

  test.each([
    ['no legal name', {}, ['account.legal_name']],
    ['a blank legal name', { legal_name: ' ' }, ['account.legal_name']],
    ['a limit without its currency', { legal_name: 'x', credit_limit: 5 }, ['account.currency']],
    ['a limit finer than its currency', { legal_name: 'x', ...CREDIT, credit_limit: 0.001 }, ['account.credit_limit']],
    ['a limit below zero', { legal_name: 'x', ...CREDIT, credit_limit: -1 }, ['account.credit_limit']],
    ['an unknown currency', { legal_name: 'x', currency: 'QQQ' }, ['account.currency']],
    ['used credit, which only consume moves', { legal_name: 'x', credit_used: 5 }, ['account.credit_used']],
    ['a status beyond the beginning', { legal_name: 'x', status: 'closed' }, ['account.status']],
    ['terms without days', { legal_name: 'x', terms: {} }, ['account.terms.net_days']],
    [
      'a discount that outlasts the terms',
      { legal_name: 'x', terms: { net_days: 5, discount_percent: 1, discount_days: 6 } },
      ['account.terms.discount_days'],
    ],
    [
      'half a discount',
      { legal_name: 'x', terms: { net_days: 5, discount_percent: 1 } },
      ['account.terms.discount_days'],
    ],
    [
      'the other half',
      { legal_name: 'x', terms: { net_days: 5, discount_days: 1 } },
      ['account.terms.discount_percent'],
    ],
  ])('rejects %s, naming it', async (_name, account, paths) => {
    expect(pathsOf(await acts.deny('create', { account }))).toEqual(paths);
  });

  test('rejects a number that is taken, names the account that has it, and lets another org use it', async () => {
    const account_id = await acts.idOf({ account_number: 'N-1' });
    const taken = { error_code: 'crm.account_number_taken', details: { existing_account_id: account_id } };
    const again = { legal_name: 'Second', account_number: 'N-1 ' };
    expect(await acts.deny('create', { account: again })).toMatchObject({ http_status: 409, ...taken });
    const other = await acts.idOf();
    expect(await acts.deny('update', update(other, { account_number: 'N-1' }))).toMatchObject(taken);
    await acts.act('update', update(account_id, { account_number: 'N-1', tax_id: 'x' }));
    await accountActs(world, await freshOrg(world)).open({ account_number: 'N-1' });
  });

  test('takes effect once for an idempotency_key', async () => {
    const create = { account: { legal_name: 'Once' }, idempotency_key: 'account-once' };
    const [first, second] = await Promise.all([acts.act('create', create), acts.act('create', create)]);
    expect(second).toEqual(first);
    expect((await acts.act('list', { q: 'once' })).items).toHaveLength(1);
  });
});

describe('updating', () => {
  test('changes what is given, clears what is null, leaves the rest', async () => {
    const made = await acts.open({ ...CREDIT, trade_name: 'Old', tags: ['a'], terms: { net_days: 30 } });
    const patch = { legal_name: 'New', trade_name: null, tags: null, terms: null, credit_hold: true };
    const next = await acts.act('update', update(made.account_id, patch, '1'));
    expect(next).toMatchObject({ ...patch, tags: [], ...CREDIT, revision: 2 });
    expect(await read(made.account_id)).toEqual(next);
  });

  test('cannot clear what an account always has', async () => {
    const account_id = await acts.idOf();
    for (const field of ['legal_name', 'credit_hold', 'status']) {
      expect(pathsOf(await acts.deny('update', update(account_id, { [field]: null })))).toEqual([`account.${field}`]);
    }
  });

  test('needs the revision it was read at: 428 without, 409 with the record when stale', async () => {
    const account_id = await acts.idOf();
    const without = await acts.deny('update', { account_id, account: { trade_name: 'x' } });
    expect(without).toMatchObject({ http_status: 428 });
    await acts.act('update', update(account_id, { trade_name: 'Winner' }));
    const stale = await acts.deny('update', update(account_id, { trade_name: 'Loser' }));
    expect(stale).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '1', current_revision: '2' },
      conflict_snapshot: { trade_name: 'Winner', revision: 2, credit_used: 0 },
    });
  });

  test('keeps the limit and its currency together', async () => {
    const account_id = await acts.idOf({ ...CREDIT });
    const bare = await acts.idOf();
    expect(pathsOf(await acts.deny('update', update(bare, { credit_limit: 5 })))).toEqual(['account.currency']);
    for (const currency of ['JPY', null]) {
      const alone = await acts.deny('update', update(account_id, { currency }));
      expect(pathsOf(alone)).toEqual(['account.credit_limit']);
    }
    const yen = await acts.act('update', update(account_id, { currency: 'JPY', credit_limit: 150_000 }));
    expect(yen).toMatchObject({ currency: 'JPY', credit_limit: 150_000 });
    const none = await acts.act('update', update(account_id, { currency: null, credit_limit: null }, 2));
    expect(none).toMatchObject({ currency: null, credit_limit: null, credit_used: 0 });
  });

  test('keeps the currency while credit is used, and lets the limit fall below what is used', async () => {
    const account_id = await acts.idOf({ ...CREDIT });
    const moved = { account_id, amount: 600, currency: 'USD', reason: 'order' };
    await acts.act('credit_consume', moved);
    const euros = await acts.deny('update', update(account_id, { currency: 'EUR', credit_limit: 900 }, 2));
    expect(euros).toMatchObject({
      error_code: 'crm.account_credit_in_use',
      details: { credit_used: 600, currency: 'USD' },
    });
    const lowered = await acts.act('update', update(account_id, { credit_limit: 100 }, 2));
    expect(lowered).toMatchObject({ credit_limit: 100, credit_used: 600 });
    const more = await acts.deny('credit_consume', { ...moved, amount: 1 });
    expect(more).toMatchObject({ error_code: 'crm.credit_exceeded' });
    const cleared = await acts.act('update', update(account_id, { credit_limit: null }, 3));
    expect(cleared).toMatchObject({ credit_limit: null, credit_used: 600, currency: 'USD' });
    await acts.act('credit_release', moved);
    expect(await acts.act('update', update(account_id, { currency: 'EUR' }, 5))).toMatchObject({ currency: 'EUR' });
  });

  test('is rejected on a closed account, after its revision was checked', async () => {
    const account_id = await acts.idOf();
    await acts.act('status_set', acts.setStatus(account_id, 'closed', 1));
    const late = update(account_id, { trade_name: 'x' }, 2);
    expect(await acts.deny('update', late)).toMatchObject({ error_code: 'crm.account_closed', http_status: 409 });
    expect(await acts.deny('update', { ...late, expected_revision: 1 })).toMatchObject({
      error_code: 'crm.conflict_revision',
    });
  });
});

describe('a parent', () => {
  const withParent = (parent_account_id: string) => acts.idOf({ parent_account_id });
  const denyParent = (account_id: string, parent_account_id: string) =>
    acts.deny('update', update(account_id, { parent_account_id }));

  test('must be an account of the same org', async () => {
    const foreign = await accountActs(world, await freshOrg(world)).idOf();
    for (const parent_account_id of ['nobody', foreign]) {
      const account = { legal_name: 'Orphan', parent_account_id };
      expect(await acts.deny('create', { account })).toMatchObject({ error_code: 'crm.not_found' });
    }
  });

  test('cannot be the account itself, nor one below it', async () => {
    const top = await acts.idOf();
    const middle = await withParent(top);
    const bottom = await withParent(middle);
    for (const below of [top, middle, bottom]) {
      expect((await denyParent(top, below)).error_code).toBe('crm.account_parent_circle');
    }
    await acts.act('update', update(bottom, { parent_account_id: top }));
    await acts.act('update', update(middle, { parent_account_id: bottom }));
    expect((await denyParent(top, middle)).error_code).toBe('crm.account_parent_circle');
  });

  test('is rejected if the account would have more than 16 ancestors', async () => {
    let lowest = await acts.idOf();
    for (let depth = 1; depth <= 16; depth += 1) lowest = await withParent(lowest);
    const account = { legal_name: 'Too deep', parent_account_id: lowest };
    expect((await acts.deny('create', { account })).error_code).toBe('crm.account_too_deep');
  });
});

describe('the life cycle', () => {
  const ALLOWED: { readonly [from: string]: readonly string[] } = {
    draft: ['active', 'closed'],
    active: ['suspended', 'closed'],
    suspended: ['active', 'closed'],
    closed: [],
  };
  const statuses = Object.keys(ALLOWED);
  const pairs = statuses.flatMap((from) => statuses.map((to) => [from, to] as const));

  async function accountIn(status: string): Promise<Data> {
    const born = status === 'draft' ? 'draft' : 'active';
    const made = await acts.open({ status: born });
    return born === status ? made : acts.act('status_set', acts.setStatus(made.account_id, status, 1));
  }

  test.each(pairs)('from %s to %s follows the contract', async (from, to) => {
    const { account_id, revision } = await accountIn(from);
    const change = acts.setStatus(account_id, to, revision);
    if (ALLOWED[from]?.includes(to)) {
      expect(await acts.act('status_set', change)).toMatchObject({ status: to, revision: revision + 1 });
      return;
    }
    expect(await acts.deny('status_set', change)).toMatchObject({
      error_code: 'crm.account_transition',
      http_status: 409,
      major: { tag: 'invalid-state' },
      details: { from, to, allowed: ALLOWED[from] },
    });
  });

  test('does not close while credit is used', async () => {
    const account_id = await acts.idOf({ ...CREDIT });
    const moved = { account_id, amount: 10, currency: 'USD', reason: 'test' };
    await acts.act('credit_consume', moved);
    expect(await acts.deny('status_set', acts.setStatus(account_id, 'closed', 2))).toMatchObject({
      error_code: 'crm.account_credit_in_use',
      details: { credit_used: 10, credit_limit: 1000, currency: 'USD' },
    });
    await acts.act('credit_release', moved);
    await acts.act('status_set', acts.setStatus(account_id, 'closed', 3));
  });

  test('needs a reason and a revision', async () => {
    const account_id = await acts.idOf();
    const change = { account_id, status: 'suspended' };
    expect(pathsOf(await acts.deny('status_set', { ...change, expected_revision: 1 }))).toEqual(['reason']);
    expect(await acts.deny('status_set', { ...change, reason: 'x' })).toMatchObject({ http_status: 428 });
    const stale = { ...change, reason: 'x', expected_revision: 7 };
    expect((await acts.deny('status_set', stale)).error_code).toBe('crm.conflict_revision');
  });
});

test('an account of another org is the same 404 to every tool', async () => {
  const account_id = await accountActs(world, await freshOrg(world)).idOf({ ...CREDIT });
  const money = { account_id, amount: 1, currency: 'USD', reason: 'x' };
  const calls: [string, object][] = [
    ['get', { account_id }],
    ['update', update(account_id, { trade_name: 'x' })],
    ['status_set', acts.setStatus(account_id, 'closed', 1)],
    ['credit_consume', money],
    ['credit_release', money],
    ['contact_create', { contact: { account_id, caption: 'x' } }],
    ['contact_list', { account_id }],
  ];
  const absent = await errorOf(world, 'crm_customer_get', { customer_id: 'nobody' });
  for (const [tool, args] of calls) {
    const { request_id: _, trace_id: __, ...error } = await acts.deny(tool, args);
    expect(absent, tool).toMatchObject(error);
  }
});
