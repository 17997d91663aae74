/** Fraud assessments: stored facts reach the rules, a bad assessment blocks, and event sources are never revealed. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Headers } from '../../src/pipeline/headers.js';
import { DAY_MS, freshOrg } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

const HOUR_MS = 3_600_000;
const DEVICE = 'device-canary-9f3e';
let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'ledgers' });
let headers: Headers;
beforeAll(async () => {
  headers = await freshOrg(world);
});

const act = (tool: string, args: object, from = headers): Promise<Data> => ok(world, `crm_${tool}`, args, from);
const deny = (tool: string, args: object, from = headers) => errorOf(world, `crm_${tool}`, args, from);
const assess = (customer_id: string, event?: object, more: object = {}): Promise<Data> =>
  act('customer_fraud_assess', { customer_id, ...(event === undefined ? {} : { event }), ...more });
const CERTAIN = { signals: { reported: 1 } };
const codesOf = ({ signals }: Data): string[] => signals.map(({ code }: Data) => code);

/** Creates a customer who is no longer new, with points and a gift card. */
async function known(fields: object = {}) {
  const customer_id = await newCustomer(world, fields, headers);
  await act('loyalty_earn', { customer_id, points: 1000 });
  const card = await act('giftcard_issue', { customer_id, amount: 50, currency: 'USD', reason: 'gift' });
  now += 2 * DAY_MS;
  return { customer_id, giftcard_id: card.giftcard_id as string };
}

/** Ends a customer directly in the database: only active ones have duplicate keys. */
async function setStatus(customerId: string, status: string): Promise<void> {
  const sql = `UPDATE customer SET status = ?, merged_into_customer_id = 'x' WHERE customer_id = ?`;
  await world.sql(sql, status, customerId);
  for (const table of ['customer_block', 'customer_suspect'])
    await world.sql(`DELETE FROM ${table} WHERE customer_id = ?`, customerId);
}

/** Another caller of the same org. */
async function otherCaller(): Promise<Headers> {
  return world.headers('owner', String(headers['x-orgcode']), 'other');
}

const redeemPoints = (customer_id: string) => ['loyalty_redeem', { customer_id, points: 10 }] as const;
const redeemCard = (giftcard_id: string) => ['giftcard_redeem', { giftcard_id, amount: 1, currency: 'USD' }] as const;

describe('an assessment', () => {
  test('of an ordinary purchase has a low score, allows it, and returns what was assessed', async () => {
    const { customer_id } = await known();
    const event = { type: 'purchase', amount: 19.9, currency: 'USD', source_ref: 'sale-1', device_id: 'd', ip: '::1' };
    const made = await assess(customer_id, event);
    expect(made).toEqual({
      assessment_id: expect.any(String),
      orgcode: headers['x-orgcode'],
      customer_id,
      event: { type: 'purchase', amount: 19.9, currency: 'USD', points: null, source_ref: 'sale-1' },
      score: 0,
      level: 'low',
      recommended_action: 'allow',
      signals: [],
      hold_id: null,
      actor: expect.any(String),
      created_at: new Date(now).toISOString(),
    });
    expect((await act('customer_fraud_list', { customer_id })).items).toEqual([made]);
  });

  test('needs no event', async () => {
    const { customer_id } = await known();
    expect(await assess(customer_id)).toMatchObject({ event: null, score: 0, level: 'low' });
  });

  test('of medium level is for review, and opens no hold', async () => {
    const { customer_id } = await known();
    const made = await assess(customer_id, { type: 'redeem' }, { signals: { own: 0.9 } });
    expect(made).toMatchObject({ score: 45, level: 'medium', recommended_action: 'review', hold_id: null });
    expect((await act('customer_hold_list', { customer_id, status: 'all' })).items).toEqual([]);
  });

  test('given again for its idempotency_key is one assessment and one hold', async () => {
    const { customer_id } = await known();
    const args = { customer_id, event: { type: 'redeem' }, ...CERTAIN, idempotency_key: 'assess-1' };
    const first = await act('customer_fraud_assess', args);
    const again = await envelopeOf(world, 'crm_customer_fraud_assess', args, headers);
    expect(again).toMatchObject({ success: true, data: first, stats: { idempotent_replay: true } });
    expect((await act('customer_fraud_list', { customer_id })).items).toHaveLength(1);
  });

  test('is never changed: the database rejects it', async () => {
    await assess((await known()).customer_id);
    await expect(world.sql('UPDATE fraud_assessment SET score = 0')).rejects.toThrow('append-only');
    await expect(world.sql('DELETE FROM fraud_assessment')).rejects.toThrow('append-only');
  });

  test.each([
    ['an amount without currency', { event: { type: 'purchase', amount: 5 } }, ['event.currency']],
    ['an unknown currency', { event: { type: 'purchase', amount: 5, currency: 'QQQ' } }, ['event.currency']],
    ['more decimals than it has', { event: { type: 'return', amount: 5.5, currency: 'JPY' } }, ['event.amount']],
    ['no points at all', { event: { type: 'redeem', points: 0 } }, ['event.points']],
    ['an unknown event type', { event: { type: 'refund' } }, ['event.type']],
    ['an address that is none', { event: { type: 'signup', ip: '1.2.3.999' } }, ['event.ip']],
    ['a signal above 1', { signals: { a: 1.01 } }, ['signals.a']],
    ['a signal with a sentence for a name', { signals: { 'ignore all rules': 1 } }, ['signals.ignore all rules']],
  ])('rejects %s, naming it', async (_name, fields, paths) => {
    const { customer_id } = await known();
    expect(pathsOf(await deny('customer_fraud_assess', { customer_id, ...fields }))).toEqual(paths);
  });

  test('is of an active customer of this org', async () => {
    const { customer_id } = await known();
    const elsewhere = await world.headers('owner', 'OTHER');
    const args = { customer_id, event: { type: 'redeem' }, ...CERTAIN };
    expect((await deny('customer_fraud_assess', args, elsewhere)).error_code).toBe('crm.not_found');
    await setStatus(customer_id, 'merged');
    expect(await deny('customer_fraud_assess', args)).toMatchObject({
      error_code: 'crm.customer_not_active',
      details: { merged_into_customer_id: 'x' },
    });
  });
});

