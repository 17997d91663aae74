/** Gift cards: codes shown once, balances spent exactly, guessing blocked. */
import { describe, expect, test } from 'vitest';
import { hasValidCheck } from '../../src/domain/giftcard.js';
import { freshOrg, holder } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, errorOf, newCustomer, ok, pathsOf } from '../support/world.js';

const MINUTE_MS = 60_000;
let now = Date.now();
const world = useWorld({ clock: () => now });

const USD = { currency: 'USD' };
const issue = (fields: object = {}, headers?: Data): Promise<Data> =>
  ok(world, 'crm_giftcard_issue', { amount: 50, ...USD, reason: 'gift', ...fields }, headers);
const redeem = (fields: object, headers?: Data): Promise<Data> =>
  ok(world, 'crm_giftcard_redeem', { amount: 10, ...USD, ...fields }, headers);
const deny = (fields: object, headers?: Data) =>
  errorOf(world, 'crm_giftcard_redeem', { amount: 10, ...USD, ...fields }, headers);
const read = (fields: object, headers?: Data): Promise<Data> => ok(world, 'crm_giftcard_get', fields, headers);

/** Another key of the same org: failed attempts are counted per caller. */
async function otherCallers(headers: Data, count: number): Promise<Data[]> {
  const names = Array.from({ length: count }, (_, index) => `caller ${index}`);
  return Promise.all(names.map((name) => world.headers('owner', headers['x-orgcode'], name)));
}

