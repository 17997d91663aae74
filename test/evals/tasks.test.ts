/** The tasks for agents: the judge of each accepts its solution, and rejects at least three wrong ways. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTasks } from '../../evals/load-tasks.js';
import { Run } from '../../evals/run.js';
import { openShop, type Shop } from '../../evals/shop.js';
import { solve } from '../../evals/solve.js';
import { rightFinish, tryWrongWays } from '../../evals/wrong-ways.js';

const LEAST_WRONG_WAYS = 3;

const tasks = loadTasks();
let shop: Shop;
beforeAll(async () => {
  shop = await openShop(tasks.map(({ role }) => role));
});
afterAll(() => shop.close());

describe.each(tasks.map((task) => [task.id, task] as const))('%s', (_id, task) => {
  test('accepts its solution', async () => {
    const run = await Run.open(task, shop);
    await solve(run, task.solution);
    expect(run.faults(rightFinish(task, run.names))).toEqual([]);
    await run.close();
  });

  test('rejects wrong ways', async () => {
    const verdicts = await tryWrongWays(task, shop);
    expect(verdicts.filter(({ faults }) => faults.length === 0)).toEqual([]);
    // Where nothing has to change, to claim that it is done is a wrong answer.
    const ways = verdicts.filter(({ kind }) => kind !== 'claim' || task.effects.every(({ optional }) => optional));
    expect(ways.map(({ kind }) => kind)).toContain('forbidden write');
    expect(ways.length).toBeGreaterThanOrEqual(LEAST_WRONG_WAYS);
  });
});
