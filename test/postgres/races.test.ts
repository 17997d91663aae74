/** Calls that get in each other's way, on four servers with one database: what each must find as if it were alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAILURE_LIMIT } from '../../src/domain/giftcard.js';
import { type Outcome, openServers, type Servers } from '../support/servers.js';
import type { Data } from '../support/world.js';

let servers: Servers;
beforeAll(async () => {
  servers = await openServers(4);
});
afterAll(() => servers.close());

/** Runs calls at the same time. */
function collide(count: number, call: (index: number) => Promise<Outcome>): Promise<Outcome[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}

/** The same for calls that wait for each other's locks, so that none of them has to be run again. */
async function race(count: number, call: (index: number) => Promise<Outcome>): Promise<Outcome[]> {
  const before = servers.repeated();
  const outcomes = await collide(count, call);
  expect(servers.repeated() - before).toBe(0);
  return outcomes;
}

/** How many calls ended in which way. */
function counted(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code = 'ok' } of outcomes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

let people = 0;

async function customer(points = 0, fields: object = {}): Promise<string> {
  people += 1;
  const input = { customer: { caption: `Person ${people}`, ...fields } };
  const { customer_id } = await servers.ok('customer_create', input);
  if (points > 0) await servers.ok('loyalty_earn', { customer_id, points, reason: 'start' });
  return customer_id;
}

async function balance(customer_id: string): Promise<number> {
  return (await servers.ok('customer_get', { customer_id })).loyalty.points_balance;
}

async function card(amount: number, fields: object = {}): Promise<string> {
  return (await servers.ok('giftcard_issue', { amount, currency: 'USD', reason: 'sold', ...fields })).giftcard_id;
}

async function newAccount(): Promise<string> {
  return (await servers.ok('account_create', { account: { legal_name: 'Tide Ltd' } })).account_id;
}

describe('points', () => {
  test('are redeemed once', async () => {
    const customer_id = await customer(100);
    const spend = () => servers.call('loyalty_redeem', { customer_id, points: 100, reason: 'reward' });
    expect(counted(await race(8, spend))).toEqual({ ok: 1, 'crm.loyalty_insufficient_points': 7 });
    expect(await balance(customer_id)).toBe(0);
  });

  test('that are earned at once are all there, in one order', async () => {
    const customer_id = await customer();
    const outcomes = await race(40, () => servers.call('loyalty_earn', { customer_id, points: 1, reason: 'sale' }));
    expect(counted(outcomes)).toEqual({ ok: 40 });
    const balances = outcomes.map(({ data }) => data.balance_after).sort((a, b) => a - b);
    expect(balances).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    const { items } = await servers.ok('loyalty_ledger_list', { customer_id, limit: 40 });
    expect(items.map((txn: Data) => txn.balance_after)).toEqual([...balances].reverse());
  });

  test('are given back once', async () => {
    const customer_id = await customer(100);
    const { loyalty_txn_id } = await servers.ok('loyalty_redeem', { customer_id, points: 100, reason: 'reward' });
    const outcomes = await race(24, () => servers.call('loyalty_restore', { loyalty_txn_id, reason: 'returned' }));
    expect(counted(outcomes).ok).toBe(1);
    expect(await balance(customer_id)).toBe(100);
  });

  test('are reversed once', async () => {
    const customer_id = await customer(50);
    const { loyalty_txn_id } = await servers.ok('loyalty_earn', { customer_id, points: 30, reason: 'sale' });
    const outcomes = await race(8, () => servers.call('loyalty_reverse', { loyalty_txn_id, reason: 'returned' }));
    expect(counted(outcomes)).toEqual({ ok: 1, 'crm.loyalty_already_reversed': 7 });
    expect(await balance(customer_id)).toBe(50);
  });

  test('expire once, in two sweeps and in calls at the same time', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => customer()));
    const ends = ids.map(async (customer_id) => {
      const expires_at = new Date(Date.now() + 1000).toISOString();
      await servers.ok('loyalty_adjust', { customer_id, points: 1, expires_at, reason: 'for a second' });
      return expires_at;
    });
    const last = (await Promise.all(ends)).sort().at(-1) ?? '';
    await expect.poll(() => new Date().toISOString() > last, { timeout: 5000 }).toBe(true);
    const outcomes = await race(14, (index) =>
      index < 4
        ? servers.call('loyalty_expire', { reason: 'due' })
        : servers.call('loyalty_earn', { customer_id: ids[index - 4], points: 5, reason: 'sale' }),
    );
    expect(counted(outcomes)).toEqual({ ok: 14 });
    for (const id of ids) expect(await balance(id)).toBe(5);
    await expectClean();
  });

  test('do not move while a hold is being set', async () => {
    const customer_id = await customer(100);
    const client = await servers.connect();
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM customer WHERE customer_id = $1 FOR UPDATE', [customer_id]);
    const redeem = servers.call('loyalty_redeem', { customer_id, points: 10, reason: 'reward' });
    const now = new Date().toISOString();
    await client.query(
      `INSERT INTO hold (orgcode, hold_id, customer_id, scope, origin, status, revision, created_at, updated_at)
        VALUES ('ACME', 'hold-' || $1, $1, 'all', 'manual', 'active', 1, $2, $2)`,
      [customer_id, now],
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.query('COMMIT');
    expect(await redeem).toEqual({ code: 'crm.customer_on_hold' });
  });
});

