/** What moves to the survivor of a merge (points with expiry, cards, records, flags), and the list of merges. */
import { describe, expect, test } from 'vitest';
import { DAY_MS } from '../support/loyalty.js';
import { openMerging } from '../support/merging.js';
import { useWorld } from '../support/use-world.js';
import { type Data, errorOf, newCustomer } from '../support/world.js';

let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'ledgers' });

/** Creates an org with the two sides of a merge, and points by the day they expire. */
async function openPair(policy: object = {}) {
  const org = await openMerging(world);
  await org.act('loyalty_policy_set', { policy: { enabled: true, ...policy }, reason: 'test' });
  const [survivor, loser] = [await org.create(), await org.create()];
  const expiring = (days: number) => new Date(now + days * DAY_MS).toISOString();
  return {
    ...org,
    survivor,
    loser,
    expiring,
    credit: (customer_id: string, points: number, days?: number) =>
      org.act('loyalty_adjust', {
        customer_id,
        points,
        reason: 'seed',
        ...(days === undefined ? {} : { expires_at: expiring(days) }),
      }),
    ledger: (customer_id: string) => org.act('loyalty_ledger_list', { customer_id, limit: 256 }),
    lots: async (customer_id: string) =>
      (await org.act('loyalty_ledger_list', { customer_id })).open_lots.map(({ remaining, expires_at }: Data) => [
        remaining,
        expires_at,
      ]),
  };
}

