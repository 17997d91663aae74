/** Seeds org DEMO with a year of fictional data, made by calls. The data is the same every time. */
import type { Input } from '../contract/backend.js';
import { seedAccounts } from './account-seed.js';
import { seedComments } from './comment-seed.js';
import { signupAt } from './dedupe-seed.js';
import { seedExemptions } from './exemption-seed.js';
import { seedInbox } from './inbox-seed.js';
import { seedMerges } from './merge-seed.js';
import { seedRisk } from './risk-seed.js';
import { CITIES, FAMILY_NAMES, GIVEN_NAMES, PRODUCTS, STREETS } from './sample-values.js';

/** Performs one call as of `at` (epoch milliseconds), as `actor` if given, and returns its data. */
export type CallAt = (operation: string, input: Input, at: number, actor?: string) => Promise<object>;

export const CUSTOMERS = 200;
const CARDS = 40;
const DAY = 86_400_000;
const YEAR = 358 * DAY;

const POLICY = {
  enabled: true,
  earn: {
    mode: 'per_amount',
    points_per_unit: 1,
    currency: 'USD',
    rounding: 'floor',
    category_multipliers: { coffee: 2, gifts: 1.5 },
    max_points_per_txn: 5000,
  },
  redeem: { point_value: 0.01, currency: 'USD', min_points: 50, step: 10, max_points_per_day: 20000 },
  expiry: { mode: 'days', days: 365, restore_grace_days: 30 },
  tiers: [
    { tier: 'bronze', min_lifetime_points: 0, multiplier: 1 },
    { tier: 'silver', min_lifetime_points: 1000, multiplier: 1.25 },
    { tier: 'gold', min_lifetime_points: 3000, multiplier: 1.5 },
  ],
  on_reverse_spent: 'refuse',
};

/** Seeds the whole year, up to `now`. `owner` is the actor behind the owner's key. */
export async function seedDemoOrg(callAt: CallAt, now: number, owner: string): Promise<void> {
  await callAt('loyalty_policy_set', { policy: POLICY, reason: 'loyalty programme opens' }, now - YEAR - DAY);
  const indexes = Array.from({ length: CUSTOMERS }, (_, index) => index);
  const ids = await Promise.all(indexes.map((index) => seedCustomer(callAt, now, index)));
  const cards = Array.from({ length: CARDS }, (_, index) => index);
  await Promise.all(cards.map((index) => seedGiftCard(callAt, now, index, ids)));
  await seedAccounts(callAt, now, ids);
  const certificates = await seedExemptions(callAt, now, ids);
  await seedInbox(callAt, now, ids, certificates);
  await seedComments(callAt, now, ids, owner);
  await seedRisk(callAt, now, ids);
  await seedMerges(callAt, now, ids);
}

async function seedCustomer(callAt: CallAt, now: number, index: number): Promise<string> {
  const random = createRandom(1000 + index);
  const joined = now - YEAR + Math.floor(random() * YEAR * 0.8);
  person(random, index); // draws the numbers of a person, so that the visits below do not depend on `signupAt`
  const customer = signupAt(index, personAt);
  const created = (await callAt('customer_create', { customer, reason: 'signup' }, joined)) as { customer_id: string };
  const customer_id = created.customer_id;
  if (random() < 0.6) await seedConsents(callAt, customer_id, index, joined + 60_000);
  await seedVisits(callAt, random, customer_id, joined + 2 * 3_600_000, now);
  return customer_id;
}

async function seedVisits(
  callAt: CallAt,
  random: Random,
  customer_id: string,
  from: number,
  now: number,
): Promise<void> {
  const count = 3 + Math.floor(random() ** 2 * 30);
  let at = from;
  let balance = 0;
  for (let visit = 0; visit < count; visit += 1) {
    at += Math.floor((random() + 0.1) * ((now - from) / count));
    if (at >= now - 60_000) return;
    const purchase = basket(random);
    const earned = await callAt(
      'loyalty_earn',
      { customer_id, purchase, source_ref: ref('sale', random), reason: 'purchase' },
      at,
    );
    balance = (earned as { balance_after: number }).balance_after;
    if (balance < 300 || random() > 0.25) continue;
    const points = Math.floor((balance * 0.6) / 10) * 10;
    await callAt(
      'loyalty_redeem',
      { customer_id, points, source_ref: ref('sale', random), reason: 'paid with points' },
      at + 5_000,
    );
  }
}

