/** Merges of two customers into each other, at once, while others change both: one of the merges is done. */

import { createRandom, type Random } from '../random.js';
import type { Answer } from '../server.js';
import { disturbed, newRun, type SoakRun } from '../soak-run.js';
import { send } from '../worker.js';
import type { StartedServers } from './servers.js';

export interface MergeOptions {
  readonly seconds: number;
  /** Pairs that are merged at the same time. */
  readonly pairs: number;
  readonly seed: number;
}

export interface MergeRun extends SoakRun {
  /** Pairs that were merged. */
  merged: number;
}

const POINTS = 5;
const REFUSALS = ['crm.customer_not_active', 'crm.conflict_revision'];

/** Merges pairs for some seconds, and checks each. */
export async function opposeMerges({ cluster }: StartedServers, options: MergeOptions): Promise<MergeRun> {
  const { seconds, pairs, seed } = options;
  const random = createRandom(seed);
  const end = performance.now() + seconds * 1000;
  const run = { ...newRun(cluster, () => performance.now() >= end), merged: 0 };
  const worker = async (chooser: Random) => {
    while (!run.isOver()) await mergePair(run, chooser);
  };
  await disturbed(
    run,
    random,
    Array.from({ length: pairs }, () => worker(createRandom(random.between(1, 2 ** 31)))),
  );
  return run;
}

async function mergePair(run: MergeRun, random: Random): Promise<void> {
  const keyed = (path: string, body: object) =>
    send(run, path, { ...body, idempotency_key: run.books.newMark() }, random);
  const [a, b] = await Promise.all([newCustomer(keyed), newCustomer(keyed)]);
  const merge = (customer_id: string, loser: string) =>
    keyed('/customer/merge', { customer_id, merge_customer_ids: [loser], expected_revision: 1, reason: 'same person' });
  const comment = { target_type: 'customer', target_id: a, body: 'Talked to them.' };
  const [there, back, earned, redeemed] = await Promise.all([
    merge(a, b),
    merge(b, a),
    keyed('/loyalty/earn', { customer_id: b, points: 1, reason: 'sale' }),
    keyed('/loyalty/redeem', { customer_id: a, points: 2, reason: 'reward' }),
    keyed('/comment', { comment, reason: 'call' }),
  ]);
  run.merged += 1;
  for (const answer of [there, back, earned, redeemed].filter(({ ok }) => !ok)) {
    run.figures.refused += 1;
    if (!REFUSALS.includes(answer.code)) run.books.fault('answer', `${answer.status} ${answer.code}`);
  }
  if (there.ok === back.ok) {
    run.books.fault('merges', `${a}, ${b}: ${there.ok ? 'both' : 'none'} done: ${there.code} ${back.code}`);
    return;
  }
  const left = 2 * POINTS + (earned.ok ? 1 : 0) - (redeemed.ok ? 2 : 0);
  const balances = await Promise.all((there.ok ? [a, b] : [b, a]).map((id) => balanceOf(run, id, random)));
  if (balances[0] !== left || balances[1] !== 0)
    run.books.fault('merges', `${a}, ${b}: balances ${balances.join(' and ')}, not ${left} and 0`);
}

async function newCustomer(keyed: (path: string, body: object) => Promise<Answer>): Promise<string> {
  const { data } = await keyed('/customer/create', { customer: { caption: 'One of two' } });
  await keyed('/loyalty/earn', { customer_id: data.customer_id, points: POINTS, reason: 'start' });
  return data.customer_id;
}

async function balanceOf(run: MergeRun, customer_id: string, random: Random): Promise<number> {
  return (await send(run, '/customer/get', { customer_id }, random)).data.loyalty.points_balance;
}
