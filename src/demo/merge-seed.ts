/** Duplicates and a farewell: people who signed up twice and are one again, and one who asked to be forgotten. */
import type { DemoCalls } from './seed.js';

const MINUTE = 60_000;

/** What a till types when nobody looks the customer up; by the index of who it really was. */
const WALK_INS = [
  { index: 4, caption: 'walk-in, register 2', tags: ['walk-in'], points: 120 },
  { index: 22, caption: 'same lady, new card', tags: ['walk-in', 'vip'], points: 45 },
];

/** Two walk-ins turn out to be known customers; a third person leaves for good. Told last, up to `now`. */
export async function seedMerges(play: DemoCalls, now: number, ids: readonly string[]): Promise<void> {
  for (const { index, points, ...customer } of WALK_INS) {
    const duplicate = await created(play, { ...customer, external_refs: [{ system: 'pos', ref: `W${index}` }] }, now);
    await play('loyalty_earn', { customer_id: duplicate, points, reason: 'purchase' }, now - 4 * MINUTE);
    const survivor = ids[index] ?? '';
    const { revision } = (await play('customer_get', { customer_id: survivor }, now)) as { revision: number };
    const merge = { customer_id: survivor, merge_customer_ids: [duplicate], expected_revision: revision };
    await play('customer_merge', { ...merge, reason: 'same person, found at the till' }, now - MINUTE / 2);
  }
  const leaving = { caption: 'Theo Lang', email: 'theo.lang@example.com', phone: '+12125550198' };
  const customer_id = await created(play, leaving, now);
  const farewell = { customer_id, expected_revision: 1, reason: 'asked to be forgotten' };
  await play('customer_anonymize', farewell, now - MINUTE / 2);
}

async function created(play: DemoCalls, customer: object, now: number): Promise<string> {
  const made = await play('customer_create', { customer, reason: 'signup' }, now - 5 * MINUTE);
  return (made as { customer_id: string }).customer_id;
}
