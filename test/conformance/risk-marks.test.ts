/** Holds and flags: transitions and who may make them; lists of holds, flags and assessments. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import { DAY_MS, freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'unverified' });
let headers: Headers;
beforeAll(async () => {
  headers = await freshOrg(world);
});

const act = (tool: string, args: object, from = headers): Promise<Data> =>
  ok(world, `crm_customer_${tool}`, args, from);
const deny = (tool: string, args: object, from = headers) => errorOf(world, `crm_customer_${tool}`, args, from);
const person = (from = headers) => newCustomer(world, {}, from);

/** Opens a hold by a suspicious event. Returns its id. */
async function hold(customer_id: string, type = 'redeem', from = headers): Promise<string> {
  const args = { customer_id, event: { type }, signals: { reported: 1 } };
  return (await act('fraud_assess', args, from)).hold_id;
}
const resolution = (hold_id: string, to: string, expected_revision?: number | string) => ({
  hold_id,
  resolution: to,
  reason: 'reviewed',
  ...(expected_revision === undefined ? {} : { expected_revision }),
});

/** Reads every id of a list page by page, while records are added between pages. */
async function walk(tool: string, id: string, args: object, from: Headers, between: () => Promise<unknown>) {
  const seen: string[] = [];
  let next_token: string | null = null;
  do {
    const page: Data = await act(tool, { ...args, limit: 3, ...(next_token === null ? {} : { next_token }) }, from);
    seen.push(...page.items.map((item: Data) => item[id]));
    next_token = page.next_token;
    await between();
  } while (next_token !== null);
  return seen;
}

describe('resolving a hold', () => {
  test('stores who resolved it and why, and increments the revision', async () => {
    const customer_id = await person();
    const hold_id = await hold(customer_id);
    now += 1000;
    const confirmed = await act('hold_resolve', resolution(hold_id, 'confirmed', '1'));
    expect(confirmed).toMatchObject({ hold_id, customer_id, status: 'confirmed', reason: 'reviewed', revision: 2 });
    expect(confirmed.updated_at).toBe(new Date(now).toISOString());
    expect((await act('hold_list', { customer_id })).items).toEqual([confirmed]);
  });

  test.each([
    ['active', 'released', true],
    ['active', 'confirmed', true],
    ['confirmed', 'released', true],
    ['confirmed', 'confirmed', false],
    ['released', 'confirmed', false],
    ['released', 'released', false],
  ])('that is %s as %s: %s', async (from, to, allowed) => {
    const hold_id = await hold(await person());
    if (from !== 'active') await act('hold_resolve', resolution(hold_id, from, 1));
    const args = resolution(hold_id, to, from === 'active' ? 1 : 2);
    if (allowed) return expect((await act('hold_resolve', args)).status).toBe(to);
    expect(await deny('hold_resolve', args)).toMatchObject({
      error_code: 'crm.hold_transition',
      http_status: 409,
      major: { tag: 'invalid-state' },
      details: { from, to, allowed: from === 'confirmed' ? ['released'] : [] },
    });
  });

  test('needs the revision it was read at: 428 without, 409 with the hold when stale', async () => {
    const hold_id = await hold(await person());
    expect(await deny('hold_resolve', resolution(hold_id, 'released'))).toMatchObject({ http_status: 428 });
    await act('hold_resolve', resolution(hold_id, 'confirmed', 1));
    expect(await deny('hold_resolve', resolution(hold_id, 'confirmed', 1))).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '1', current_revision: '2' },
      conflict_snapshot: { hold_id, status: 'confirmed', revision: 2 },
    });
  });

  test('needs a reason, and one of two resolutions', async () => {
    const hold_id = await hold(await person());
    const { reason: _, ...unreasoned } = resolution(hold_id, 'released', 1);
    expect(pathsOf(await deny('hold_resolve', unreasoned))).toEqual(['reason']);
    expect(pathsOf(await deny('hold_resolve', resolution(hold_id, 'active', 1)))).toEqual(['resolution']);
  });

  test('is of this org: an absent and a foreign hold are one 404', async () => {
    const hold_id = await hold(await person());
    const elsewhere = await world.headers('owner', 'OTHER');
    const foreign = await deny('hold_resolve', resolution(hold_id, 'released', 1), elsewhere);
    const absent = await deny('hold_resolve', resolution('nowhere', 'released', 1), elsewhere);
    expect(foreign).toMatchObject({ error_code: 'crm.not_found', http_status: 404 });
    const { request_id: _1, trace_id: _2, ...same } = absent;
    expect(foreign).toMatchObject(same);
    expect((await act('hold_list', { status: 'active', limit: 256 })).items).toContainEqual(
      expect.objectContaining({ hold_id, revision: 1 }),
    );
  });

  test('repeated with its idempotency_key returns the same response, and takes effect once', async () => {
    const args = { ...resolution(await hold(await person()), 'released', 1), idempotency_key: 'resolve-1' };
    const first = await act('hold_resolve', args);
    const again = await envelopeOf(world, 'crm_customer_hold_resolve', args, headers);
    expect(again).toMatchObject({ success: true, data: first, stats: { idempotent_replay: true } });
  });
});

