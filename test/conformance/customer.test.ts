/** Customers: normalization of fields, uniqueness, partial updates, and lists that never skip or repeat. */
import { describe, expect, test } from 'vitest';
import { freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now });

const create = (customer: object, headers?: Data): Promise<Data> =>
  ok(world, 'crm_customer_create', { customer }, headers);
const denyCreate = (customer: object) => errorOf(world, 'crm_customer_create', { customer });
const read = (customer_id: string): Promise<Data> => ok(world, 'crm_customer_get', { customer_id });
const update = (customer_id: string, customer: object, expected_revision?: number | string) =>
  ({ customer_id, customer, ...(expected_revision === undefined ? {} : { expected_revision }) }) as const;

describe('creating', () => {
  test('keeps what was typed in its one normal form', async () => {
    const typed = {
      given_name: '  Zoe\u0301 ',
      family_name: 'Brandt',
      email: '  Zoe.Brandt@Example.COM ',
      phone: '(212) 555-0123',
      tags: ['vip', ' vip ', 'news'],
      birth_date: '1990-02-28',
      locale: 'de-CH',
      external_refs: [{ system: 'pos', ref: ' C-1 ' }],
      attributes: { shoe_size: 42, vegan: true },
    };
    const made = await create(typed);
    expect(made).toMatchObject({
      given_name: 'Zoé',
      email: 'zoe.brandt@example.com',
      phone: '+12125550123',
      tags: ['vip', 'news'],
      external_refs: [{ system: 'pos', ref: 'C-1' }],
      attributes: { shoe_size: 42, vegan: true },
      status: 'active',
      revision: 1,
      loyalty: { points_balance: 0, points_available: 0, lifetime_points: 0 },
      stored_value: [],
      consents: {},
      active_holds: 0,
      flags: [],
    });
    expect(await read(made.customer_id)).toEqual(made);
  });

  test.each([
    ['nothing to know them by', { company: 'Only Ltd' }, ['customer']],
    ['half a name', { given_name: 'Ada' }, ['customer']],
    ['a blank caption', { caption: '   ' }, ['customer.caption']],
    ['no phone number', { caption: 'x', phone: '12' }, ['customer.phone']],
    ['a day that never was', { caption: 'x', birth_date: '1990-02-30' }, ['customer.birth_date']],
    ['an unknown field', { caption: 'x', nickname: 'y' }, ['customer.nickname']],
    ['too many tags', { caption: 'x', tags: Array.from({ length: 21 }, (_, n) => `t${n}`) }, ['customer.tags']],
    ['an attribute that is a list', { caption: 'x', attributes: { a: [] } }, ['customer.attributes.a']],
    ['a country that is no code', { caption: 'x', addresses: [{ country: 'USA' }] }, ['customer.addresses.0.country']],
  ])('rejects %s, naming it', async (_name, customer, paths) => {
    expect(pathsOf(await denyCreate(customer))).toEqual(paths);
  });

  test('rejects an e-mail that is taken, in any spelling, and names the customer who has it', async () => {
    const made = await create({ caption: 'First', email: 'taken@example.com' });
    expect(await denyCreate({ caption: 'Second', email: ' TAKEN@example.com' })).toMatchObject({
      error_code: 'crm.customer_exists',
      http_status: 409,
      details: { existing_customer_id: made.customer_id },
    });
    await create({ caption: 'Elsewhere', email: 'taken@example.com' }, await world.headers('owner', 'OTHER'));
  });

  test('takes the notations of an international domain as one address, and shows its ASCII form', async () => {
    const made = await create({ caption: 'Ada', email: ' Ada@EXÄMPLE.com' });
    expect(made.email).toBe('ada@xn--exmple-cua.com');
    for (const email of ['ada@exämple.com', 'ada@xn--exmple-cua.com', 'ADA@XN--EXMPLE-CUA.COM', 'ada@exämple.com。']) {
      const { items } = await ok(world, 'crm_customer_search', { email });
      expect(items.map((item: Data) => item.customer_id)).toEqual([made.customer_id]);
      expect(await denyCreate({ email })).toMatchObject({ details: { existing_customer_id: made.customer_id } });
    }
    const other = await create({ caption: 'Other', email: 'ada@example.org' });
    const taken = await errorOf(
      world,
      'crm_customer_update',
      update(other.customer_id, { email: 'ada@exämple.com' }, 1),
    );
    expect(taken.error_code).toBe('crm.customer_exists');
    const duplicate = await create({ caption: 'Ada', email: 'ada+news@exämple.com' });
    const { items } = await ok(world, 'crm_customer_dedupe_list', { customer_id: made.customer_id });
    expect(items).toEqual([
      expect.objectContaining({ customer_ids: [made.customer_id, duplicate.customer_id].sort() }),
    ]);
  });

  test('keeps a domain that is not valid as it was typed, in lower case, and finds it', async () => {
    const made = await create({ caption: 'Odd', email: 'odd@XN--zzzzzz.com' });
    expect(made.email).toBe('odd@xn--zzzzzz.com');
    const { items } = await ok(world, 'crm_customer_search', { email: 'ODD@xn--zzzzzz.com' });
    expect(items).toHaveLength(1);
  });

  test('of one e-mail 32 times at once makes one customer', async () => {
    const customer = { caption: 'Race', email: 'race@example.com' };
    const answers = await Promise.all(
      Array.from({ length: 32 }, () => envelopeOf(world, 'crm_customer_create', { customer })),
    );
    expect(answers.filter(({ success }) => success)).toHaveLength(1);
    const ids = new Set(
      answers.map((answer) => (answer.success ? '' : (answer.error.details as Data).existing_customer_id)),
    );
    expect(ids.size).toBe(2);
  });
});

