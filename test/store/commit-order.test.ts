/** The order of the commits of a ledger without `seq` is recovered from the journal and from the balances. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BalanceStep, commitOrder } from '../../src/store/sqlite/migrations/commit-order.js';

/** Few different amounts, so that balances are reached again and again, and ids from three clocks. */
const history = fc
  .array(fc.tuple(fc.constantFrom(5, 10, -5, -10), fc.constantFrom(0, 3600, 7200)), { minLength: 1, maxLength: 60 })
  .map((moves) => {
    let balance = 0;
    const steps = moves.map(([change, clock], index): BalanceStep => {
      const from = balance;
      balance += change;
      return { id: `${100_000 + index * 60 + clock}-${index}`, from, to: balance };
    });
    const journal = new Map(steps.map(({ id }, index) => [id, index + 1]));
    return { steps, byId: steps.toSorted((a, b) => (a.id < b.id ? -1 : 1)), journal };
  });

describe('commitOrder', () => {
  test('is the order of the journal where the journal names every entry', () => {
    fc.assert(
      fc.property(history, ({ steps, byId, journal }) => {
        expect(commitOrder(byId, journal)).toEqual(steps);
      }),
      { numRuns: 200 },
    );
  });

  test('puts an entry that the journal does not name where the balances leave a gap', () => {
    const steps = [
      { id: '10', from: 0, to: 10 },
      { id: '30', from: 10, to: 7 },
      { id: '40', from: 7, to: 10 },
      { id: '20', from: 10, to: 4 },
      { id: '50', from: 4, to: 10 },
    ];
    const journal = new Map(['10', '30', '40', '50'].map((id, index) => [id, index + 1]));
    const byId = steps.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect(commitOrder(byId, journal)).toEqual(steps);
  });

  test('is a path over all entries without a journal', () => {
    fc.assert(
      fc.property(history, ({ byId }) => {
        const order = commitOrder(byId) ?? [];
        expect(new Set(order)).toEqual(new Set(byId));
        for (const [index, step] of order.entries()) expect(step.from).toBe(order[index - 1]?.to ?? 0);
      }),
      { numRuns: 200 },
    );
  });

  test('is undefined when no order fits', () => {
    expect(commitOrder([{ id: '1', from: 1, to: 2 }])).toBeUndefined();
    expect(
      commitOrder([
        { id: '1', from: 0, to: 5 },
        { id: '2', from: 7, to: 9 },
      ]),
    ).toBeUndefined();
  });
});
