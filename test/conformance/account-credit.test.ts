/** Credit of B2B accounts: consumed and released exactly, never over the limit, also with concurrent callers. */
import { describe, expect, test } from 'vitest';
import { accountActs, CREDIT } from '../support/accounts.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, pathsOf } from '../support/world.js';

const world = useWorld();
const acts = accountActs(world);

const money = (account_id: string, amount: number, currency = 'USD') => ({
  account_id,
  amount,
  currency,
  reason: 'test',
});
const read = (account_id: string): Promise<Data> => acts.act('get', { account_id });
const entriesOf = (account_id: string) =>
  world.sql('SELECT * FROM account_credit_txn WHERE account_id = ? ORDER BY seq', account_id);

describe('consume and release', () => {
  test('move what is used up to the limit and back to nothing, each with a row of its own', async () => {
    const account_id = await acts.idOf(CREDIT);
    const order = { ...money(account_id, 999.99), source_ref: 'order-1' };
    expect(await acts.act('credit_consume', order)).toMatchObject({ credit_used: 999.99, revision: 2 });
    expect(await acts.act('credit_consume', money(account_id, 0.01))).toMatchObject({ credit_used: 1000 });
    expect(await acts.act('credit_release', money(account_id, 1000))).toMatchObject({ credit_used: 0, revision: 4 });
    const row = { currency: 'USD', reason: 'test', actor: expect.stringContaining('service_account_guid:') };
    expect(await entriesOf(account_id)).toMatchObject([
      { ...row, kind: 'consume', amount_minor: 99_999, used_after_minor: 99_999, source_ref: 'order-1' },
      { ...row, kind: 'consume', amount_minor: 1, used_after_minor: 100_000, source_ref: null },
      { ...row, kind: 'release', amount_minor: 100_000, used_after_minor: 0 },
    ]);
    expect(await read(account_id)).toMatchObject({ credit_used: 0, revision: 4 });
  });

  test('count in the units of the currency', async () => {
    const yen = await acts.idOf({ currency: 'JPY', credit_limit: 500 });
    expect(await acts.act('credit_consume', money(yen, 500, 'JPY'))).toMatchObject({ credit_used: 500 });
    expect(pathsOf(await acts.deny('credit_release', money(yen, 0.5, 'JPY')))).toEqual(['amount']);
  });

  test.each(['credit_consume', 'credit_release'])('%s needs a reason and an amount above zero', async (tool) => {
    const account_id = await acts.idOf(CREDIT);
    const { reason: _, ...rest } = money(account_id, 0);
    expect(pathsOf(await acts.deny(tool, rest))).toEqual(['amount', 'reason']);
  });

  test.each(['credit_consume', 'credit_release'])('%s rejects another currency', async (tool) => {
    const account_id = await acts.idOf(CREDIT);
    await acts.act('credit_consume', money(account_id, 100));
    expect(await acts.deny(tool, money(account_id, 1, 'EUR'))).toMatchObject({
      error_code: 'crm.account_currency_mismatch',
      http_status: 409,
      details: { currency: 'USD' },
    });
  });
});

describe('consume', () => {
  const exceeded = { error_code: 'crm.credit_exceeded', http_status: 409, major: { tag: 'invalid-state' } };

  test('is rejected over the limit, with the figures, and changes nothing', async () => {
    const account_id = await acts.idOf(CREDIT);
    await acts.act('credit_consume', money(account_id, 400));
    expect(await acts.deny('credit_consume', money(account_id, 600.01))).toMatchObject({
      ...exceeded,
      details: { credit_limit: 1000, credit_used: 400, requested: 600.01, currency: 'USD', credit_hold: false },
    });
    expect(await read(account_id)).toMatchObject({ credit_used: 400, revision: 2 });
    expect(await entriesOf(account_id)).toHaveLength(1);
  });

  test('is rejected on credit hold, whatever credit is left', async () => {
    const account_id = await acts.idOf({ ...CREDIT, credit_hold: true });
    const details = { credit_limit: 1000, credit_used: 0, requested: 1, currency: 'USD', credit_hold: true };
    expect(await acts.deny('credit_consume', money(account_id, 1))).toMatchObject({ ...exceeded, details });
  });

  test('is rejected without a limit, and at a limit of zero', async () => {
    const unlimited = await acts.idOf();
    const none = { credit_limit: null, credit_used: 0, requested: 1, currency: null, credit_hold: false };
    expect(await acts.deny('credit_consume', money(unlimited, 1))).toMatchObject({ ...exceeded, details: none });
    const zero = await acts.idOf({ ...CREDIT, credit_limit: 0 });
    expect(await acts.deny('credit_consume', money(zero, 0.01))).toMatchObject({
      ...exceeded,
      details: { ...none, credit_limit: 0, requested: 0.01, currency: 'USD' },
    });
  });

  test.each(['draft', 'suspended', 'closed'])('is rejected on a %s account', async (status) => {
    const account_id = await acts.idOf({ ...CREDIT, status: status === 'draft' ? 'draft' : 'active' });
    if (status !== 'draft') await acts.act('status_set', acts.setStatus(account_id, status, 1));
    expect(await acts.deny('credit_consume', money(account_id, 1))).toMatchObject({
      error_code: 'crm.account_not_active',
      http_status: 409,
      details: { status },
    });
  });
});

