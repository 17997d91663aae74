/** Seeds two merges of duplicate customers, and one customer who asked to be anonymized. */
import type { CallAt } from './seed.js';

const MINUTE = 60_000;

/** Customers entered at the till without a lookup; `index` is the existing customer that each of them duplicates. */
const WALK_INS = [
  { index: 4, caption: 'walk-in, register 2', tags: ['walk-in'], points: 120 },
  { index: 22, caption: 'same lady, new card', tags: ['walk-in', 'vip'], points: 45 },
];

/** Merges the walk-ins into existing customers and anonymizes a third. Runs last, with times up to `now`. */
export async function seedMerges(callAt: CallAt, now: number, ids: readonly string[]): Promise<void> {
  for (const { index, points, ...customer } of WALK_INS) {
    const duplicate = await createCustomer(
      callAt,
      { ...customer, external_refs: [{ system: 'pos', ref: `W${index}` }] },
      now,
    );
    await callAt('loyalty_earn', { customer_id: duplicate, points, reason: 'purchase' }, now - 4 * MINUTE);
    const survivor = ids[index] ?? '';
    const { revision } = (await callAt('customer_get', { customer_id: survivor }, now)) as { revision: number };
    const merge = { customer_id: survivor, merge_customer_ids: [duplicate], expected_revision: revision };
    await callAt('customer_merge', { ...merge, reason: 'same person, found at the till' }, now - MINUTE / 2);
  }
  const person = { caption: 'Theo Lang', email: 'theo.lang@example.com', phone: '+12125550198' };
  const customer_id = await createCustomer(callAt, person, now);
  const anonymize = { customer_id, expected_revision: 1, reason: 'asked to be forgotten' };
  await callAt('customer_anonymize', anonymize, now - MINUTE / 2);
}

async function createCustomer(callAt: CallAt, customer: object, now: number): Promise<string> {
  const created = await callAt('customer_create', { customer, reason: 'signup' }, now - 5 * MINUTE);
  return (created as { customer_id: string }).customer_id;
}