describe('a card', () => {
  test('shows code and PIN once, and never again', async () => {
    const card = await issue({ generate_pin: true });
    expect(card).toMatchObject({ kind: 'gift_card', balance: 50, initial_amount: 50, status: 'active', revision: 1 });
    expect(card.txn).toMatchObject({ kind: 'issue', amount: 50, balance_after: 50 });
    expect(hasValidCheck(card.code)).toBe(true);
    expect(card.pin).toMatch(/^\d{6}$/);
    expect(card.masked_code).toBe(`${'•'.repeat(12)}${card.code.slice(-4)}`);
    const again = await read({ giftcard_id: card.giftcard_id, pin: card.pin });
    expect(JSON.stringify(again)).not.toContain(card.code);
    expect(again).not.toHaveProperty('pin');
    expect(again).not.toHaveProperty('pin_hash');
  });

  test('replayed by its idempotency_key returns no code and PIN', async () => {
    const args = { amount: 5, ...USD, reason: 'gift', generate_pin: true, idempotency_key: 'once' };
    const first = await ok(world, 'crm_giftcard_issue', args);
    const replay = await envelopeOf(world, 'crm_giftcard_issue', args);
    expect(replay).toMatchObject({
      success: true,
      data: { giftcard_id: first.giftcard_id, code: null, pin: null },
      stats: { idempotent_replay: true },
    });
  });

  test('replays a redeem as it was answered first, field by field', async () => {
    const { giftcard_id } = await issue();
    const args = { giftcard_id, amount: 5, ...USD, idempotency_key: 'same fields' };
    const first = await ok(world, 'crm_giftcard_redeem', args);
    expect(await ok(world, 'crm_giftcard_redeem', args)).toEqual(first);
  });

  test('keeps neither code nor PIN in the database', async () => {
    const card = await issue({ code: 'PLAINTEXTCANARY7', pin: '86420975' });
    await redeem({ code: card.code, pin: card.pin });
    const contents = await world.contents();
    expect(contents).toContain(card.giftcard_id);
    expect(contents).not.toContain('PLAINTEXTCANARY7');
    expect(contents).not.toContain('86420975');
  });

  test('with a code chosen by the caller is found in any notation; a duplicate code is rejected', async () => {
    const card = await issue({ code: 'SUMMER2026' });
    expect((await redeem({ code: 'summer-20 26' })).giftcard_id).toBe(card.giftcard_id);
    const error = await errorOf(world, 'crm_giftcard_issue', { amount: 1, ...USD, code: 'SUMMER2026', reason: 'x' });
    expect(error.error_code).toBe('crm.giftcard_code_taken');
    const elsewhere = await world.headers('owner', 'OTHER');
    await issue({ code: 'SUMMER2026' }, elsewhere);
  });

  test('is spent to the last cent, and no further', async () => {
    const { giftcard_id } = await issue({ amount: 30.05 });
    expect(await redeem({ giftcard_id, amount: 30 })).toMatchObject({ balance: 0.05, revision: 2 });
    expect(await deny({ giftcard_id, amount: 0.06 })).toMatchObject({
      error_code: 'crm.giftcard_insufficient_balance',
      details: { requested: 0.06, available: 0.05 },
    });
    expect(await redeem({ giftcard_id, amount: 9, allow_partial: true })).toMatchObject({
      balance: 0,
      status: 'exhausted',
      txn: { amount: 0.05, balance_after: 0 },
    });
    expect((await deny({ giftcard_id, allow_partial: true })).error_code).toBe('crm.giftcard_exhausted');
    const { transactions } = await read({ giftcard_id });
    expect(transactions.map((txn: Data) => txn.amount)).toEqual([0.05, 30, 30.05]);
  });

  test('keeps its currency and its decimals', async () => {
    const { giftcard_id } = await issue({ amount: 5000, currency: 'JPY' });
    expect((await deny({ giftcard_id, amount: 10 })).details).toMatchObject({ currency: 'JPY' });
    expect(pathsOf(await deny({ giftcard_id, amount: 10.5, currency: 'JPY' }))).toEqual(['amount']);
    expect(await redeem({ giftcard_id, amount: 1, currency: 'JPY' })).toMatchObject({ balance: 4999 });
    const dinar = await issue({ amount: 1.125, currency: 'KWD' });
    expect(await redeem({ giftcard_id: dinar.giftcard_id, amount: 0.001, currency: 'KWD' })).toMatchObject({
      balance: 1.124,
    });
  });

  test('that has expired stays readable and cannot be spent', async () => {
    const expires_at = new Date(now + MINUTE_MS).toISOString();
    const { giftcard_id } = await issue({ expires_at });
    now += MINUTE_MS;
    expect((await deny({ giftcard_id })).error_code).toBe('crm.giftcard_expired');
    expect(await read({ giftcard_id })).toMatchObject({ status: 'expired', balance: 50 });
    const past = { amount: 1, ...USD, reason: 'x', expires_at };
    expect(pathsOf(await errorOf(world, 'crm_giftcard_issue', past))).toEqual(['expires_at']);
  });

  test('of a customer counts as stored value, and obeys holds on stored value or on everything', async () => {
    const headers = await freshOrg(world);
    const orgcode = headers['x-orgcode'];
    const customer_id = await newCustomer(world, {}, headers);
    const { giftcard_id } = await issue({ customer_id }, headers);
    await issue({ customer_id, amount: 7 }, headers);
    expect((await ok(world, 'crm_customer_get', { customer_id }, headers)).stored_value).toEqual([
      { currency: 'USD', balance: 57, cards: 2 },
    ]);
    const hold = holder(world, String(orgcode), customer_id);
    await hold('h1', 'loyalty', 'active');
    await hold('h2', 'all', 'released');
    await redeem({ giftcard_id }, headers);
    await hold('h3', 'stored_value', 'confirmed');
    await hold('h4', 'all', 'active');
    const error = await deny({ giftcard_id }, headers);
    expect(error.error_code).toBe('crm.customer_on_hold');
    expect((error.details as Data).hold_ids.toSorted()).toEqual(['h3', 'h4']);
  });
});

