/** Previews: a preview runs the real change and rolls it back; only failed attempts stay counted. */
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { changesBetween } from '../../src/mcp/preview.js';
import { toolName } from '../../src/tools/catalogue.js';
import { type ConfirmingWorld, openConfirming } from '../support/confirming.js';
import { createTenant, exampleFor } from '../support/makers.js';
import { PATH } from '../support/paths.js';
import { type Data, errorOf, newAccount, newCustomer, ok, openWorld, type World } from '../support/world.js';

let now = Date.parse('2026-11-28T12:00:00.000Z');
const WRITES = CONTRACT.operations.filter(({ effect }) => effect !== 'read');

let world: World;
let asking: ConfirmingWorld;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] }); // housekeeping would write at its own times
  world = await openWorld({ clock: () => now });
  vi.useRealTimers();
  asking = openConfirming(world, 'all');
  await ok(world, 'crm_loyalty_policy_set', { policy: { enabled: true }, reason: 'start' });
});
afterAll(() => world.close());

describe.each(WRITES.map((operation) => [toolName(operation), operation] as const))('%s', (tool, operation) => {
  test('a preview changes nothing, and the confirmed call does what the preview described', async () => {
    const args = await argsFor(operation);
    const watch = openWatch();
    const before = await watch.fingerprint();
    const { preview } = await asking.confirmationRequired(tool, args);
    expect(await watch.fingerprint()).toEqual(before);
    watch.close();
    expect(preview.action).toBe(operation.summary);
    expectPreviewed(preview.result, await asking.confirmed(tool, args), operation.shownOnce);
  });
});

test('a preview lists changed fields with their values before and after', async () => {
  const customer_id = await newCustomer(world);
  await ok(world, 'crm_loyalty_earn', { customer_id, points: 80 });
  const redeem = await asking.confirmationRequired('crm_loyalty_redeem', { customer_id, points: 30 });
  expect(redeem.preview.changes).toContainEqual({ field: 'loyalty.points_balance', before: 80, after: 50 });
  const card = await ok(world, 'crm_giftcard_issue', {
    amount: 25,
    currency: 'USD',
    generate_pin: true,
    reason: 'sold',
  });
  const spend = { code: card.code, pin: card.pin, amount: 10, currency: 'USD' };
  const spent = await asking.confirmationRequired('crm_giftcard_redeem', spend);
  expect(spent.preview.changes).toContainEqual({ field: 'balance', before: 25, after: 15 });
  const account_id = await newAccount(world);
  const status = { account_id, status: 'closed', expected_revision: 1, reason: 'left' };
  const closed = await asking.confirmationRequired('crm_account_status_set', status);
  expect(closed.preview.changes).toEqual([{ field: 'status', before: 'draft', after: 'closed' }]);
  const { loyalty_txn_id } = await ok(world, 'crm_loyalty_earn', { customer_id, points: 9 });
  const undone = await asking.confirmationRequired('crm_loyalty_reverse', { loyalty_txn_id, reason: 'returned' }); // names no customer
  expect(undone.preview.changes).toContainEqual({ field: 'loyalty.points_balance', before: 89, after: 80 });
});

test('a preview shows changes of a record only to callers that may read it', async () => {
  const account_id = await newAccount(world);
  const headers = await world.headers('crm_edit'); // writes accounts, reads nothing
  const change = { account_id, status: 'active', expected_revision: 1, reason: 'signed' };
  expect(
    (await asking.confirmationRequired('crm_account_status_set', change, headers)).preview.changes,
  ).toBeUndefined();
  const reader = await world.headers('crm_edit+crm_view');
  expect((await asking.confirmationRequired('crm_account_status_set', change, reader)).preview.changes).toHaveLength(1);
});

test('a preview of any call masks fields that consent hides from the caller, before and after', async () => {
  const customer_id = await newCustomer(world, { email: 'hidden@example.com', phone: '+12125550123' });
  const consents = { profile_access: 'denied' };
  await ok(world, 'crm_customer_consent_set', { customer_id, consents, reason: 'asked' });
  const other = await newCustomer(world, { email: 'loser@example.com' });
  const clerk = await world.headers('crm_edit+crm_view');
  const emailUpdate = (email: string) => ({ customer_id, expected_revision: 1, customer: { email } });
  const calls: [string, object][] = [
    ['crm_customer_update', emailUpdate('new-one@example.com')],
    ['crm_customer_flag_set', { customer_id, flag: 'vip', active: true, reason: 'x' }],
    ['crm_customer_merge', { customer_id, merge_customer_ids: [other], expected_revision: 1, reason: 'same' }],
  ];
  for (const [tool, args] of calls) {
    const { preview } = await asking.confirmationRequired(tool, args, clerk);
    expect(JSON.stringify(preview), tool).not.toMatch(/hidden@|new-one@|loser@|5550123/);
    expect(JSON.stringify(preview), tool).toContain(tool === 'crm_customer_flag_set' ? 'vip' : '***@example.com');
  }
  const manager = await world.headers('crm_manage');
  const { preview } = await asking.confirmationRequired(
    'crm_customer_update',
    emailUpdate('new-one@example.com'),
    manager,
  );
  expect(preview.changes).toContainEqual({
    field: 'email',
    before: 'hidden@example.com',
    after: 'new-one@example.com',
  });
});