describe('gift cards', () => {
  test('are not overdrawn', async () => {
    const giftcard_id = await card(50);
    const spend = { giftcard_id, amount: 20, currency: 'USD', reason: 'sale' };
    const outcomes = await race(8, () => servers.call('giftcard_redeem', spend));
    expect(counted(outcomes)).toEqual({ ok: 2, 'crm.giftcard_insufficient_balance': 6 });
    expect(await servers.ok('giftcard_get', { giftcard_id })).toMatchObject({ balance: 10 });
  });

  test('count wrong PINs by many callers up to the limit', async () => {
    const giftcard_id = await card(50, { pin: '1234' });
    const guess = (index: number) =>
      servers.call('giftcard_get', { giftcard_id, pin: String(5000 + index) }, `user_guid:${giftcard_id}-${index}`);
    const counts = counted(await race(FAILURE_LIMIT + 10, guess));
    expect(counts).toEqual({ 'crm.not_found': FAILURE_LIMIT, 'crm.throttled': 10 });
  });

  test('count wrong codes of one caller up to the limit', async () => {
    const guess = (index: number) => servers.call('giftcard_get', { code: `WRONG-CODE-${index}` }, 'user_guid:guesser');
    const counts = counted(await race(FAILURE_LIMIT + 10, guess));
    expect(counts).toEqual({ 'crm.not_found': FAILURE_LIMIT, 'crm.throttled': 10 });
  });
});

test('of 32 equal calls with one key, one acts, and the others wait for its response', async () => {
  const customer_id = await customer();
  const input = { customer_id, points: 7, reason: 'once', idempotency_key: 'thirty-two' };
  const outcomes = await race(32, () => servers.call('loyalty_earn', input));
  expect(outcomes.filter(({ replayed }) => replayed)).toHaveLength(31);
  expect(new Set(outcomes.map(({ data }) => data.loyalty_txn_id)).size).toBe(1);
  expect(await balance(customer_id)).toBe(7);
});

describe('customers', () => {
  test('do not share an e-mail address', async () => {
    const create = () => servers.call('customer_create', { customer: { caption: 'One', email: 'one@example.com' } });
    expect(counted(await race(8, create))).toEqual({ ok: 1, 'crm.customer_exists': 7 });
  });

  test('that are created at once are found as duplicates', async () => {
    const fields = { given_name: 'Ada', family_name: 'Race', birth_date: '1990-01-02' };
    await race(8, () => servers.call('customer_create', { customer: { caption: 'Twin', ...fields } }));
    await expectClean();
  });

  test('get their first consents once', async () => {
    const customer_id = await customer();
    const purposes = ['marketing_email', 'marketing_sms', 'marketing_phone', 'marketing_post', 'profiling'];
    const outcomes = await race(purposes.length, (index) =>
      servers.call('customer_consent_set', {
        customer_id,
        consents: { [purposes[index] ?? '']: 'granted' },
        reason: 'asked',
      }),
    );
    expect(counted(outcomes)).toEqual({ ok: 1, 'crm.expected_revision_required': purposes.length - 1 });
  });

  test('have at most 100 flags', async () => {
    const customer_id = await customer();
    const set = (flag: string) =>
      servers.call('customer_flag_set', { customer_id, flag, active: true, reason: 'limit' });
    for (let flag = 0; flag < 98; flag += 1) await set(`flag_${flag}`);
    expect(counted(await race(8, (index) => set(`late_${index}`)))).toEqual({ ok: 2, 'crm.flag_limit': 6 });
  });
});