describe('points', () => {
  test('move lot by lot with their own expiry, out of one ledger and into the other', async () => {
    const { survivor, loser, expiring, credit, ledger, lots, merge } = await openPair();
    await credit(survivor, 5, 20);
    await credit(loser, 10, 30);
    await credit(loser, 20, 10);
    await credit(loser, 40);
    const merged = await merge(survivor, [loser]);
    expect(merged.loyalty).toMatchObject({ points_balance: 75, points_available: 75 });
    expect(merged.loyalty.points_pending_expiry.map(({ points }: Data) => points)).toEqual([20, 5, 10]);
    expect(await lots(survivor)).toEqual([
      [20, expiring(10)],
      [5, expiring(20)],
      [10, expiring(30)],
      [40, null],
    ]);
    const [out] = (await ledger(loser)).items;
    const [into] = (await ledger(survivor)).items;
    expect(out).toMatchObject({ kind: 'merge_out', points: -70, balance_after: 0, reason: 'same person' });
    expect(into).toMatchObject({ kind: 'merge_in', points: 70, balance_after: 75 });
    expect(into.related_txn_id).toBe(out.loyalty_txn_id);
    expect(out.lots.map(({ points }: Data) => points)).toEqual([-10, -20, -40]);
    expect(into.lots.map(({ points, expires_at }: Data) => [-points, expires_at])).toEqual(
      out.lots.map(({ points, expires_at }: Data) => [points, expires_at]),
    );
    expect(await ledger(loser)).toMatchObject({ points_balance: 0, open_lots: [] });
  });

  test('are redeemed afterwards as if they had always been there', async () => {
    const { survivor, loser, expiring, credit, lots, merge, act } = await openPair();
    await credit(survivor, 5, 20);
    await credit(loser, 10, 10);
    await merge(survivor, [loser]);
    await act('loyalty_redeem', { customer_id: survivor, points: 12 });
    expect(await lots(survivor)).toEqual([[3, expiring(20)]]);
  });

  test('that have expired on either side are posted as expired first, and do not move', async () => {
    const { survivor, loser, credit, ledger, merge } = await openPair();
    await credit(survivor, 5, 2);
    await credit(loser, 10, 2);
    await credit(loser, 20, 9);
    now += 3 * DAY_MS;
    const merged = await merge(survivor, [loser]);
    expect(merged.loyalty).toMatchObject({ points_balance: 20, points_available: 20 });
    const kinds = async (id: string) => (await ledger(id)).items.map(({ kind, points }: Data) => [kind, points]);
    expect(await kinds(survivor)).toEqual([
      ['merge_in', 20],
      ['expire', -5],
      ['adjust', 5],
    ]);
    expect(await kinds(loser)).toEqual([
      ['merge_out', -20],
      ['expire', -10],
      ['adjust', 20],
      ['adjust', 10],
    ]);
  });

  test('that are owed move as a debt, and later earns pay it first', async () => {
    const { survivor, loser, merge, act, lots } = await openPair({ on_reverse_spent: 'debt' });
    const { loyalty_txn_id } = await act('loyalty_earn', { customer_id: loser, points: 30 });
    await act('loyalty_redeem', { customer_id: loser, points: 25 });
    await act('loyalty_reverse', { loyalty_txn_id, reason: 'returned' });
    const merged = await merge(survivor, [loser]);
    expect(merged.loyalty).toMatchObject({ points_balance: -25, points_available: 0 });
    await act('loyalty_earn', { customer_id: survivor, points: 35 });
    expect(await lots(survivor)).toEqual([[10, null]]);
  });

  test('ever earned add up, also when none is left, and decide the tier', async () => {
    const tiers = [{ tier: 'gold', min_lifetime_points: 100, multiplier: 1 }];
    const { survivor, loser, merge, act, ledger, read } = await openPair({ tiers });
    await act('loyalty_earn', { customer_id: survivor, points: 40 });
    await act('loyalty_earn', { customer_id: loser, points: 60 });
    await act('loyalty_redeem', { customer_id: loser, points: 60 });
    const merged = await merge(survivor, [loser]);
    expect(merged.loyalty).toMatchObject({ points_balance: 40, lifetime_points: 100, tier: 'gold' });
    const [into] = (await ledger(survivor)).items;
    expect(into).toMatchObject({ kind: 'merge_in', points: 0, lots: [] });
    expect((await read(loser)).loyalty).toMatchObject({ points_balance: 0, lifetime_points: 60 });
  });

  test('of a customer that never had any leave no entries', async () => {
    const { survivor, loser, merge, ledger } = await openPair();
    await merge(survivor, [loser]);
    expect([(await ledger(survivor)).items, (await ledger(loser)).items]).toEqual([[], []]);
  });

  test('above the maximum balance are rejected, and nothing moves', async () => {
    const { survivor, loser, credit, deny, read } = await openPair();
    await credit(survivor, 1e12);
    await credit(loser, 1);
    expect((await deny(survivor, [loser])).error_code).toBe('crm.loyalty_limit');
    expect(await read(loser)).toMatchObject({ status: 'active', loyalty: { points_balance: 1 } });
  });

  test.each(['merge_in', 'merge_out'])('moved by a %s are not reversed', async (kind) => {
    const { survivor, loser, credit, merge, ledger, headers } = await openPair();
    await credit(loser, 9);
    await merge(survivor, [loser]);
    const [txn] = (await ledger(kind === 'merge_in' ? survivor : loser)).items;
    const reverse = { loyalty_txn_id: txn.loyalty_txn_id, reason: 'undo' };
    const code = kind === 'merge_in' ? 'crm.loyalty_not_reversible' : 'crm.customer_not_active';
    expect((await errorOf(world, 'crm_loyalty_reverse', reverse, headers)).error_code).toBe(code);
  });
});

test('verify finds points that were lost or created in a merge, and lifetime points that were never earned', async () => {
  const { survivor, loser, credit, merge, act, orgcode } = await openPair();
  await act('loyalty_earn', { customer_id: loser, points: 9 });
  await credit(survivor, 1);
  await merge(survivor, [loser]);
  const sound = async () => (await world.verify()).disagreements.filter((found) => found.orgcode === orgcode);
  expect(await sound()).toEqual([]);
  const change = (lifetime: number, id: string) =>
    world.sql(
      'UPDATE loyalty_account SET lifetime_points = ? WHERE orgcode = ? AND customer_id = ?',
      lifetime,
      orgcode,
      id,
    );
  await change(900, survivor);
  expect(await sound()).toMatchObject([{ check: 'loyalty_account.lifetime_points', id: survivor, computed: 9 }]);
  await change(9, survivor);
  await change(8, loser);
  expect((await sound()).map(({ id }) => id).sort()).toEqual([survivor, loser].sort());
  await change(9, loser);
  await world.withoutTriggers('loyalty_txn', async () => {
    const points = (value: number) =>
      world.sql(`UPDATE loyalty_txn SET points = ? WHERE orgcode = ? AND kind = 'merge_in'`, value, orgcode);
    await points(10);
    expect((await sound()).map(({ check }) => check)).toContain('loyalty_txn.points of a merge');
    await points(9);
  });
  expect(await sound()).toEqual([]);
});