describe('the list of holds', () => {
  test('shows blocking holds by default; filters by customer, status and scope', async () => {
    const from = await freshOrg(world);
    const [anna, ben] = [await person(from), await person(from)];
    const released = await hold(anna, 'redeem', from);
    await act('hold_resolve', resolution(released, 'released', 1), from);
    const confirmed = await hold(anna, 'giftcard_redeem', from);
    await act('hold_resolve', resolution(confirmed, 'confirmed', 1), from);
    const active = await hold(anna, 'purchase', from);
    const other = await hold(ben, 'redeem', from);
    const ids = async (args: object): Promise<string[]> =>
      (await act('hold_list', args, from)).items.map(({ hold_id }: Data) => hold_id);
    expect(await ids({})).toEqual([other, active, confirmed]);
    expect(await ids({ status: 'all' })).toEqual([other, active, confirmed, released]);
    expect(await ids({ status: 'active' })).toEqual([other, active]);
    expect(await ids({ status: 'released' })).toEqual([released]);
    expect(await ids({ scope: 'loyalty' })).toEqual([other]);
    expect(await ids({ status: 'all', scope: 'loyalty' })).toEqual([other, released]);
    expect(await ids({ customer_id: anna })).toEqual([active, confirmed]);
    expect(await ids({ customer_id: anna, status: 'all' })).toEqual([active, confirmed, released]);
    expect(await ids({ customer_id: anna, status: 'confirmed' })).toEqual([confirmed]);
    expect(await ids({ customer_id: ben, scope: 'all' })).toEqual([]);
  });

  test('read to its end shows each hold once, newest first, while holds are opened', async () => {
    const from = await freshOrg(world);
    const made: string[] = [];
    for (let count = 0; count < 10; count += 1) made.push(await hold(await person(from), 'redeem', from));
    const open = async () => hold(await person(from), 'redeem', from);
    expect(await walk('hold_list', 'hold_id', {}, from, open)).toEqual(made.toReversed());
  });
});

describe('the list of assessments', () => {
  test('filters by customer, level and time, newest first', async () => {
    const from = await freshOrg(world);
    const [anna, ben] = [await person(from), await person(from)];
    const assess = async (customer_id: string, reported: number): Promise<string> => {
      now += 1000;
      return (await act('fraud_assess', { customer_id, signals: { reported } }, from)).assessment_id;
    };
    const low = await assess(anna, 0);
    const high = await assess(anna, 1);
    const at = new Date(now).toISOString();
    const other = await assess(ben, 1);
    const ids = async (args: object): Promise<string[]> =>
      (await act('fraud_list', args, from)).items.map(({ assessment_id }: Data) => assessment_id);
    expect(await ids({})).toEqual([other, high, low]);
    expect(await ids({ customer_id: anna })).toEqual([high, low]);
    expect(await ids({ level: 'high' })).toEqual([other, high]);
    expect(await ids({ customer_id: anna, level: 'high' })).toEqual([high]);
    expect(await ids({ level: 'critical' })).toEqual([]);
    expect(await ids({ created_from: at })).toEqual([other, high]);
    expect(await ids({ created_to: at })).toEqual([high, low]);
    expect(await ids({ created_from: at, created_to: at, customer_id: anna })).toEqual([high]);
  });

  test('read to its end shows each assessment once, while others are added', async () => {
    const from = await freshOrg(world);
    const customer_id = await person(from);
    const assess = async () => (await act('fraud_assess', { customer_id }, from)).assessment_id as string;
    const made: string[] = [];
    for (let count = 0; count < 10; count += 1) made.push(await assess());
    const seen = await walk('fraud_list', 'assessment_id', { customer_id, level: 'low' }, from, assess);
    expect(seen).toEqual(made.toReversed());
  });
});