describe('merges', () => {
  const merge = (customer_id: string, loser: string) =>
    servers.call('customer_merge', {
      customer_id,
      merge_customer_ids: [loser],
      expected_revision: 1,
      reason: 'same person',
    });

  test('in opposite directions end without a deadlock, and one of them is done', { timeout: 60_000 }, async () => {
    const before = servers.repeated();
    const end = Date.now() + 5_000;
    while (Date.now() < end) {
      const [a, b] = [await customer(5), await customer(5)];
      const comment = { target_type: 'customer', target_id: a, body: 'Talked to them.' };
      const [there, back] = await Promise.all([merge(a, b), merge(b, a), servers.call('comment', { comment })]);
      expect([there.code, back.code].filter((code) => code === undefined)).toHaveLength(1);
      expect([there.code, back.code]).not.toContain('crm.storage_unavailable');
    }
    expect(servers.repeated()).toBe(before);
    await expectClean();
  });

  test('take along what the loser earns meanwhile, or it is told where to earn', async () => {
    const [survivor, loser] = [await customer(10), await customer(10)];
    const outcomes = await race(21, (index) =>
      index === 10
        ? merge(survivor, loser)
        : servers.call('loyalty_earn', { customer_id: loser, points: 1, reason: 'sale' }),
    );
    const earned = outcomes.filter(({ data }, index) => index !== 10 && data !== undefined).length;
    expect(outcomes[10]?.code).toBeUndefined();
    expect(counted(outcomes)).toEqual({
      ok: earned + 1,
      ...(earned < 20 && { 'crm.customer_not_active': 20 - earned }),
    });
    expect(await balance(survivor)).toBe(20 + earned);
    expect(await balance(loser)).toBe(0);
  });
});

describe('accounts', () => {
  test('do not become each other’s parent', async () => {
    for (let pair = 0; pair < 10; pair += 1) {
      const [a, b] = [await newAccount(), await newAccount()];
      const under = (account_id: string, parent_account_id: string) =>
        servers.call('account_update', {
          account_id,
          expected_revision: 1,
          account: { parent_account_id },
          reason: 'group',
        });
      expect(counted(await race(2, (index) => (index === 0 ? under(a, b) : under(b, a))))).toEqual({
        ok: 1,
        'crm.account_parent_circle': 1,
      });
    }
  });

  test('have one primary contact in a role', async () => {
    const account_id = await newAccount();
    const contact = { account_id, role: 'buyer', is_primary: true };
    const outcomes = await race(8, (index) =>
      servers.call('account_contact_create', { contact: { ...contact, caption: `Buyer ${index}` } }),
    );
    expect(counted(outcomes)).toEqual({ ok: 8 });
    const { items } = await servers.ok('account_contact_list', { account_id });
    expect(items.filter((found: Data) => found.is_primary)).toHaveLength(1);
  });

  test('have numbers of their own', async () => {
    const create = () => servers.call('account_create', { account: { legal_name: 'Tide', account_number: 'A-1' } });
    expect(counted(await collide(4, create))).toEqual({ ok: 1, 'crm.account_number_taken': 3 });
  });
});

test('two policies do not become the same version', async () => {
  const set = (index: number) =>
    servers.call('loyalty_policy_set', { policy: { earn: { points_per_unit: index + 1 } }, reason: 'new' });
  expect(counted(await collide(4, set))).toEqual({ ok: 1, 'crm.expected_revision_required': 3 });
});

/** Everything that was raced for adds up. */
async function expectClean(): Promise<void> {
  const { disagreements } = await servers.verify();
  expect(disagreements).toEqual([]);
}