async function seedConsents(callAt: CallAt, customer_id: string, index: number, at: number): Promise<void> {
  const consents = {
    marketing_email: index % 3 === 0 ? 'denied' : 'granted',
    marketing_sms: index % 2 === 0 ? 'granted' : 'denied',
    ...(index % 40 === 7 ? { profile_access: 'denied' } : {}),
  };
  await callAt('customer_consent_set', { customer_id, consents, source: 'pos', reason: 'asked at signup' }, at);
}

async function seedGiftCard(callAt: CallAt, now: number, index: number, ids: readonly string[]): Promise<void> {
  const random = createRandom(9000 + index);
  const at = now - Math.floor(random() * 200 * DAY) - DAY;
  const amount = pick(random, [10, 25, 50, 100]);
  const owner = index % 3 === 0 ? {} : { customer_id: pick(random, ids) };
  const issued = await callAt('giftcard_issue', { amount, currency: 'USD', ...owner, reason: 'sold at the till' }, at);
  const { giftcard_id } = issued as { giftcard_id: string };
  if (random() < 0.5) return;
  const spent = random() < 0.3 ? amount : (Math.floor(amount * 40 * random()) + 100) / 100;
  await callAt('giftcard_redeem', { giftcard_id, amount: spent, currency: 'USD', reason: 'checkout' }, at + 3_600_000);
}

function personAt(index: number): Input {
  const random = createRandom(1000 + index);
  random();
  return person(random, index);
}

function person(random: Random, index: number): Input {
  const given_name = pick(random, GIVEN_NAMES);
  const family_name = pick(random, FAMILY_NAMES);
  const city = pick(random, CITIES);
  const phone = `+1${city.area}555${String(100 + (index % 100)).padStart(4, '0')}`;
  return {
    caption: `${given_name} ${family_name}`,
    given_name,
    family_name,
    email: `${given_name}.${family_name}${index}@example.com`.toLowerCase(),
    ...(index % 4 === 3 ? {} : { phone }),
    ...(index % 5 === 0 ? { birth_date: `${1950 + (index % 50)}-0${1 + (index % 9)}-1${index % 10}` } : {}),
    locale: 'en-US',
    addresses: [
      {
        kind: 'home',
        line1: `${1 + Math.floor(random() * 900)} ${pick(random, STREETS)}`,
        city: city.city,
        region: city.region,
        postal_code: city.postal_code,
        country: 'US',
      },
    ],
    home_logical_guid: `store-00${1 + (index % 4)}`,
    external_refs: [{ system: 'pos', ref: `C${10_000 + index}` }],
    tags: index % 6 === 0 ? ['newsletter'] : index % 10 === 1 ? ['vip'] : [],
  };
}

function basket(random: Random): Input {
  const lines = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const product = pick(random, PRODUCTS);
    const quantity = 1 + Math.floor(random() * 3);
    return { sku: product.sku, category: product.category, quantity, cents: product.cents * quantity };
  });
  const total = lines.reduce((sum, line) => sum + line.cents, 0);
  return {
    amount: total / 100,
    currency: 'USD',
    lines: lines.map(({ cents, ...line }) => ({ ...line, amount: cents / 100 })),
  };
}

type Random = () => number;

/** A small deterministic generator: the demo must be the same everywhere, not unpredictable. */
function createRandom(seed: number): Random {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_507) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

function ref(kind: string, random: Random): string {
  return `${kind}-${Math.floor(random() * 1e6)
    .toString()
    .padStart(6, '0')}`;
}