test.each(['fraud_list', 'hold_list', 'flag_list'])(
  '%s of a customer that is absent or foreign is a 404',
  async (tool) => {
    const elsewhere = await world.headers('owner', 'OTHER');
    const customer_id = await person();
    await hold(customer_id);
    await act('flag_set', { customer_id, flag: 'vip', active: true, reason: 'x' });
    expect((await deny(tool, { customer_id }, elsewhere)).error_code).toBe('crm.not_found');
    expect((await deny(tool, { customer_id: 'nowhere' })).error_code).toBe('crm.not_found');
    expect((await act(tool, {}, elsewhere)).items).toEqual([]);
  },
);

describe('setting a flag', () => {
  const flag = (customer_id: string, more: object = {}) => ({
    customer_id,
    flag: 'id_check',
    active: true,
    reason: 'test',
    ...more,
  });

  test('makes a record the first time, and needs its revision from then on', async () => {
    const customer_id = await person();
    const made = await act('flag_set', flag(customer_id, { note: 'at pickup' }));
    expect(made).toEqual({
      flag_id: expect.any(String),
      orgcode: headers['x-orgcode'],
      customer_id,
      flag: 'id_check',
      active: true,
      note: 'at pickup',
      expires_at: null,
      status: 'active',
      revision: 1,
      created_at: new Date(now).toISOString(),
      updated_at: new Date(now).toISOString(),
    });
    expect(await deny('flag_set', flag(customer_id))).toMatchObject({ http_status: 428 });
    const cleared = await act('flag_set', flag(customer_id, { active: false, expected_revision: 1 }));
    expect(cleared).toMatchObject({ flag_id: made.flag_id, status: 'inactive', note: null, revision: 2 });
    expect(await deny('flag_set', flag(customer_id, { expected_revision: 1 }))).toMatchObject({
      error_code: 'crm.conflict_revision',
      details: { expected_revision: '1', current_revision: '2' },
      conflict_snapshot: cleared,
    });
    const again = await act('flag_set', flag(customer_id, { expected_revision: '2' }));
    expect(again).toMatchObject({ flag_id: made.flag_id, status: 'active', revision: 3 });
  });

  test('shows on the customer and in the list by flag, until it is taken away or expires', async () => {
    const from = await freshOrg(world);
    const customer_id = await person(from);
    const expires_at = new Date(now + DAY_MS).toISOString();
    const seen = async () => [
      (await act('get', { customer_id }, from)).flags,
      (await act('list', { flag: 'id_check' }, from)).items.length,
      (await act('list', { tag: 't', flag: 'id_check' }, from)).items.length,
      (await act('flag_list', { flag: 'id_check' }, from)).items.length,
    ];
    const current = await act('get', { customer_id }, from);
    const tag = { customer_id, customer: { tags: ['t'] }, expected_revision: current.revision };
    await act('update', tag, from);
    expect(await seen()).toEqual([[], 0, 0, 0]);
    await act('flag_set', flag(customer_id, { expires_at }), from);
    expect(await seen()).toEqual([['id_check'], 1, 1, 1]);
    now += DAY_MS;
    expect(await seen()).toEqual([[], 0, 0, 0]);
    expect((await act('flag_list', { customer_id, status: 'all' }, from)).items).toMatchObject([
      { status: 'expired', active: true, expires_at },
    ]);
    await act('flag_set', flag(customer_id, { expected_revision: 1 }), from);
    expect(await seen()).toEqual([['id_check'], 1, 1, 1]);
    await act('flag_set', flag(customer_id, { active: false, expected_revision: 2 }), from);
    expect(await seen()).toEqual([[], 0, 0, 0]);
  });

  test.each([
    ['an expiry that has passed', { expires_at: '2020-01-01T00:00:00Z' }, ['expires_at']],
    ['a name that is none', { flag: 'ID check' }, ['flag']],
    ['a name that is too long', { flag: 'f'.repeat(65) }, ['flag']],
    ['no reason', { reason: undefined }, ['reason']],
    ['an active that is no boolean', { active: 'yes' }, ['active']],
  ])('rejects %s, naming it', async (_name, more, paths) => {
    expect(pathsOf(await deny('flag_set', flag(await person(), more)))).toEqual(paths);
  });

  test('rejects an expiry of the current instant', async () => {
    const expires_at = new Date(now).toISOString();
    expect(pathsOf(await deny('flag_set', flag(await person(), { expires_at })))).toEqual(['expires_at']);
  });

  test('is on an active customer of this org', async () => {
    const customer_id = await person();
    const elsewhere = await world.headers('owner', 'OTHER');
    expect((await deny('flag_set', flag(customer_id), elsewhere)).error_code).toBe('crm.not_found');
    await world.sql(`UPDATE customer SET status = 'anonymized' WHERE customer_id = ?`, customer_id);
    expect((await deny('flag_set', flag(customer_id))).error_code).toBe('crm.customer_not_active');
  });

  test('stops at the hundredth in force, and goes on when one is taken away', async () => {
    const customer_id = await person();
    const named = (index: number, more: object = {}) => flag(customer_id, { flag: `f${index}`, ...more });
    for (let index = 0; index < 100; index += 1) await act('flag_set', named(index));
    expect(await deny('flag_set', named(100))).toMatchObject({ error_code: 'crm.flag_limit', details: { limit: 100 } });
    await act('flag_set', named(100, { active: false }));
    await act('flag_set', named(7, { note: 'still there', expected_revision: 1 }));
    await act('flag_set', named(7, { active: false, expected_revision: 2 }));
    await act('flag_set', named(101));
    expect((await act('get', { customer_id })).flags).toHaveLength(100);
  });

  test('repeated with its idempotency_key returns the same response, without a revision', async () => {
    const args = flag(await person(), { idempotency_key: 'flag-1' });
    const first = await act('flag_set', args);
    const again = await envelopeOf(world, 'crm_customer_flag_set', args, headers);
    expect(again).toMatchObject({ success: true, data: first, revision: 1, stats: { idempotent_replay: true } });
  });

  test('leaves its reason in the journal, and of the note only that there is one', async () => {
    const customer_id = await person();
    const { flag_id } = await act('flag_set', flag(customer_id, { note: 'canary-note-71', reason: 'lost parcel' }));
    const [row] = await world.sql('SELECT * FROM journal WHERE target_id = ?', flag_id);
    expect(row).toMatchObject({ endpoint: '/customer/flag/set', reason: 'lost parcel', revision_after: 1 });
    expect(JSON.parse(row.fields)).toEqual(['active', 'note', 'expires_at']);
    expect(JSON.stringify(row)).not.toContain('canary-note-71');
  });
});

