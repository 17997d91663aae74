/** Seeds the fraud assessments of org DEMO, the three holds that they opened, and flags. */
import type { Input } from '../contract/backend.js';
import type { CallAt } from './seed.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LOBBY = 'tablet-lobby-2';

/** Assessments without a hold: customer index, age in milliseconds, event, signals. */
const HARMLESS: readonly (readonly [number, number, Input, Input?])[] = [
  [51, 30 * DAY, { type: 'signup', ip: '198.51.100.23' }],
  [52, 21 * DAY, { type: 'earn', points: 180, source_ref: 'sale-300412' }],
  [53, 14 * DAY, { type: 'return', amount: 129, currency: 'USD', source_ref: 'sale-298077' }, { no_receipt: 0.6 }],
  [54, 3 * DAY, { type: 'redeem', points: 60, device_id: LOBBY }],
  [55, 2 * DAY, { type: 'redeem', points: 80, device_id: LOBBY }],
];

/** Runs the assessments, resolves holds and sets flags, up to `now`. `ids` are the customers of the demo. */
export async function seedRisk(callAt: CallAt, now: number, ids: readonly string[]): Promise<void> {
  const assess = async (index: number, at: number, event: Input, signals: Input = {}) => {
    const assessment = await callAt('customer_fraud_assess', { customer_id: ids[index], event, signals }, at);
    return (assessment as { hold_id: string }).hold_id;
  };
  for (const [index, ago, event, signals] of HARMLESS) await assess(index, now - ago, event, signals);
  const resolve = (hold_id: string, resolution: string, reason: string, at: number) =>
    callAt('customer_hold_resolve', { hold_id, resolution, expected_revision: 1, reason }, at);

  const takeover = await assess(
    61,
    now - 9 * DAY,
    { type: 'redeem', points: 900, device_id: 'phone-5e81' },
    { account_takeover: 0.9, new_device: 0.4 },
  );
  await resolve(takeover, 'released', 'customer called: it is their new phone', now - 8 * DAY);
  const chargeback = await assess(
    62,
    now - 6 * DAY,
    { type: 'purchase', amount: 1299, currency: 'USD', ip: '203.0.113.77', source_ref: 'web-118204' },
    { chargeback: 1, address_mismatch: 0.7 },
  );
  await resolve(chargeback, 'confirmed', 'the bank decided for the card holder', now - 4 * DAY);
  await assess(
    63,
    now - 5 * HOUR,
    { type: 'giftcard_redeem', amount: 100, currency: 'USD', device_id: LOBBY },
    { card_reported_stolen: 1 },
  );
  await seedFlags(callAt, now, ids);
}

async function seedFlags(callAt: CallAt, now: number, ids: readonly string[]): Promise<void> {
  const set = (index: number, flag: string, at: number, more: Input, reason: string) =>
    callAt('customer_flag_set', { customer_id: ids[index], flag, active: true, reason, ...more }, at);
  await set(71, 'vip_service', now - 70 * DAY, { note: 'knows the founders' }, 'store manager asked');
  await set(72, 'vip_service', now - 40 * DAY, {}, 'five years a customer');
  await set(62, 'id_check_required', now - 4 * DAY, { note: 'ask for an ID at pickup' }, 'chargeback confirmed');
  const until = (ms: number) => ({ expires_at: new Date(now + ms).toISOString() });
  await set(73, 'holiday_offer', now - 60 * DAY, until(-30 * DAY), 'campaign of the season');
  await set(74, 'wholesale_candidate', now - 10 * DAY, until(80 * DAY), 'asked for a price list');
  await set(75, 'do_not_disturb', now - 50 * DAY, { note: 'in hospital' }, 'asked for quiet');
  await set(75, 'do_not_disturb', now - 20 * DAY, { active: false, expected_revision: 1 }, 'back home');
}