describe('updating', () => {
  test('changes what is given, clears what is null, leaves the rest', async () => {
    const made = await create({ caption: 'Old', company: 'Tide', tags: ['a'], phone: '+12125550177' });
    const patch = update(made.customer_id, { caption: 'New', company: null, tags: null }, 1);
    const next = await ok(world, 'crm_customer_update', patch);
    expect(next).toMatchObject({ caption: 'New', company: null, tags: [], phone: '+12125550177', revision: 2 });
    expect(await read(made.customer_id)).toEqual(next);
  });

  test('needs the revision it was read at: 428 without, 409 with the record when stale', async () => {
    const made = await create({ caption: 'Contended' });
    const without = await errorOf(world, 'crm_customer_update', update(made.customer_id, { caption: 'x' }));
    expect(without).toMatchObject({ http_status: 428, major: { tag: 'expected-revision-required' } });
    await ok(world, 'crm_customer_update', update(made.customer_id, { caption: 'Winner' }, '1'));
    const stale = await errorOf(world, 'crm_customer_update', update(made.customer_id, { caption: 'Loser' }, 1));
    expect(stale).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '1', current_revision: '2' },
      conflict_snapshot: { caption: 'Winner', revision: 2 },
    });
  });

  test('keeps e-mails unique, and lets a customer keep its own', async () => {
    await create({ caption: 'A', email: 'a@example.com' });
    const b = await create({ caption: 'B', email: 'b@example.com' });
    const steal = update(b.customer_id, { email: 'A@example.com' }, 1);
    expect((await errorOf(world, 'crm_customer_update', steal)).error_code).toBe('crm.customer_exists');
    await ok(world, 'crm_customer_update', update(b.customer_id, { email: 'B@Example.com' }, 1));
  });

  test('is found by its new words and no longer by its old ones', async () => {
    const made = await create({ caption: 'Quartz Heron' });
    await ok(world, 'crm_customer_update', update(made.customer_id, { caption: 'Basalt Heron' }, 1));
    const search = (q: string) => ok(world, 'crm_customer_search', { q });
    expect((await search('quartz')).items).toEqual([]);
    expect((await search('basalt')).items).toHaveLength(1);
  });
});

