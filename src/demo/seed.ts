/** What happened in org DEMO over the last year: pure invention, the same every time, told as calls. */
import type { Input } from '../contract/backend.js';
import { seedAccounts } from './account-seed.js';
import { seedComments } from './comment-seed.js';
import { signupAt } from './dedupe-seed.js';
import { seedExemptions } from './exemption-seed.js';
import { seedInbox } from './inbox-seed.js';
import { seedMerges } from './merge-seed.js';
import { seedRisk } from './risk-seed.js';
import { FAMILY_NAMES, GIVEN_NAMES, PLACES, PRODUCTS, STREETS } from './sample-values.js';

/** Performs one call as of `at` (epoch milliseconds), as `actor` if it matters who, and answers its data. */
export type DemoCalls = (operation: string, input: Input, at: number, actor?: string) => Promise<object>;

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

/** Tells the whole year, up to `now`; `owner` is the actor behind the owner's key. */
export async function seedDemoOrg(play: DemoCalls, now: number, owner: string): Promise<void> {
  await play('loyalty_policy_set', { policy: POLICY, reason: 'loyalty programme opens' }, now - YEAR - DAY);
  const indexes = Array.from({ length: CUSTOMERS }, (_, index) => index);
  const ids = await Promise.all(indexes.map((index) => customerYear(play, now, index)));
  const cards = Array.from({ length: CARDS }, (_, index) => index);
  await Promise.all(cards.map((index) => giftCardLife(play, now, index, ids)));
  await seedAccounts(play, now, ids);
  const certificates = await seedExemptions(play, now, ids);
  await seedInbox(play, now, ids, certificates);
  await seedComments(play, now, ids, owner);
  await seedRisk(play, now, ids);
  await seedMerges(play, now, ids);
}

async function customerYear(play: DemoCalls, now: number, index: number): Promise<string> {
  const dice = createDice(1000 + index);
  const joined = now - YEAR + Math.floor(dice() * YEAR * 0.8);
  person(dice, index); // its throws, so that the visits stay what they were
  const customer = signupAt(index, personAt);
  const created = (await play('customer_create', { customer, reason: 'signup' }, joined)) as { customer_id: string };
  const customer_id = created.customer_id;
  if (dice() < 0.6) await askConsent(play, customer_id, index, joined + 60_000);
  await visits(play, dice, customer_id, joined + 2 * 3_600_000, now);
  return customer_id;
}

async function visits(play: DemoCalls, dice: Dice, customer_id: string, from: number, now: number): Promise<void> {
  const count = 3 + Math.floor(dice() ** 2 * 30);
  let at = from;
  let balance = 0;
  for (let visit = 0; visit < count; visit += 1) {
    at += Math.floor((dice() + 0.1) * ((now - from) / count));
    if (at >= now - 60_000) return;
    const purchase = basket(dice);
    const earned = await play(
      'loyalty_earn',
      { customer_id, purchase, source_ref: ref('sale', dice), reason: 'purchase' },
      at,
    );
    balance = (earned as { balance_after: number }).balance_after;
    if (balance < 300 || dice() > 0.25) continue;
    const points = Math.floor((balance * 0.6) / 10) * 10;
    await play(
      'loyalty_redeem',
      { customer_id, points, source_ref: ref('sale', dice), reason: 'paid with points' },
      at + 5_000,
    );
  }
}

async function askConsent(play: DemoCalls, customer_id: string, index: number, at: number): Promise<void> {
  const consents = {
    marketing_email: index % 3 === 0 ? 'denied' : 'granted',
    marketing_sms: index % 2 === 0 ? 'granted' : 'denied',
    ...(index % 40 === 7 ? { profile_access: 'denied' } : {}),
  };
  await play('customer_consent_set', { customer_id, consents, source: 'pos', reason: 'asked at signup' }, at);
}

async function giftCardLife(play: DemoCalls, now: number, index: number, ids: readonly string[]): Promise<void> {
  const dice = createDice(9000 + index);
  const at = now - Math.floor(dice() * 200 * DAY) - DAY;
  const amount = pick(dice, [10, 25, 50, 100]);
  const owner = index % 3 === 0 ? {} : { customer_id: pick(dice, ids) };
  const issued = await play('giftcard_issue', { amount, currency: 'USD', ...owner, reason: 'sold at the till' }, at);
  const { giftcard_id } = issued as { giftcard_id: string };
  if (dice() < 0.5) return;
  const spent = dice() < 0.3 ? amount : (Math.floor(amount * 40 * dice()) + 100) / 100;
  await play('giftcard_redeem', { giftcard_id, amount: spent, currency: 'USD', reason: 'checkout' }, at + 3_600_000);
}

function personAt(index: number): Input {
  const dice = createDice(1000 + index);
  dice();
  return person(dice, index);
}

function person(dice: Dice, index: number): Input {
  const given_name = pick(dice, GIVEN_NAMES);
  const family_name = pick(dice, FAMILY_NAMES);
  const place = pick(dice, PLACES);
  const phone = `+1${place.area}555${String(100 + (index % 100)).padStart(4, '0')}`;
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
        line1: `${1 + Math.floor(dice() * 900)} ${pick(dice, STREETS)}`,
        city: place.city,
        region: place.region,
        postal_code: place.postal_code,
        country: 'US',
      },
    ],
    home_logical_guid: `store-00${1 + (index % 4)}`,
    external_refs: [{ system: 'pos', ref: `C${10_000 + index}` }],
    tags: index % 6 === 0 ? ['newsletter'] : index % 10 === 1 ? ['vip'] : [],
  };
}

function basket(dice: Dice): Input {
  const lines = Array.from({ length: 1 + Math.floor(dice() * 3) }, () => {
    const product = pick(dice, PRODUCTS);
    const quantity = 1 + Math.floor(dice() * 3);
    return { sku: product.sku, category: product.category, quantity, cents: product.cents * quantity };
  });
  const total = lines.reduce((sum, line) => sum + line.cents, 0);
  return {
    amount: total / 100,
    currency: 'USD',
    lines: lines.map(({ cents, ...line }) => ({ ...line, amount: cents / 100 })),
  };
}

type Dice = () => number;

/** A small linear generator: the demo has to be the same everywhere, not unpredictable. */
function createDice(seed: number): Dice {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_507) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function pick<T>(dice: Dice, values: readonly T[]): T {
  return values[Math.floor(dice() * values.length)] as T;
}

function ref(kind: string, dice: Dice): string {
  return `${kind}-${Math.floor(dice() * 1e6)
    .toString()
    .padStart(6, '0')}`;
}
