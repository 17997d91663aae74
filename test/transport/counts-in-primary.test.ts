/** Rate limits of several processes that one process started. */
import { expect, test } from 'vitest';
import { countsInPrimary, createCountsOfWorkers } from '../../src/transport/counts-in-primary.js';
import { createSharedBudget } from '../../src/transport/shared-budget.js';

/** A worker whose messages reach the primary, and back, unless the primary is deaf. */
function workerOf(answer: ReturnType<typeof createCountsOfWorkers>, isDeaf = false) {
  let take: (message: unknown) => void = () => {};
  const send = (message: unknown) => {
    take(message);
    return true;
  };
  return countsInPrimary({
    send: (message) => void (isDeaf || answer({ send }, message)),
    onMessage: (taken) => {
      take = taken;
    },
  });
}

test('workers together allow as many calls as one server does, and each is told when to try again', async () => {
  const answer = createCountsOfWorkers();
  const budgets = [workerOf(answer), workerOf(answer), workerOf(answer)].map((make) =>
    createSharedBudget(20, 'calls', make),
  );
  const waits: number[] = [];
  for (let call = 0; call < 30; call += 1) waits.push((await budgets[call % 3]?.spend('caller')) ?? Number.NaN);
  expect(waits.filter((wait) => wait === 0)).toHaveLength(20);
  expect(waits.slice(20).every((wait) => wait > 0 && wait <= 60_000)).toBe(true);
  expect(await budgets[0]?.spend('another')).toBe(0);
});

test('budgets of different names, and callers, are counted apart', async () => {
  const make = workerOf(createCountsOfWorkers());
  const [calls, failures] = [createSharedBudget(1, 'calls', make), createSharedBudget(1, 'failures', make)];
  expect([await calls.spend('a'), await failures.spend('a'), await calls.spend('b')]).toEqual([0, 0, 0]);
  expect(await calls.spend('a')).toBeGreaterThan(0);
});

test('a worker that gets no answer counts for itself', async () => {
  const budget = createSharedBudget(2, 'calls', workerOf(createCountsOfWorkers(), true));
  expect([await budget.spend('a'), await budget.spend('a')]).toEqual([0, 0]);
  expect(await budget.spend('a')).toBeGreaterThan(0);
});