describe('a list', () => {
  const page = (args: object, headers: Data): Promise<Data> => ok(world, 'crm_customer_list', args, headers);
  const idsOf = (answer: Data): string[] => answer.items.map((item: Data) => item.customer_id);

  test('has 8 items by default and 256 at most, and clamps limits out of range', async () => {
    const headers = await freshOrg(world);
    for (let index = 0; index < 12; index += 1) await newCustomer(world, {}, headers);
    expect((await page({}, headers)).items).toHaveLength(8);
    expect((await page({ limit: 0 }, headers)).items).toHaveLength(1);
    expect((await page({ limit: 9999 }, headers)).items).toHaveLength(12);
  });

  test('read to its end shows every record once, newest first, while records are added', async () => {
    const headers = await freshOrg(world);
    const made: string[] = [];
    for (let index = 0; index < 40; index += 1) {
      made.push(await newCustomer(world, {}, headers));
      if (index % 7 === 0) now += 5;
    }
    const seen: string[] = [];
    let next_token: string | null = null;
    do {
      const answer: Data = await page({ limit: 6, ...(next_token === null ? {} : { next_token }) }, headers);
      seen.push(...idsOf(answer));
      next_token = answer.next_token;
      await newCustomer(world, {}, headers);
    } while (next_token !== null);
    expect(seen).toEqual(made.toReversed());
  });

  test('rejects a token that was changed, or used with other filters, in another org or for another list', async () => {
    const headers = await freshOrg(world);
    for (let index = 0; index < 3; index += 1) await newCustomer(world, { tags: ['a', 'b'] }, headers);
    const { next_token } = await page({ tag: 'a', limit: 2 }, headers);
    expect((await page({ tag: 'a', limit: 2, next_token }, headers)).items).toHaveLength(1);
    const bent = `${next_token.slice(0, -3)}${next_token.endsWith('AAA') ? 'BBB' : 'AAA'}`;
    const wrong: [string, object, Data][] = [
      ['crm_customer_list', { tag: 'a', next_token: bent }, headers],
      ['crm_customer_list', { tag: 'b', next_token }, headers],
      ['crm_customer_list', { next_token }, headers],
      ['crm_customer_list', { tag: 'a', next_token }, await world.headers('owner', 'OTHER')],
      ['crm_customer_search', { q: 'test', next_token }, headers],
      ['crm_customer_list', { tag: 'a', next_token: 'rubbish' }, headers],
    ];
    for (const [tool, args, from] of wrong) {
      expect((await errorOf(world, tool, args, from)).error_code).toBe('crm.invalid_token');
    }
  });

  test('filters by tag, home, time and status together', async () => {
    const headers = await freshOrg(world);
    const early = await newCustomer(world, { tags: ['vip'], home_logical_guid: 'store-1' }, headers);
    now += 60_000;
    const from = new Date(now).toISOString();
    const late = await newCustomer(world, { tags: ['vip'], home_logical_guid: 'store-2' }, headers);
    await newCustomer(world, { home_logical_guid: 'store-2' }, headers);
    expect(idsOf(await page({ tag: 'vip' }, headers))).toEqual([late, early]);
    expect(idsOf(await page({ tag: 'vip', home_logical_guid: 'store-1' }, headers))).toEqual([early]);
    expect(idsOf(await page({ tag: 'vip', created_from: from }, headers))).toEqual([late]);
    expect(idsOf(await page({ tag: 'vip', created_to: new Date(now - 1).toISOString() }, headers))).toEqual([early]);
    expect(idsOf(await page({ status: 'merged' }, headers))).toEqual([]);
    expect(idsOf(await page({ status: 'all' }, headers))).toHaveLength(3);
  });
});