describe('release', () => {
  test('is rejected above the used credit, with the figures, and changes nothing', async () => {
    const account_id = await acts.idOf(CREDIT);
    await acts.act('credit_consume', money(account_id, 5));
    expect(await acts.deny('credit_release', money(account_id, 5.01))).toMatchObject({
      error_code: 'crm.credit_not_used',
      http_status: 409,
      details: { credit_limit: 1000, credit_used: 5, requested: 5.01, currency: 'USD' },
    });
    expect(await read(account_id)).toMatchObject({ credit_used: 5, revision: 2 });
    const bare = await acts.idOf();
    expect((await acts.deny('credit_release', money(bare, 1))).error_code).toBe('crm.credit_not_used');
  });

  test('works on a suspended account and on hold, and not on a closed one', async () => {
    const account_id = await acts.idOf(CREDIT);
    await acts.act('credit_consume', money(account_id, 5));
    await acts.act('status_set', acts.setStatus(account_id, 'suspended', 2));
    await acts.act('update', { account_id, account: { credit_hold: true }, expected_revision: 3 });
    expect(await acts.act('credit_release', money(account_id, 5))).toMatchObject({ credit_used: 0 });
    await acts.act('status_set', acts.setStatus(account_id, 'closed', 5));
    expect((await acts.deny('credit_release', money(account_id, 5))).error_code).toBe('crm.account_closed');
  });
});

describe('64 calls at once', () => {
  const outcomes = (answers: readonly Data[]) => answers.filter((answer) => answer.success).length;

  test('never take more than the limit, and take all of it', async () => {
    const account_id = await acts.idOf({ ...CREDIT, credit_limit: 100 });
    const calls = Array.from({ length: 64 }, () =>
      envelopeOf(world, 'crm_account_credit_consume', money(account_id, 3.7)),
    );
    const answers = await Promise.all(calls);
    expect(outcomes(answers)).toBe(27);
    for (const answer of answers)
      if (answer.success) expect((answer.data as Data).credit_used).toBeLessThanOrEqual(100);
    expect(await read(account_id)).toMatchObject({ credit_used: 99.9, revision: 28 });
    expect(await entriesOf(account_id)).toHaveLength(27);
  });

  test('that consume and release leave the balance that the responses state', async () => {
    const account_id = await acts.idOf({ ...CREDIT, credit_limit: 50 });
    const calls = Array.from({ length: 64 }, (_, index) => {
      const tool = index % 3 === 0 ? 'crm_account_credit_release' : 'crm_account_credit_consume';
      return envelopeOf(world, tool, money(account_id, 1 + (index % 7)));
    });
    const answers = await Promise.all(calls);
    const moved = answers.map((answer, index) => (answer.success ? (1 + (index % 7)) * (index % 3 === 0 ? -1 : 1) : 0));
    const used = moved.reduce((sum: number, change) => sum + change, 0);
    expect(outcomes(answers)).toBeLessThan(64);
    expect(await read(account_id)).toMatchObject({ credit_used: used });
    for (const { used_after_minor } of await entriesOf(account_id)) {
      expect(used_after_minor).toBeGreaterThanOrEqual(0);
      expect(used_after_minor).toBeLessThanOrEqual(5000);
    }
  });

  test.each(['credit_consume', 'credit_release'])('of %s with one idempotency_key move once', async (tool) => {
    const account_id = await acts.idOf(CREDIT);
    await acts.act('credit_consume', money(account_id, 500));
    const once = { ...money(account_id, 10), idempotency_key: `${tool} once` };
    const answers = await Promise.all(Array.from({ length: 64 }, () => acts.act(tool, once)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await entriesOf(account_id)).toHaveLength(2);
    expect((await acts.deny(tool, { ...once, amount: 11 })).error_code).toBe('crm.idempotency_mismatch');
  });

  test('with one idempotency_key stay rejected after credit is released', async () => {
    const account_id = await acts.idOf(CREDIT);
    await acts.act('credit_consume', money(account_id, 1000));
    const once = { ...money(account_id, 10), idempotency_key: 'refused once' };
    const first = await acts.deny('credit_consume', once);
    await acts.act('credit_release', money(account_id, 1000));
    const again = await acts.deny('credit_consume', once);
    expect([again.error_code, again.details]).toEqual([first.error_code, first.details]);
    expect(await read(account_id)).toMatchObject({ credit_used: 0 });
  });
});