describe('records', () => {
  test('of every kind move a revision further, are counted, and none is left behind', async () => {
    const { survivor, loser, records, merge, act, rows, headers } = await openPair();
    const card = { amount: 20, currency: 'USD', reason: 'gift' };
    const { giftcard_id } = await act('giftcard_issue', { ...card, customer_id: loser });
    await act('giftcard_issue', { ...card, customer_id: survivor });
    await records.comment(survivor, 'mine');
    await records.comment(loser, 'theirs');
    await records.comment(loser, 'too');
    await records.certificate(loser);
    await records.hold(loser, 'all', 'released');
    await records.inboxItem(loser);
    await records.contact(loser);
    await records.flag(loser, 'vip');
    await records.identifier(loser, 'phone-1');
    await records.identifier(survivor, 'phone-1');
    await records.identifier(loser, 'phone-2');
    const merged = await merge(survivor, [loser]);
    expect(merged).toMatchObject({ flags: ['vip'], stored_value: [{ currency: 'USD', balance: 40, cards: 2 }] });
    const [{ moved }] = (await act('customer_merge_list', {})).items;
    expect(moved).toEqual({
      points: 0,
      lots: 0,
      gift_cards: 1,
      comments: 2,
      certificates: 1,
      holds: 1,
      flags: 1,
      inbox_items: 1,
      contacts: 1,
    });
    const owners = [
      'SELECT customer_id AS owner, revision FROM certificate WHERE orgcode = ?',
      'SELECT customer_id AS owner, revision FROM hold WHERE orgcode = ?',
      'SELECT customer_id AS owner, revision FROM account_contact WHERE orgcode = ?',
      'SELECT customer_id AS owner, revision FROM customer_flag WHERE orgcode = ?',
      'SELECT record_id AS owner, revision FROM inbox WHERE orgcode = ?',
      `SELECT customer_id AS owner, revision FROM giftcard WHERE orgcode = ? AND giftcard_id = '${giftcard_id}'`,
    ];
    for (const sql of owners) expect(await rows(sql), sql).toEqual([{ owner: survivor, revision: 2 }]);
    expect(await rows('SELECT target_id, revision FROM comment WHERE orgcode = ? ORDER BY comment_id')).toEqual([
      { target_id: survivor, revision: 1 },
      { target_id: survivor, revision: 2 },
      { target_id: survivor, revision: 2 },
    ]);
    const { total_comments, total_bytes } = await act('comment_report', {
      target_type: 'customer',
      target_id: survivor,
    });
    expect({ total_comments, total_bytes }).toEqual({ total_comments: 3, total_bytes: 13 });
    expect(await rows('SELECT identifier_hash, customer_id FROM fraud_identifier WHERE orgcode = ?')).toEqual([
      { identifier_hash: 'phone-1', customer_id: survivor },
      { identifier_hash: 'phone-2', customer_id: survivor },
    ]);
    await act('giftcard_redeem', { giftcard_id, amount: 20, currency: 'USD' });
    expect((await errorOf(world, 'crm_giftcard_issue', { ...card, customer_id: loser }, headers)).http_status).toBe(
      409,
    );
  });

  test('of two records of one name leave the survivor its own flag, unless the other is up and lasts longer', async () => {
    const { survivor, loser, records, merge, expiring, rows } = await openPair();
    await records.flag(survivor, 'both', { note: 'own' });
    await records.flag(loser, 'both', { note: 'other', expires_at: expiring(9) });
    await records.flag(survivor, 'down', { active: 0, note: 'own' });
    const down = await records.flag(loser, 'down', { note: 'other', expires_at: expiring(9) });
    await records.flag(survivor, 'up', { note: 'own' });
    await records.flag(loser, 'up', { active: 0, note: 'other' });
    await records.flag(survivor, 'over', { note: 'own', expires_at: expiring(-1) });
    await records.flag(loser, 'over', { note: 'other' });
    expect((await merge(survivor, [loser])).flags).toEqual(['both', 'down', 'over', 'up']);
    const flags = await rows(
      'SELECT flag, flag_id, customer_id, active, note, revision FROM customer_flag WHERE orgcode = ?',
    );
    expect(flags).toMatchObject([
      { flag: 'both', customer_id: survivor, active: 1, note: 'own', revision: 1 },
      { flag: 'down', customer_id: survivor, active: 1, note: 'other', revision: 2 },
      { flag: 'over', customer_id: survivor, active: 1, note: 'other', revision: 2 },
      { flag: 'up', customer_id: survivor, active: 1, note: 'own', revision: 1 },
    ]);
    expect(flags.map(({ flag_id }) => flag_id)).not.toContain(down);
  });

  test('past 5,000 are too many for one merge, and nothing has moved', async () => {
    const { survivor, loser, deny, read, orgcode, rows } = await openPair();
    const many = `INSERT INTO comment
      WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5001)
      SELECT ?, 'c' || n, 'customer', ?, NULL, 'active', 1, NULL, 'x', '[]', '[]', 'sam', 1, '', '' FROM n`;
    await world.sql(many, orgcode, loser);
    // On PostgreSQL autovacuum does this, which tests switch off; the plan is still that of an empty table.
    if (world.store.driver.dialect.hasManyWriters) await world.sql('ANALYZE comment');
    expect(await deny(survivor, [loser])).toMatchObject({
      error_code: 'crm.customer_merge_limit',
      details: { max: 5_000 },
    });
    expect(await read(loser)).toMatchObject({ status: 'active' });
    expect(await rows('SELECT COUNT(*) AS n FROM comment WHERE orgcode = ? AND target_id = ?', loser)).toEqual([
      { n: 5_001 },
    ]);
    await world.sql('DELETE FROM comment WHERE orgcode = ?', orgcode);
  });
});