test('a preview omits values that are shown once, and no id of the dry run leaks', async () => {
  const issue = { amount: 40, currency: 'USD', generate_pin: true, reason: 'sold' };
  const { preview } = await asking.confirmationRequired('crm_giftcard_issue', issue);
  expect(preview.result).toMatchObject({ code: null, pin: null, masked_code: null, giftcard_id: null, balance: 40 });
  expect(JSON.stringify(preview)).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

test('a change that fails is rejected at once, without a confirmation', async () => {
  const customer_id = await newCustomer(world);
  const answer = await asking.parsed('crm_loyalty_redeem', { customer_id, points: 5 });
  expect(answer.error_code).toBe('crm.loyalty_insufficient_points');
  const account_id = await newAccount(world);
  const stale = { account_id, status: 'closed', expected_revision: 7, reason: 'left' };
  expect((await asking.parsed('crm_account_status_set', stale)).error_code).toBe('crm.conflict_revision');
});

test('an error under an idempotency key is stored and returned again, even if the call could now succeed', async () => {
  const redeem = { customer_id: await newCustomer(world), points: 5, idempotency_key: 'too-early' };
  const first = await asking.parsed('crm_loyalty_redeem', redeem);
  await ok(world, 'crm_loyalty_earn', { customer_id: redeem.customer_id, points: 50 });
  const again = await asking.parsed('crm_loyalty_redeem', redeem);
  expect([first.error_code, again.error_code]).toEqual(Array(2).fill('crm.loyalty_insufficient_points'));
  const other = await asking.parsed('crm_loyalty_redeem', { ...redeem, points: 6 });
  expect(other.error_code).toBe('crm.idempotency_mismatch');
});

test('a call that changes nothing, a dry run or a replay, runs without confirmation', async () => {
  expect((await asking.parsed('crm_loyalty_expire', { dry_run: true, reason: 'look' })).data.dry_run).toBe(true);
  const adjust = { customer_id: await newCustomer(world), points: 5, reason: 'late', idempotency_key: 'once' };
  const first = await asking.confirmed('crm_loyalty_adjust', adjust);
  expect((await asking.parsed('crm_loyalty_adjust', adjust)).data).toEqual(first);
});

describe('PINs', () => {
  const failures = async (): Promise<number> => (await world.sql('SELECT count(*) AS n FROM giftcard_failure'))[0].n;

  test('tried in previews count as failed attempts, and throttling then rejects the right PIN too', async () => {
    const headers = await world.headers('giftcard_admin');
    const { giftcard_id } = await ok(
      world,
      'crm_giftcard_issue',
      { amount: 25, currency: 'USD', pin: '8305', reason: 'sold' },
      headers,
    );
    const spend = (pin: string) => ({ giftcard_id, pin, amount: 5, currency: 'USD' });
    const before = await failures();
    for (let guess = 0; guess < 10; guess += 1) {
      expect((await asking.parsed('crm_giftcard_redeem', spend(`100${guess}`), headers)).http_status).toBe(404);
    }
    expect((await failures()) - before).toBe(20); // the caller's and the card's
    for (const pin of ['1010', '8305']) {
      expect((await asking.parsed('crm_giftcard_redeem', spend(pin), headers)).error_code).toBe('crm.throttled');
    }
    const other = await world.headers('giftcard_admin+crm_view');
    expect(await errorOf(world, 'crm_giftcard_redeem', spend('8305'), other)).toMatchObject({ http_status: 429 });
  });

  test('that are right count no failure, in any number of previews', async () => {
    const { giftcard_id } = await ok(world, 'crm_giftcard_issue', {
      amount: 25,
      currency: 'USD',
      pin: '8305',
      reason: 'sold',
    });
    const before = await failures();
    const issued = { amount: 5, currency: 'USD', generate_pin: true, reason: 'sold' };
    for (let count = 0; count < 12; count += 1) {
      await asking.confirmationRequired('crm_giftcard_redeem', {
        giftcard_id,
        pin: '8305',
        amount: 5,
        currency: 'USD',
      });
      await Promise.all([asking.confirmationRequired('crm_giftcard_issue', issued), newCustomer(world)]); // in one commit
    }
    expect(await failures()).toBe(before);
  });
});

test('concurrent previews and real changes do not affect each other', async () => {
  const customer_id = await newCustomer(world);
  await ok(world, 'crm_loyalty_earn', { customer_id, points: 100 });
  const calls = Array.from({ length: 32 }, (_, index) =>
    index % 2 === 0
      ? ok(world, 'crm_loyalty_redeem', { customer_id, points: 1 })
      : asking.confirmationRequired('crm_loyalty_redeem', { customer_id, points: 70 }),
  );
  await Promise.all(calls);
  const { points_balance } = (await ok(world, 'crm_customer_get', { customer_id })).loyalty;
  expect(points_balance).toBe(84);
  expect((await world.verify()).disagreements).toEqual([]);
});

describe('changesBetween', () => {
  test('finds changes at any depth, summarises lists of records by count, and skips the revision', () => {
    const before = { revision: 1, a: { b: 1, c: ['x'] }, list: [{ n: 1 }], same: [{ n: 1 }], gone: 'g' };
    const after = { revision: 2, a: { b: 2, c: ['x', 'y'] }, list: [{ n: 1 }, { n: 2 }], same: [{ n: 9 }], born: true };
    expect(changesBetween(before, after)).toEqual([
      { field: 'a.b', before: 1, after: 2 },
      { field: 'a.c', before: 'x', after: 'x, y' },
      { field: 'list', before: '1 item', after: '2 items' },
      { field: 'same', before: '1 item', after: '1 item, changed' },
      { field: 'gone', before: 'g', after: null },
      { field: 'born', before: null, after: true },
    ]);
  });

  test('returns at most forty changes', () => {
    const wide = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`f${index}`, index]));
    expect(changesBetween({}, wide)).toHaveLength(40);
  });
});