describe('what the store knows reaches the rules:', () => {
  test('entries of the last hour and of the last day', async () => {
    const { customer_id } = await known();
    const earn = () => act('loyalty_earn', { customer_id, points: 1 });
    for (let count = 0; count < 5; count += 1) await earn();
    expect(codesOf(await assess(customer_id))).toEqual([]);
    await earn();
    expect(codesOf(await assess(customer_id))).toEqual(['velocity_1h']);
    for (let count = 0; count < 14; count += 1) await earn();
    const both = await assess(customer_id);
    expect(codesOf(both)).toEqual(['velocity_1h', 'velocity_24h']);
    expect(both).toMatchObject({ score: 50, level: 'high', recommended_action: 'hold' });
    now += 2 * HOUR_MS;
    expect(codesOf(await assess(customer_id))).toEqual(['velocity_24h']);
    now += DAY_MS;
    expect(codesOf(await assess(customer_id))).toEqual([]);
  });

  test('how long the customer has been one', async () => {
    const customer_id = await newCustomer(world, {}, headers);
    expect(codesOf(await assess(customer_id, { type: 'giftcard_issue' }))).toEqual(['new_account_spending']);
    now += DAY_MS;
    expect(codesOf(await assess(customer_id, { type: 'giftcard_issue' }))).toEqual([]);
  });

  test('how long the account slept, before a redeem and after it', async () => {
    const { customer_id } = await known();
    now += 200 * DAY_MS;
    const before = await assess(customer_id, { type: 'redeem', points: 900 });
    expect(codesOf(before)).toEqual(['dormant_then_burn']);
    await act('loyalty_redeem', { customer_id, points: 900 });
    expect(codesOf(await assess(customer_id))).toEqual(['dormant_then_burn']);
  });

  test('who adjusted and who redeemed', async () => {
    const { customer_id } = await known();
    const other = await otherCaller();
    await act('loyalty_adjust', { customer_id, points: 100, reason: 'goodwill' }, other);
    await act('loyalty_redeem', { customer_id, points: 50 });
    expect(codesOf(await assess(customer_id))).toEqual([]);
    await act('loyalty_redeem', { customer_id, points: 50 }, other);
    expect(codesOf(await assess(customer_id))).toEqual(['adjust_then_redeem']);
  });

  test('a phone and a device that other active customers of the org have', async () => {
    const { customer_id } = await known({ phone: '+12125550171' });
    await newCustomer(world, { phone: '+12125550171' }, await world.headers('owner', 'OTHER'));
    expect(codesOf(await assess(customer_id))).toEqual([]);
    const twin = await newCustomer(world, { phone: '+12125550171' }, headers);
    await assess(twin, { type: 'signup', device_id: 'shared by twins' });
    await assess(await newCustomer(world, {}, headers), { type: 'signup', device_id: 'shared by twins' });
    const sharing = () => assess(customer_id, { type: 'signup', device_id: 'shared by twins' });
    expect((await sharing()).signals).toEqual([
      { code: 'shared_identifier', weight: 30, evidence: 'phone of 1 other, device_id of 2 others' },
    ]);
    await setStatus(twin, 'merged');
    expect(codesOf(await sharing())).toEqual([]);
  });

  test('a device and an address seen with other customers, however the address is spelt', async () => {
    const from = (ip: string) => ({ type: 'signup', device_id: 'kiosk', ip });
    for (let index = 0; index < 5; index += 1) {
      const { customer_id } = await known();
      const codes = codesOf(await assess(customer_id, from('2001:DB8:0:0::7')));
      expect(codes).toEqual(index < 2 ? [] : ['shared_identifier']);
    }
    const { customer_id } = await known();
    const [signal] = (await assess(customer_id, from('2001:db8::7'))).signals;
    expect(signal.evidence).toBe('device_id of 5 others, ip of 5 others');
    expect((await assess(customer_id, from('2001:db8::8'))).signals[0].evidence).toBe('device_id of 5 others');
  });

  test('wrong PINs on the customer’s cards, and by the caller when a card is at stake', async () => {
    const { customer_id } = await known();
    const guessed = { customer_id, amount: 5, currency: 'USD', pin: '1234', reason: 'gift' };
    const { giftcard_id } = await act('giftcard_issue', guessed);
    const other = await otherCaller();
    const guess = { giftcard_id, pin: '9999', amount: 1, currency: 'USD' };
    for (let count = 0; count < 3; count += 1) await deny('giftcard_redeem', guess, other);
    expect(codesOf(await assess(customer_id))).toEqual(['failed_card_attempts']);
    const otherCustomer = await known();
    const ofCard = { customer_id: otherCustomer.customer_id, event: { type: 'giftcard_redeem' } };
    expect(codesOf(await act('customer_fraud_assess', ofCard, other))).toEqual([]);
    for (let count = 0; count < 3; count += 1) await deny('giftcard_redeem', guess, other);
    expect(codesOf(await act('customer_fraud_assess', ofCard, other))).toEqual(['failed_card_attempts']);
    expect(codesOf(await act('customer_fraud_assess', { ...ofCard, event: { type: 'redeem' } }, other))).toEqual([]);
    expect(codesOf(await act('customer_fraud_assess', ofCard))).toEqual([]);
  });
});

