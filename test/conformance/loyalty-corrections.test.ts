/** Conformance of points that expire, are restored, or are reversed. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, openProgramme } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, newCustomer, ok } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now });

const iso = (ms: number) => new Date(ms).toISOString();
const points = (txn: Data) => txn.lots.map((lot: Data) => lot.points);

describe('expiry', () => {
  test('removes a lot from redeem even if no sweep has run, and the next write posts it', async () => {
    const { credit, deny, customer_id, account, earn, ledger } = await openProgramme(world);
    await credit(30, now + DAY_MS);
    await credit(5);
    now += 2 * DAY_MS;
    expect(await account()).toMatchObject({ points_balance: 35, points_available: 5 });
    expect(await deny('redeem', { customer_id, points: 6 })).toMatchObject({ details: { requested: 6, available: 5 } });
    await earn(1);
    const { items, points_balance } = await ledger();
    expect(items.map((txn: Data) => [txn.kind, txn.points]).slice(0, 2)).toEqual([
      ['earn', 1],
      ['expire', -30],
    ]);
    expect(points_balance).toBe(6);
  });

  test('is announced with the next three dates', async () => {
    const { credit, account } = await openProgramme(world);
    for (const days of [40, 10, 30, 20, 10]) await credit(days, now + days * DAY_MS);
    const { points_pending_expiry } = await account();
    expect(points_pending_expiry).toEqual([
      { points: 20, expires_at: iso(now + 10 * DAY_MS) },
      { points: 20, expires_at: iso(now + 20 * DAY_MS) },
      { points: 30, expires_at: iso(now + 30 * DAY_MS) },
    ]);
  });

  test('by sweep is resumable and idempotent, and supports a dry run', async () => {
    const { headers, act, customer_id } = await openProgramme(world);
    const ids = [customer_id];
    while (ids.length < 12) ids.push(await newCustomer(world, {}, headers));
    const expires_at = iso(now + DAY_MS);
    for (const id of ids) {
      for (const amount of [3, 4]) await act('adjust', { customer_id: id, points: amount, reason: 's', expires_at });
      await act('adjust', { customer_id: id, points: 100, reason: 's' });
    }
    const asOf = iso(now + DAY_MS);
    now += 3 * DAY_MS;
    const look = await act('expire', { dry_run: true, reason: 'look' });
    expect(look).toMatchObject({ dry_run: true, expired_points: 84, expired_lots: 24, customers: 12, complete: true });
    expect(look.txns).toEqual([]);
    let expired = 0;
    let rounds = 0;
    for (let complete = false; !complete; rounds += 1) {
      const part = await act('expire', { limit: 5, as_of: asOf, reason: 'sweep' });
      expired += part.expired_points;
      complete = part.complete;
      expect(part.txns.every((txn: Data) => txn.kind === 'expire' && txn.reason === 'sweep')).toBe(true);
    }
    expect([expired, rounds > 2]).toEqual([84, true]);
    expect(await act('expire', { reason: 'again' })).toMatchObject({ expired_points: 0, customers: 0, complete: true });
  });

  test('never runs into the future, and honours as_of', async () => {
    const { credit, act, deny, customer_id } = await openProgramme(world);
    await credit(10, now + DAY_MS);
    expect(await deny('expire', { as_of: iso(now + 1), reason: 'x' })).toMatchObject({
      error_code: 'crm.validation_failed',
    });
    const before = iso(now);
    now += 2 * DAY_MS;
    expect(await act('expire', { customer_id, as_of: before, reason: 'x' })).toMatchObject({ expired_points: 0 });
    expect(await act('expire', { customer_id, reason: 'x' })).toMatchObject({ expired_points: 10, expired_lots: 1 });
  });

  test('needs a reason', async () => {
    const { deny } = await openProgramme(world);
    expect(await deny('expire', {})).toMatchObject({ error_code: 'crm.validation_failed' });
  });
});

describe('restore', () => {
  test('gives points back to their lots with their expiry, in parts, never more than was redeemed', async () => {
    const { credit, redeem, act, deny, account } = await openProgramme(world);
    const soon = (await credit(10, now + 5 * DAY_MS)).lots[0];
    const late = (await credit(10, now + 50 * DAY_MS)).lots[0];
    const { loyalty_txn_id } = await redeem(15);
    const first = await act('restore', { loyalty_txn_id, points: 7, reason: 'part' });
    expect(first).toMatchObject({ kind: 'restore', points: 7, related_txn_id: loyalty_txn_id });
    expect(first.lots).toEqual([
      { lot_id: late.lot_id, points: 5, expires_at: late.expires_at },
      { lot_id: soon.lot_id, points: 2, expires_at: soon.expires_at },
    ]);
    expect(await deny('restore', { loyalty_txn_id, points: 9, reason: 'x' })).toMatchObject({
      error_code: 'crm.loyalty_restore_exceeds',
      details: { requested: 9, left: 8 },
    });
    expect((await act('restore', { loyalty_txn_id, reason: 'rest' })).points).toBe(8);
    expect(await deny('restore', { loyalty_txn_id, reason: 'x' })).toMatchObject({
      error_code: 'crm.loyalty_nothing_to_restore',
    });
    expect(await account()).toMatchObject({ points_balance: 20, points_available: 20 });
  });

  test('of points that have expired reports how many could not be restored', async () => {
    const { credit, redeem, act, deny, account } = await openProgramme(world);
    await credit(10, now + DAY_MS);
    await credit(10);
    const both = await redeem(15);
    const expired = await credit(4, now + DAY_MS).then(() => redeem(4));
    now += 2 * DAY_MS;
    const back = await act('restore', { loyalty_txn_id: both.loyalty_txn_id, reason: 'late' });
    expect(back).toMatchObject({ points: 5, unrestorable_points: 10 });
    expect(await deny('restore', { loyalty_txn_id: expired.loyalty_txn_id, reason: 'late' })).toMatchObject({
      error_code: 'crm.loyalty_points_expired',
    });
    expect(await account()).toMatchObject({ points_balance: 10 });
  });

  test('gives expired points the grace the policy grants', async () => {
    const { credit, redeem, act, account } = await openProgramme(world, { expiry: { restore_grace_days: 7 } });
    await credit(10, now + DAY_MS);
    const { loyalty_txn_id } = await redeem(10);
    now += 2 * DAY_MS;
    const back = await act('restore', { loyalty_txn_id, reason: 'late' });
    expect(back.lots).toEqual([{ lot_id: expect.any(String), points: 10, expires_at: iso(now + 7 * DAY_MS) }]);
    expect(await account()).toMatchObject({ points_available: 10 });
    now += 8 * DAY_MS;
    expect(await account()).toMatchObject({ points_available: 0 });
  });

  test('is for redeems alone, and unknown entries are 404', async () => {
    const { earn, deny } = await openProgramme(world);
    const { loyalty_txn_id } = await earn(5);
    expect(await deny('restore', { loyalty_txn_id, reason: 'x' })).toMatchObject({
      error_code: 'crm.loyalty_not_a_redeem',
    });
    expect(await deny('restore', { loyalty_txn_id: 'none', reason: 'x' })).toMatchObject({ http_status: 404 });
    const other = await openProgramme(world);
    expect(await other.deny('restore', { loyalty_txn_id, reason: 'x' })).toMatchObject({ http_status: 404 });
  });
});

describe('reverse', () => {
  test('takes an earn back whole, from its own lot first, once', async () => {
    const { earn, redeem, act, deny, account } = await openProgramme(world);
    await earn(10);
    const second = await earn(10);
    await redeem(13);
    const back = await act('reverse', { loyalty_txn_id: second.loyalty_txn_id, reason: 'returned' }).catch((e) => e);
    expect(String(back)).toContain('crm.loyalty_points_spent');
    await earn(20);
    const done = await act('reverse', { loyalty_txn_id: second.loyalty_txn_id, reason: 'returned' });
    expect([done.points, points(done)]).toEqual([-10, [-7, -3]]);
    expect(done.lots[0].lot_id).toBe(second.lots[0].lot_id);
    expect(await deny('reverse', { loyalty_txn_id: second.loyalty_txn_id, reason: 'x' })).toMatchObject({
      error_code: 'crm.loyalty_already_reversed',
      details: { reversed_by_txn_id: done.loyalty_txn_id },
    });
    expect(await account()).toMatchObject({ points_balance: 17, lifetime_points: 30 });
  });

  test('of spent points becomes a debt if the policy allows it, and later earns pay it first', async () => {
    const { earn, redeem, act, deny, account, customer_id } = await openProgramme(world, { on_reverse_spent: 'debt' });
    const earned = await earn(100);
    await redeem(80);
    const back = await act('reverse', { loyalty_txn_id: earned.loyalty_txn_id, reason: 'returned' });
    expect([back.points, back.balance_after]).toEqual([-100, -80]);
    expect(await account()).toMatchObject({ points_balance: -80, points_available: 0 });
    expect(await deny('redeem', { customer_id, points: 1 })).toMatchObject({ details: { available: 0 } });
    const paying = await earn(90);
    expect([points(paying), paying.balance_after]).toEqual([[80, 10], 10]);
    expect(await account()).toMatchObject({ points_balance: 10, points_available: 10 });
  });

  test('of a redeem gives back what restore has not given yet', async () => {
    const { earn, redeem, act } = await openProgramme(world);
    await earn(50);
    const { loyalty_txn_id } = await redeem(30);
    await act('restore', { loyalty_txn_id, points: 10, reason: 'part' });
    expect((await act('reverse', { loyalty_txn_id, reason: 'rest' })).points).toBe(20);
  });

  test('of a negative adjustment returns the points; of a restore removes them, and the redeem can be restored again', async () => {
    const { earn, redeem, act, customer_id, account } = await openProgramme(world);
    await earn(50);
    const minus = await act('adjust', { customer_id, points: -20, reason: 'error' });
    expect((await act('reverse', { loyalty_txn_id: minus.loyalty_txn_id, reason: 'no error' })).points).toBe(20);
    const spent = await redeem(30);
    const restored = await act('restore', { loyalty_txn_id: spent.loyalty_txn_id, reason: 'cancel' });
    expect((await act('reverse', { loyalty_txn_id: restored.loyalty_txn_id, reason: 'no cancel' })).points).toBe(-30);
    expect((await act('restore', { loyalty_txn_id: spent.loyalty_txn_id, reason: 'cancel' })).points).toBe(30);
    expect(await account()).toMatchObject({ points_balance: 50 });
  });

  test('never undoes expiry or another reverse', async () => {
    const { earn, credit, act, deny, ledger } = await openProgramme(world);
    const { loyalty_txn_id } = await earn(5);
    const reversed = await act('reverse', { loyalty_txn_id, reason: 'x' });
    await credit(5, now + DAY_MS);
    now += 2 * DAY_MS;
    await act('expire', { reason: 'x' });
    const expiry = (await ledger()).items[0];
    for (const txn of [reversed, expiry]) {
      expect(await deny('reverse', { loyalty_txn_id: txn.loyalty_txn_id, reason: 'x' })).toMatchObject({
        error_code: 'crm.loyalty_not_reversible',
        details: { kind: txn.kind },
      });
    }
  });

  test('of an earn does not take points twice that expired already', async () => {
    const { act, deny, customer_id, ledger } = await openProgramme(world, { expiry: { mode: 'days', days: 1 } });
    const { loyalty_txn_id } = await act('earn', { customer_id, points: 5 });
    now += 2 * DAY_MS;
    expect(await deny('reverse', { loyalty_txn_id, reason: 'x' })).toMatchObject({
      error_code: 'crm.loyalty_points_expired',
    });
    await act('expire', { reason: 'x' });
    expect((await ledger()).points_balance).toBe(0);
  });
});

describe('adjust', () => {
  test('adds with an expiry of its own or takes, never below zero, never zero', async () => {
    const { act, deny, customer_id } = await openProgramme(world);
    const reason = 'correction';
    await act('adjust', { customer_id, points: 10, reason });
    expect(await act('adjust', { customer_id, points: -4, reason })).toMatchObject({ points: -4, balance_after: 6 });
    expect(await deny('adjust', { customer_id, points: -7, reason })).toMatchObject({
      error_code: 'crm.loyalty_insufficient_points',
    });
    for (const args of [{ points: 0 }, { points: 1, expires_at: iso(now) }, { points: 1, reason: '' }]) {
      expect(await deny('adjust', { customer_id, reason, ...args })).toMatchObject({
        error_code: 'crm.validation_failed',
      });
    }
  });
});

test('the ledger pages newest first, filters by kind and time, and shows open lots by expiry', async () => {
  const { act, customer_id, earn, redeem, credit, headers } = await openProgramme(world);
  for (let i = 0; i < 20; i += 1) {
    await earn(10);
    now += 1000;
  }
  const middle = iso(now);
  now += 1000;
  await credit(7, now + DAY_MS);
  await redeem(50);
  const first = await act('ledger_list', { customer_id });
  expect(first.items).toHaveLength(8);
  const seen: string[] = [];
  let token: string | null | undefined;
  do {
    const page: Data = await act('ledger_list', { customer_id, limit: 5, ...(token ? { next_token: token } : {}) });
    seen.push(...page.items.map((txn: Data) => txn.loyalty_txn_id));
    token = page.next_token;
  } while (token);
  expect([seen.length, new Set(seen).size]).toEqual([22, 22]);
  expect([...seen].sort().reverse()).toEqual(seen);
  expect((await act('ledger_list', { customer_id, kind: 'redeem' })).items).toHaveLength(1);
  expect((await act('ledger_list', { customer_id, from: middle, limit: 256 })).items).toHaveLength(2);
  expect((await act('ledger_list', { customer_id, to: middle, limit: 256 })).items).toHaveLength(20);
  expect(first.open_lots[0]).toMatchObject({ remaining: expect.any(Number) });
  const sum = first.open_lots.reduce((total: number, lot: Data) => total + lot.remaining, 0);
  expect([sum, first.points_balance, first.open_lots_total]).toEqual([157, 157, 16]);
  const denied = await act('ledger_list', { customer_id: 'none' }).catch(String);
  expect(denied).toContain('crm.not_found');
  expect(await ok(world, 'crm_customer_get', { customer_id }, headers)).toMatchObject({ customer_id });
});