/** Argument overrides for operations whose contract example needs a prepared state, or would change nothing. */
const ARGUMENT_OVERRIDES: Record<string, (args: Data) => object | Promise<object>> = {
  account_status_set: () => ({ expected_revision: 1 }),
  account_update: () => ({ expected_revision: 1 }),
  async account_credit_release({ account_id, amount, currency }) {
    await ok(world, 'crm_account_credit_consume', { account_id, amount, currency, reason: 'ordered' });
    return {};
  },
  loyalty_policy_set: () => ({ policy: { enabled: true, tiers: [{ tier: 'silver', min_lifetime_points: 1000 }] } }),
  async loyalty_redeem({ customer_id, points }) {
    await ok(world, 'crm_loyalty_earn', { customer_id, points });
    return {};
  },
  async loyalty_expire() {
    const expires_at = new Date(now + 1000).toISOString();
    await ok(world, 'crm_loyalty_adjust', {
      customer_id: await newCustomer(world),
      points: 7,
      expires_at,
      reason: 'x',
    });
    now += 2000;
    return { dry_run: false };
  },
};

async function argsFor(operation: (typeof WRITES)[number]): Promise<Data> {
  const args = await exampleFor(
    createTenant((tool, input) => ok(world, tool, input)),
    operation,
  );
  return { ...args, ...(await ARGUMENT_OVERRIDES[operation.id]?.(args)) };
}

/** Expects equal leaves, except those only the real change has: generated ids and values shown once. */
function expectPreviewed(previewed: Data, real: Data, shownOnce: readonly string[], path = ''): void {
  if (typeof real === 'object' && real !== null) {
    expect(Object.keys(previewed ?? {}), path).toEqual(Object.keys(real));
    for (const [name, inner] of Object.entries(real))
      expectPreviewed(previewed[name], inner, shownOnce, `${path}.${name}`);
  } else if (previewed !== real) {
    expect(previewed, path).toBeNull();
    const name = path.slice(path.lastIndexOf('.') + 1);
    expect(/(^|_)id$/.test(name) || shownOnce.includes(name) || name === 'masked_code', path).toBe(true);
  }
}

/** Watches the database of a world: its rows, and on SQLite whether anything was committed. */
function openWatch() {
  const file = PATH === 'postgres' ? undefined : new Database(world.path, { readonly: true });
  return {
    fingerprint: async () => ({ commits: file?.pragma('data_version'), rows: await world.digest() }),
    close: () => file?.close(),
  };
}