describe('the list of merges', () => {
  test('lists merges newest first, with survivor, merged customers, actor and reason, for any customer involved', async () => {
    const { create, merge, act } = await openPair();
    const [a, b, c, d] = [await create(), await create(), await create(), await create()];
    await merge(b, [a], { reason: 'first' });
    now += 5;
    await merge(c, [b, d], { reason: 'second' });
    const list = async (args: object) => (await act('customer_merge_list', args)).items;
    const [second, first] = await list({});
    expect(first).toMatchObject({ customer_id: b, merge_customer_ids: [a], reason: 'first' });
    expect(second).toEqual({
      merge_id: expect.any(String),
      customer_id: c,
      merge_customer_ids: [b, d],
      moved: expect.objectContaining({ points: 0, gift_cards: 0 }),
      reason: 'second',
      actor: expect.stringMatching(/^service_account_guid:/),
      created_at: new Date(now).toISOString(),
    });
    expect(await list({ customer_id: a })).toEqual([first]);
    expect(await list({ customer_id: b })).toEqual([second, first]);
    for (const id of [c, d]) expect(await list({ customer_id: id })).toEqual([second]);
  });

  test('pages without a skip or a repeat, for one customer and for all', async () => {
    const { create, merge, act, survivor } = await openPair();
    for (let index = 0; index < 5; index += 1) await merge(survivor, [await create()]);
    for (const filter of [{}, { customer_id: survivor }]) {
      const seen: string[] = [];
      let next_token: string | null = null;
      do {
        const page: Data = await act('customer_merge_list', { ...filter, limit: 2, next_token: next_token ?? '' });
        seen.push(...page.items.map(({ merge_id }: Data) => merge_id));
        next_token = page.next_token;
      } while (next_token !== null);
      expect(seen).toEqual([...new Set(seen)].sort().toReversed());
      expect(seen).toHaveLength(5);
    }
  });

  test('shows nothing of another org', async () => {
    const { survivor, loser, merge, headers } = await openPair();
    await merge(survivor, [loser]);
    const otherCustomer = await newCustomer(world);
    const error = await errorOf(world, 'crm_customer_merge_list', { customer_id: otherCustomer }, headers);
    expect(error.http_status).toBe(404);
  });

  test('cannot be changed by SQL', async () => {
    const { survivor, loser, merge } = await openPair();
    await merge(survivor, [loser]);
    await expect(world.sql(`UPDATE customer_merge SET reason = 'x'`)).rejects.toThrow(/append-only/);
    await expect(world.sql('DELETE FROM customer_merge')).rejects.toThrow(/append-only/);
  });
});
