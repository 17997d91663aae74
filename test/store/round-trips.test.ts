/**
 * How often a call waits for the database. An engine on another machine needs a round trip each time, which is most of
 * what a call costs there; docs/postgres.md shows the same numbers.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job, Scope } from '../../src/store/engine/driver.js';
import { plainSteps } from '../../src/store/engine/side-by-side.js';
import { isAwaited, type Step, type Steps } from '../../src/store/engine/step.js';
import { newAccount, newCustomer, ok, openWorld, type World } from '../support/world.js';

let world: World;
let trips = 0;
beforeAll(async () => {
  world = await openWorld();
  const { driver } = world.store;
  const [read, write] = [driver.read.bind(driver), driver.write.bind(driver)];
  const counting = {
    dialect: { ...driver.dialect, hasManyWriters: true },
    version: () => undefined, // another machine would have to be asked
    read: <T>(steps: () => Steps<T>, scope?: Scope) => read(scope?.isLong ? steps : () => counted(steps())),
    async write<T>(job: Job<T>) {
      if (job.onError === undefined) return await write(job); // housekeeping, which no call waits for
      const value = await write({ ...job, steps: () => counted(job.steps()) });
      trips += 1; // the changes that nobody waits for go with the COMMIT
      return value;
    },
  };
  Object.assign(driver, counting);
});
afterAll(() => world.close());

function* counted<T>(handler: Steps<T>): Steps<T> {
  const steps = plainSteps(handler);
  let turn = steps.next();
  while (!turn.done) {
    const list: readonly Step[] = 'mode' in turn.value ? [turn.value] : turn.value;
    if (list.some(isAwaited)) trips += 1;
    turn = steps.next(yield turn.value);
  }
  return turn.value;
}

let calls = 0;

/** The round trips of a call, with an idempotency key when it changes something, and without those that identify. */
async function tripsOf(tool: string, input: object, keyed = true): Promise<number> {
  calls += 1;
  const args = keyed ? { ...input, idempotency_key: `key-${calls}` } : input;
  await world.headers();
  trips = 0;
  await ok(world, tool, args);
  return trips - IDENTIFY;
}

/** Finding the caller of an API key is one read, before every call. */
const IDENTIFY = 1;

async function pricedCustomer(fields: object = {}): Promise<string> {
  const id = await newCustomer(world, fields);
  await ok(world, 'crm_loyalty_earn', { customer_id: id, points: 500, reason: 'welcome' });
  return id;
}

const EXPECTED: Readonly<Record<string, number>> = {
  customer_get: 1,
  customer_search: 5,
  customer_create: 3,
  customer_update: 5,
  customer_consent_set: 2,
  loyalty_earn: 2,
  loyalty_redeem: 2,
  loyalty_restore: 4,
  giftcard_issue: 3,
  giftcard_redeem: 3,
  giftcard_get: 3,
  account_credit_consume: 2,
};

test('hot operations wait for the database as rarely as the table says', async () => {
  const customer_id = await pricedCustomer({ given_name: 'Ada', family_name: 'Tripp', email: 'ada@example.com' });
  const found = { customer_get: await tripsOf('crm_customer_get', { customer_id }, false) } as Record<string, number>;
  found.customer_search = await tripsOf('crm_customer_search', { q: 'tripp' }, false);
  const other = { given_name: 'Eve', family_name: 'Tripp', email: 'eve@example.com' };
  found.customer_create = await tripsOf('crm_customer_create', { customer: other });
  const update = { customer_id, expected_revision: 1, customer: { given_name: 'Adah', email: 'adah@example.com' } };
  found.customer_update = await tripsOf('crm_customer_update', update);
  const consents = { marketing_email: 'granted' };
  const consent = { customer_id, consents, source: 'web', policy_version: '1', reason: 'asked' };
  found.customer_consent_set = await tripsOf('crm_customer_consent_set', consent);
  found.loyalty_earn = await tripsOf('crm_loyalty_earn', { customer_id, points: 10, reason: 'purchase' });
  found.loyalty_redeem = await tripsOf('crm_loyalty_redeem', { customer_id, points: 10, reason: 'reward' });
  const redeemed = await ok(world, 'crm_loyalty_redeem', { customer_id, points: 10, reason: 'reward' });
  const back = { loyalty_txn_id: redeemed.loyalty_txn_id, reason: 'returned' };
  found.loyalty_restore = await tripsOf('crm_loyalty_restore', back);
  const issue = { customer_id, amount: 50, currency: 'USD', reason: 'sold' };
  found.giftcard_issue = await tripsOf('crm_giftcard_issue', issue);
  const { giftcard_id } = await ok(world, 'crm_giftcard_issue', issue);
  const spend = { giftcard_id, amount: 5, currency: 'USD', reason: 'sale' };
  found.giftcard_redeem = await tripsOf('crm_giftcard_redeem', spend);
  found.giftcard_get = await tripsOf('crm_giftcard_get', { giftcard_id }, false);
  const account_id = await newAccount(world);
  const terms = { currency: 'USD', credit_limit: 100 };
  await ok(world, 'crm_account_update', { account_id, expected_revision: 1, account: terms, reason: 'terms' });
  await ok(world, 'crm_account_status_set', { account_id, expected_revision: 2, status: 'active', reason: 'checked' });
  const credit = { account_id, amount: 5, currency: 'USD', reason: 'order' };
  found.account_credit_consume = await tripsOf('crm_account_credit_consume', credit);
  expect(found).toEqual(EXPECTED);
});

test('a replay waits once for what it finds, and changes nothing', async () => {
  const customer_id = await pricedCustomer();
  const args = { customer_id, points: 1, reason: 'twice', idempotency_key: 'replayed' };
  await ok(world, 'crm_loyalty_earn', args);
  trips = 0;
  await ok(world, 'crm_loyalty_earn', args);
  expect(trips - IDENTIFY).toBe(2);
});

test('docs/postgres.md shows these numbers', () => {
  const text = readFileSync('docs/postgres.md', 'utf8');
  const shown = [...text.matchAll(/^\| `(\w+)` +\| +(\d+) +\|/gm)].map(([, id, count]) => [id, Number(count)]);
  expect(Object.fromEntries(shown)).toEqual(EXPECTED);
});

test('a list of duplicates reads the blocks of many customers in one round trip', async () => {
  for (let index = 0; index < 40; index += 1)
    await newCustomer(world, {
      given_name: 'Twin',
      family_name: `Same${index}`,
      phone: `+1212555${2000 + (index >> 1)}`,
    });
  expect(await tripsOf('crm_customer_dedupe_list', { limit: 50, min_score: 0.1 }, false)).toBeLessThanOrEqual(12);
});
