/** Contacts of B2B accounts: fields, linked customers, one primary contact per role, life cycle and lists. */
import { beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { accountActs } from '../support/accounts.js';
import { freshOrg } from '../support/loyalty.js';
import { endCustomer } from '../support/records.js';
import { useWorld } from '../support/use-world.js';
import { type Data, newCustomer, pathsOf } from '../support/world.js';

const world = useWorld({ atEnd: 'ledgers' });
const acts = accountActs(world);
let account_id: string;
beforeAll(async () => {
  account_id = await acts.idOf();
});

const add = (contact: object = {}): Promise<Data> =>
  acts.act('contact_create', { contact: { account_id, caption: 'Test Contact', ...contact } });
const read = (account_contact_id: string): Promise<Data> => acts.act('contact_get', { account_contact_id });
const update = (account_contact_id: string, contact: object, expected_revision: number | string = 1) => ({
  account_contact_id,
  contact,
  expected_revision,
});
const setStatus = (account_contact_id: string, status: string, expected_revision = 1) => ({
  account_contact_id,
  status,
  expected_revision,
  reason: 'test',
});

describe('creating', () => {
  test('keeps what was typed in its one normal form', async () => {
    const customer_id = await newCustomer(world);
    const made = await add({
      customer_id,
      caption: ' Zoe\u0301 ',
      email: ' Zoe.Brandt@Example.COM ',
      phone: '(212) 555-0123',
      role: 'payer',
    });
    const { account_contact_id, created_at, updated_at, ...rest } = made;
    expect(created_at).toBe(updated_at);
    expect(rest).toEqual({
      orgcode: 'ACME',
      account_id,
      customer_id,
      status: 'active',
      revision: 1,
      caption: 'Zoé',
      given_name: null,
      family_name: null,
      email: 'zoe.brandt@example.com',
      phone: '+12125550123',
      role: 'payer',
      is_primary: false,
    });
    expect(await read(account_contact_id)).toEqual(made);
  });

  test.each([
    ['nothing to know them by', { role: 'buyer' }, ['contact']],
    ['half a name', { given_name: 'Ada' }, ['contact']],
    ['a blank caption', { caption: '  ' }, ['contact.caption']],
    ['no phone number', { phone: '123' }, ['contact.phone']],
    ['no e-mail address', { email: 'nobody' }, ['contact.email']],
    ['an unknown role', { caption: 'x', role: 'king' }, ['contact.role']],
    ['a status', { caption: 'x', status: 'active' }, ['contact.status']],
  ])('rejects %s, naming it', async (_name, contact, paths) => {
    const error = await acts.deny('contact_create', { contact: { account_id, ...contact } });
    expect(pathsOf(error)).toEqual(paths);
  });

  test('needs an account and a customer that are there', async () => {
    const foreign = await newCustomer(world, {}, await freshOrg(world));
    for (const wrong of [{ account_id: 'nobody' }, { customer_id: 'nobody' }, { customer_id: foreign }]) {
      const contact = { account_id, caption: 'x', ...wrong };
      expect((await acts.deny('contact_create', { contact })).error_code).toBe('crm.not_found');
    }
  });

  test('is rejected for a merged customer, and names the survivor to link instead', async () => {
    const survivor = await newCustomer(world);
    const customer_id = await newCustomer(world);
    await endCustomer(world, customer_id, 'merged', survivor);
    expect(await acts.deny('contact_create', { contact: { account_id, customer_id } })).toMatchObject({
      error_code: 'crm.customer_not_active',
      details: { merged_into_customer_id: survivor },
    });
  });

  test('is rejected on a closed account', async () => {
    const closed = await acts.idOf();
    await acts.act('status_set', acts.setStatus(closed, 'closed', 1));
    const contact = { account_id: closed, caption: 'x' };
    expect((await acts.deny('contact_create', { contact })).error_code).toBe('crm.account_closed');
  });

  test('takes effect once for an idempotency_key', async () => {
    const own = await acts.idOf();
    const create = { contact: { account_id: own, caption: 'Once' }, idempotency_key: 'contact-once' };
    const [first, second] = await Promise.all([acts.act('contact_create', create), acts.act('contact_create', create)]);
    expect(second).toEqual(first);
    expect((await acts.act('contact_list', { account_id: own })).items).toHaveLength(1);
  });
});

describe('updating', () => {
  test('changes what is given, clears what is null, leaves the rest', async () => {
    const { account_contact_id } = await add({ email: 'old@example.com', phone: '+12125550177' });
    const patch = { email: ' NEW@example.com', phone: null, customer_id: await newCustomer(world) };
    const next = await acts.act('contact_update', update(account_contact_id, patch, '1'));
    expect(next).toMatchObject({ ...patch, email: 'new@example.com', caption: 'Test Contact', revision: 2 });
    expect(await read(account_contact_id)).toEqual(next);
    const unlinked = await acts.act('contact_update', update(account_contact_id, { customer_id: null }, 2));
    expect(unlinked.customer_id).toBe(null);
  });

  test('cannot move to another account, nor clear role or is_primary', async () => {
    const { account_contact_id } = await add();
    for (const contact of [{ account_id }, { role: null }, { is_primary: null }]) {
      const error = await acts.deny('contact_update', update(account_contact_id, contact));
      expect(pathsOf(error)).toEqual([`contact.${Object.keys(contact)[0]}`]);
    }
  });

  test('needs a customer that is there', async () => {
    const { account_contact_id } = await add();
    const wrong = update(account_contact_id, { customer_id: 'nobody' });
    expect((await acts.deny('contact_update', wrong)).error_code).toBe('crm.not_found');
  });

  test('needs the revision it was read at: 428 without, 409 with the record when stale', async () => {
    const { account_contact_id } = await add();
    const without = await acts.deny('contact_update', { account_contact_id, contact: { caption: 'x' } });
    expect(without).toMatchObject({ http_status: 428 });
    await acts.act('contact_update', update(account_contact_id, { caption: 'Winner' }));
    expect(await acts.deny('contact_update', update(account_contact_id, { caption: 'Loser' }))).toMatchObject({
      error_code: 'crm.conflict_revision',
      conflict_snapshot: { caption: 'Winner', revision: 2, is_primary: false },
    });
  });
});

describe('the primary contact', () => {
  test('of a role gives way to a new one, and its revision moves on', async () => {
    const own = await acts.idOf();
    const first = await add({ account_id: own, role: 'buyer', is_primary: true });
    const payer = await add({ account_id: own, role: 'payer', is_primary: true });
    const second = await add({ account_id: own, role: 'buyer', is_primary: true });
    expect(second).toMatchObject({ is_primary: true, revision: 1 });
    expect(await read(first.account_contact_id)).toMatchObject({ is_primary: false, revision: 2 });
    expect(await read(payer.account_contact_id)).toMatchObject({ is_primary: true, revision: 1 });
    const back = await acts.act('contact_update', update(first.account_contact_id, { is_primary: true }, 2));
    expect(back).toMatchObject({ is_primary: true, revision: 3 });
    expect(await read(second.account_contact_id)).toMatchObject({ is_primary: false, revision: 2 });
  });

  test('stays unchanged when it is set again or another field changes', async () => {
    const own = await acts.idOf();
    const { account_contact_id } = await add({ account_id: own, is_primary: true });
    await acts.act('contact_update', update(account_contact_id, { is_primary: true }));
    expect(await acts.act('contact_update', update(account_contact_id, { caption: 'x' }, 2))).toMatchObject({
      is_primary: true,
      revision: 3,
    });
  });

  test('is lost when the role changes, unless the contact becomes primary there too', async () => {
    const own = await acts.idOf();
    const approver = await add({ account_id: own, role: 'approver', is_primary: true });
    const { account_contact_id } = await add({ account_id: own, role: 'buyer', is_primary: true });
    const moved = await acts.act('contact_update', update(account_contact_id, { role: 'approver' }));
    expect(moved).toMatchObject({ role: 'approver', is_primary: false });
    expect(await read(approver.account_contact_id)).toMatchObject({ is_primary: true, revision: 1 });
    const seller = await add({ account_id: own, role: 'sales_rep', is_primary: true });
    const both = update(seller.account_contact_id, { role: 'approver', is_primary: true });
    expect(await acts.act('contact_update', both)).toMatchObject({ role: 'approver', is_primary: true });
    expect(await read(approver.account_contact_id)).toMatchObject({ is_primary: false, revision: 2 });
  });

  test('is one, however many are made primary at once', async () => {
    const own = await acts.idOf();
    await Promise.all(Array.from({ length: 20 }, () => add({ account_id: own, role: 'buyer', is_primary: true })));
    const { items } = await acts.act('contact_list', { account_id: own, limit: 50 });
    expect(items.filter((item: Data) => item.is_primary)).toHaveLength(1);
    expect(items.filter((item: Data) => item.revision === 1 && !item.is_primary)).toEqual([]);
  });

  test('must be active, and stops being primary when it is not', async () => {
    const own = await acts.idOf();
    const { account_contact_id } = await add({ account_id: own, is_primary: true });
    const away = await acts.act('contact_status_set', setStatus(account_contact_id, 'inactive'));
    expect(away).toMatchObject({ status: 'inactive', is_primary: false });
    expect(await acts.deny('contact_update', update(account_contact_id, { is_primary: true }, 2))).toMatchObject({
      error_code: 'crm.account_contact_not_active',
      details: { status: 'inactive' },
    });
    const back = await acts.act('contact_status_set', setStatus(account_contact_id, 'active', 2));
    expect(back).toMatchObject({ status: 'active', is_primary: false });
  });
});

describe('the life cycle', () => {
  const ALLOWED: { readonly [from: string]: readonly string[] } = {
    active: ['inactive', 'doomed'],
    inactive: ['active', 'doomed'],
    doomed: [],
  };
  const statuses = Object.keys(ALLOWED);

  test.each(statuses.flatMap((from) => statuses.map((to) => [from, to] as const)))(
    'from %s to %s is as the contract says',
    async (from, to) => {
      const { account_contact_id } = await add();
      const revision = from === 'active' ? 1 : 2;
      if (from !== 'active') await acts.act('contact_status_set', setStatus(account_contact_id, from));
      const change = setStatus(account_contact_id, to, revision);
      if (ALLOWED[from]?.includes(to)) {
        expect(await acts.act('contact_status_set', change)).toMatchObject({ status: to, revision: revision + 1 });
        return;
      }
      expect(await acts.deny('contact_status_set', change)).toMatchObject({
        error_code: 'crm.account_contact_transition',
        http_status: 409,
        details: { from, to, allowed: ALLOWED[from] },
      });
    },
  );

  test('ends with doomed: nothing changes it any more', async () => {
    const { account_contact_id } = await add();
    await acts.act('contact_status_set', setStatus(account_contact_id, 'doomed'));
    const late = update(account_contact_id, { caption: 'x' }, 2);
    expect((await acts.deny('contact_update', late)).error_code).toBe('crm.account_contact_doomed');
  });

  test('needs a reason and a revision', async () => {
    const { account_contact_id } = await add();
    const change = { account_contact_id, status: 'inactive' };
    expect(pathsOf(await acts.deny('contact_status_set', { ...change, expected_revision: 1 }))).toEqual(['reason']);
    expect(await acts.deny('contact_status_set', { ...change, reason: 'x' })).toMatchObject({ http_status: 428 });
    const stale = setStatus(account_contact_id, 'inactive', 9);
    expect((await acts.deny('contact_status_set', stale)).error_code).toBe('crm.conflict_revision');
  });
});

describe('a list', () => {
  test('shows one account, newest first, without the doomed, by role and status', async () => {
    const own = await acts.idOf();
    const made: Data = {};
    for (const [name, role] of Object.entries({ a: 'buyer', b: 'payer', c: 'buyer', d: 'buyer' })) {
      made[name] = (await add({ account_id: own, role })).account_contact_id;
    }
    await acts.act('contact_status_set', setStatus(made.a, 'inactive'));
    await acts.act('contact_status_set', setStatus(made.d, 'doomed'));
    const list = async (args: object) =>
      (await acts.act('contact_list', { account_id: own, ...args })).items.map((item: Data) => item.account_contact_id);
    expect(await list({})).toEqual([made.c, made.b, made.a]);
    expect(await list({ role: 'buyer' })).toEqual([made.c, made.a]);
    expect(await list({ role: 'buyer', status: 'active' })).toEqual([made.c]);
    expect(await list({ status: 'doomed' })).toEqual([made.d]);
    expect(await list({ status: 'all' })).toEqual([made.d, made.c, made.b, made.a]);
  });

  test('read to its end shows each contact once, while records are added', async () => {
    const own = await acts.idOf();
    const made: string[] = [];
    for (let index = 0; index < 11; index += 1) made.push((await add({ account_id: own })).account_contact_id);
    const seen: string[] = [];
    let next_token: string | null = null;
    do {
      const page: Data = await acts.act('contact_list', {
        account_id: own,
        limit: 4,
        ...(next_token === null ? {} : { next_token }),
      });
      seen.push(...page.items.map((item: Data) => item.account_contact_id));
      next_token = page.next_token;
      await add({ account_id: own });
    } while (next_token !== null);
    expect(seen).toEqual(made.toReversed());
  });

  test('needs an account that is there', async () => {
    expect(pathsOf(await acts.deny('contact_list', {}))).toEqual(['account_id']);
    expect((await acts.deny('contact_list', { account_id: 'nobody' })).error_code).toBe('crm.not_found');
  });
});

test('a contact of another org is the same 404 to every tool', async () => {
  const elsewhere = accountActs(world, await freshOrg(world));
  const contact = { account_id: await elsewhere.idOf(), caption: 'x' };
  const { account_contact_id } = await elsewhere.act('contact_create', { contact });
  const calls: [string, object][] = [
    ['contact_get', { account_contact_id }],
    ['contact_update', update(account_contact_id, { caption: 'y' })],
    ['contact_status_set', setStatus(account_contact_id, 'doomed')],
  ];
  for (const [tool, args] of calls) expect((await acts.deny(tool, args)).error_code, tool).toBe('crm.not_found');
});

test('who a contact is, is marked as personal and as untrusted text', () => {
  const operation = CONTRACT.operations.find(({ id }) => id === 'account_contact_list');
  const names = ['caption', 'given_name', 'family_name'].map((field) => `items.*.${field}`);
  expect(operation?.personal).toEqual([...names, 'items.*.email', 'items.*.phone']);
  expect(operation?.untrusted).toEqual(operation?.personal);
});