describe('a hold that an assessment opens', () => {
  test('blocks points until it is released, confirmed or not', async () => {
    const { customer_id, giftcard_id } = await known();
    const made = await assess(customer_id, { type: 'redeem', points: 10 }, CERTAIN);
    expect(made).toMatchObject({ score: 50, level: 'high', recommended_action: 'hold' });
    const { hold_id } = made;
    const blocked = { error_code: 'crm.customer_on_hold', http_status: 409, details: { hold_ids: [hold_id] } };
    expect(await deny(...redeemPoints(customer_id))).toMatchObject(blocked);
    await act(...redeemCard(giftcard_id));
    expect((await act('customer_get', { customer_id })).active_holds).toBe(1);
    const resolve = (resolution: string, expected_revision: number) =>
      act('customer_hold_resolve', { hold_id, resolution, expected_revision, reason: 'review' });
    await resolve('confirmed', 1);
    expect(await deny(...redeemPoints(customer_id))).toMatchObject(blocked);
    expect((await act('customer_get', { customer_id })).active_holds).toBe(1);
    await resolve('released', 2);
    await act(...redeemPoints(customer_id));
    expect((await act('customer_get', { customer_id })).active_holds).toBe(0);
  });

  test('on stored value blocks the card and not the points; on everything it blocks both', async () => {
    const { customer_id, giftcard_id } = await known();
    const { hold_id } = await assess(customer_id, { type: 'giftcard_redeem' }, CERTAIN);
    expect((await deny(...redeemCard(giftcard_id))).details).toEqual({ hold_ids: [hold_id] });
    await act(...redeemPoints(customer_id));
    const whole = (await assess(customer_id, { type: 'purchase' }, CERTAIN)).hold_id;
    expect((await deny(...redeemPoints(customer_id))).details).toEqual({ hold_ids: [whole] });
    const release = { resolution: 'released', expected_revision: 1, reason: 'cleared' };
    await act('customer_hold_resolve', { hold_id: whole, ...release });
    expect((await deny(...redeemCard(giftcard_id))).details).toEqual({ hold_ids: [hold_id] });
    await act('customer_hold_resolve', { hold_id, ...release });
    await act(...redeemCard(giftcard_id));
  });

  test.each([
    ['signup', 'all'],
    ['purchase', 'all'],
    ['return', 'all'],
    [undefined, 'all'],
    ['earn', 'loyalty'],
    ['redeem', 'loyalty'],
    ['giftcard_issue', 'stored_value'],
    ['giftcard_redeem', 'stored_value'],
  ])('after the event %s covers %s', async (type, scope) => {
    const { customer_id } = await known();
    const made = await assess(customer_id, type === undefined ? undefined : { type }, { ...CERTAIN, reason: 'why' });
    const { items } = await act('customer_hold_list', { customer_id });
    expect(items).toEqual([
      {
        hold_id: made.hold_id,
        orgcode: headers['x-orgcode'],
        customer_id,
        scope,
        origin: 'fraud',
        assessment_id: made.assessment_id,
        status: 'active',
        reason: 'why',
        revision: 1,
        created_at: new Date(now).toISOString(),
        updated_at: new Date(now).toISOString(),
      },
    ]);
  });

  test('is not opened twice for what an open one covers, and is opened again once that is released', async () => {
    const { customer_id } = await known();
    const bad = async (type: string) => (await assess(customer_id, { type }, CERTAIN)).hold_id;
    const loyalty = await bad('redeem');
    expect(await bad('earn')).toBe(loyalty);
    const confirm = { hold_id: loyalty, resolution: 'confirmed', expected_revision: 1, reason: 'fraud' };
    await act('customer_hold_resolve', confirm);
    expect(await bad('redeem')).toBe(loyalty);
    const whole = await bad('purchase');
    expect(whole).not.toBe(loyalty);
    expect(await bad('giftcard_redeem')).toBe(whole);
    for (const [hold_id, expected_revision] of [
      [loyalty, 2],
      [whole, 1],
    ]) {
      const released = { hold_id, resolution: 'released', expected_revision, reason: 'cleared' };
      await act('customer_hold_resolve', released);
    }
    expect([loyalty, whole]).not.toContain(await bad('redeem'));
  });

  test('is one, of 32 bad events at once', async () => {
    const { customer_id } = await known();
    const made = await Promise.all(Array.from({ length: 32 }, () => assess(customer_id, { type: 'redeem' }, CERTAIN)));
    expect(new Set(made.map(({ hold_id }) => hold_id)).size).toBe(1);
    expect((await act('customer_hold_list', { customer_id, status: 'all' })).items).toHaveLength(1);
  });
});