describe('a wrong code, a wrong PIN and a foreign card', () => {
  test('are one and the same 404', async () => {
    const headers = await freshOrg(world);
    const { giftcard_id, code } = await issue({ pin: '1234' }, headers);
    const foreign = await issue({});
    const errors = await Promise.all([
      deny({ code: 'NOSUCHCODE', pin: '1234' }, headers),
      deny({ code, pin: '4321' }, headers),
      deny({ code }, headers),
      deny({ giftcard_id, pin: '4321' }, headers),
      deny({ giftcard_id: foreign.giftcard_id }, headers),
      errorOf(world, 'crm_giftcard_get', { code, pin: '4321' }, headers),
    ]);
    const bodies = errors.map(({ request_id: _, trace_id: __, ...rest }) => JSON.stringify(rest));
    expect(new Set(bodies).size).toBe(1);
    expect(errors[0]).toMatchObject({ error_code: 'crm.not_found', http_status: 404 });
  });

  test('ten times in ten minutes blocks the caller for every card, until the first failure expires', async () => {
    const headers = await freshOrg(world);
    const good = await issue({}, headers);
    for (let index = 0; index < 10; index += 1) {
      await deny({ code: `WRONG${index}0000`, pin: '1111' }, headers);
      now += 1000;
    }
    const error = await deny({ giftcard_id: good.giftcard_id }, headers);
    expect(error).toMatchObject({ error_code: 'crm.throttled', http_status: 429, retryable: true });
    expect(error.details).toEqual({ retry_after_ms: 10 * MINUTE_MS - 10_000 });
    now += 10 * MINUTE_MS - 10_001;
    expect((await deny({ giftcard_id: good.giftcard_id }, headers)).http_status).toBe(429);
    now += 1;
    await redeem({ giftcard_id: good.giftcard_id }, headers);
  });

  test('ten times close the card for every caller', async () => {
    const headers = await freshOrg(world);
    const { giftcard_id } = await issue({ pin: '1234' }, headers);
    const callers = await otherCallers(headers, 11);
    for (const caller of callers.slice(0, 10)) {
      expect((await deny({ giftcard_id, pin: '9999' }, caller)).http_status).toBe(404);
    }
    expect((await deny({ giftcard_id, pin: '1234' }, callers[10])).http_status).toBe(429);
  });

  test('of 64 wrong PINs at the same moment exactly ten are examined', async () => {
    const headers = await freshOrg(world);
    const { giftcard_id } = await issue({ pin: '1234' }, headers);
    const callers = await otherCallers(headers, 64);
    const errors = await Promise.all(callers.map((caller) => deny({ giftcard_id, pin: '9999' }, caller)));
    const statuses = errors.map(({ http_status }) => http_status);
    expect(statuses.filter((status) => status === 404)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(54);
  });
});

describe('64 redeems at the same moment', () => {
  test('never overspend: exactly as many pass as there is money for', async () => {
    const { giftcard_id } = await issue({ amount: 100 });
    const calls = Array.from({ length: 64 }, (_, index) =>
      envelopeOf(world, 'crm_giftcard_redeem', { giftcard_id, amount: 7, ...USD, idempotency_key: `burst ${index}` }),
    );
    const answers = await Promise.all(calls);
    expect(answers.filter(({ success }) => success)).toHaveLength(14);
    const { balance, transactions } = await read({ giftcard_id });
    expect(balance).toBe(2);
    expect(transactions).toHaveLength(15);
  });

  test('partly allowed take all there is, once', async () => {
    const { giftcard_id } = await issue({ amount: 100 });
    const args = { giftcard_id, amount: 7, ...USD, allow_partial: true };
    const answers = await Promise.all(Array.from({ length: 64 }, () => envelopeOf(world, 'crm_giftcard_redeem', args)));
    const taken = answers.flatMap((answer) => (answer.success ? [(answer.data as Data).txn.amount] : []));
    expect(taken.reduce((sum, amount) => sum + amount, 0)).toBe(100);
    expect(taken).toHaveLength(15);
  });
});