describe('the list of flags', () => {
  test('filters by customer, flag and status', async () => {
    const from = await freshOrg(world);
    const [anna, ben] = [await person(from), await person(from)];
    const set = async (customer_id: string, flag: string, more: object = {}): Promise<string> =>
      (await act('flag_set', { customer_id, flag, active: true, reason: 'x', ...more }, from)).flag_id;
    const expired = await set(anna, 'promo', { expires_at: new Date(now + 1000).toISOString() });
    now += 1000;
    const inactive = await set(anna, 'quiet', { active: false });
    const vip = await set(anna, 'vip');
    const other = await set(ben, 'vip');
    const ids = async (args: object): Promise<string[]> =>
      (await act('flag_list', args, from)).items.map(({ flag_id }: Data) => flag_id);
    expect(await ids({})).toEqual([other, vip]);
    expect(await ids({ status: 'all' })).toEqual([other, vip, inactive, expired]);
    expect(await ids({ status: 'inactive' })).toEqual([inactive]);
    expect(await ids({ status: 'expired' })).toEqual([expired]);
    expect(await ids({ flag: 'vip' })).toEqual([other, vip]);
    expect(await ids({ flag: 'promo' })).toEqual([]);
    expect(await ids({ customer_id: anna })).toEqual([vip]);
    expect(await ids({ customer_id: anna, status: 'all' })).toEqual([vip, inactive, expired]);
    expect(await ids({ customer_id: anna, flag: 'vip' })).toEqual([vip]);
    expect(await ids({ customer_id: ben, flag: 'quiet', status: 'all' })).toEqual([]);
  });

  test.each([{}, { flag: 'vip' }])('by %j, walked to its end, shows each once', async (args) => {
    const from = await freshOrg(world);
    const set = async (): Promise<string> =>
      (await act('flag_set', { customer_id: await person(from), flag: 'vip', active: true, reason: 'x' }, from))
        .flag_id;
    const made: string[] = [];
    for (let count = 0; count < 10; count += 1) made.push(await set());
    expect(await walk('flag_list', 'flag_id', args, from, set)).toEqual(made.toReversed());
  });

  test('of one customer, walked to its end, shows each once', async () => {
    const customer_id = await person();
    const made: string[] = [];
    const set = async () => {
      const args = { customer_id, flag: `f${made.length}`, active: true, reason: 'x' };
      made.push((await act('flag_set', args)).flag_id);
    };
    for (let count = 0; count < 10; count += 1) await set();
    const before = made.toReversed();
    expect(await walk('flag_list', 'flag_id', { customer_id }, headers, set)).toEqual(before);
  });
});