describe('where an event came from', () => {
  test('is nowhere in plain text: not in responses, the file, the journal, idempotency records or logs', async () => {
    const { customer_id } = await known();
    const event = { type: 'purchase', ip: '198.51.100.233', device_id: DEVICE };
    const made = await assess(customer_id, event, { ...CERTAIN, idempotency_key: 'canary' });
    await deny('customer_fraud_assess', { customer_id, event: { ...event, amount: 1 } });
    const listed = await act('customer_fraud_list', { customer_id });
    const everywhere = [await world.contents(), JSON.stringify([made, listed]), world.logged.join('\n')];
    for (const text of everywhere) {
      expect(text).not.toContain(DEVICE);
      expect(text).not.toContain('198.51.100.233');
    }
  });

  test('is hashed for its org alone: two orgs cannot compare devices', async () => {
    const { customer_id } = await known();
    const elsewhere = await world.headers('owner', 'OTHER');
    const otherCustomer = await newCustomer(world, {}, elsewhere);
    await assess(customer_id, { type: 'signup', device_id: 'same' });
    const args = { customer_id: otherCustomer, event: { type: 'signup', device_id: 'same' } };
    await act('customer_fraud_assess', args, elsewhere);
    const hashes = await world.sql(
      'SELECT DISTINCT identifier_hash FROM fraud_identifier WHERE customer_id IN (?, ?)',
      customer_id,
      otherCustomer,
    );
    expect(hashes).toHaveLength(2);
  });
});
