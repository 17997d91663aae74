/** Lots, without a store: movements keep the sum, take the earliest expiry first, and restore points only once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyChanges,
  available,
  give,
  type Lot,
  type LotChange,
  restore,
  sweep,
  take,
  takeBack,
} from '../../src/domain/lots.js';

const SEED = 20_261_124;
const NOW = '2026-06-15T00:00:00.000Z';
const dates = fc.constantFrom(
  null,
  '2026-06-01T00:00:00.000Z',
  '2026-06-15T00:00:00.000Z',
  '2026-07-01T00:00:00.000Z',
  '2026-08-01T00:00:00.000Z',
);
const lots = fc
  .array(fc.record({ remaining: fc.integer({ min: 0, max: 100 }), expires_at: dates }), { maxLength: 12 })
  .map((drafts) => drafts.map((draft, index) => lot(`lot${String(index).padStart(2, '0')}`, draft)));

function lot(lot_id: string, { remaining, expires_at }: { remaining: number; expires_at: string | null }): Lot {
  return { lot_id, points: remaining, remaining, expired: 0, expires_at };
}

const sum = (changes: readonly LotChange[]) => changes.reduce((total, { points }) => total + points, 0);
const balance = (all: readonly Lot[]) => all.reduce((total, { remaining }) => total + remaining, 0);
const holds = (property: fc.IProperty<never> | fc.IRawProperty<unknown>) =>
  fc.assert(property as fc.IProperty<unknown>, { seed: SEED, numRuns: 2000 });

describe('taking', () => {
  test('takes exactly the requested points, never from expired lots, and from the lot that expires first', () => {
    holds(
      fc.property(lots, fc.integer({ min: 1, max: 400 }), (all, points) => {
        fc.pre(points <= available(all, NOW));
        const changes = take(all, points, NOW);
        expect(sum(changes)).toBe(-points);
        const after = applyChanges(all, changes);
        expect(after.every(({ remaining }) => remaining >= 0)).toBe(true);
        const end = ({ expires_at }: { expires_at: string | null }) => expires_at ?? '9999';
        const last = changes.at(-1);
        expect(changes.every((change) => end(change) > NOW)).toBe(true);
        for (const { remaining, ...rest } of after) {
          if (last && remaining > 0 && end(rest) > NOW) expect(end(rest) >= end(last)).toBe(true);
        }
      }),
    );
  });

  test('more than is available is rejected with the available points', () => {
    holds(
      fc.property(lots, (all) => {
        const most = available(all, NOW);
        expect(() => take(all, most + 1, NOW)).toThrow(`${most} points available`);
      }),
    );
  });
});

test('giving pays off debts first, oldest first, and puts the rest into a new lot', () => {
  const debts = [
    { lot_id: 'd2', points: -5, remaining: -5, expired: 0, expires_at: null },
    { lot_id: 'd1', points: -7, remaining: -7, expired: 0, expires_at: null },
  ];
  const newLot = { lot_id: 'new', expires_at: null };
  expect(give(debts, 9, newLot).map(({ lot_id, points }) => [lot_id, points])).toEqual([
    ['d1', 7],
    ['d2', 2],
  ]);
  expect(give(debts, 20, newLot).map(({ lot_id, points }) => [lot_id, points])).toEqual([
    ['d1', 7],
    ['d2', 5],
    ['new', 8],
  ]);
});

test('a sweep takes all expired points, including those that expire now, and a second sweep takes none', () => {
  holds(
    fc.property(lots, (all) => {
      const after = applyChanges(all, sweep(all, NOW), true);
      expect(sweep(after, NOW)).toEqual([]);
      expect(balance(after)).toBe(available(all, NOW));
    }),
  );
});

test('restoring in parts gives back exactly the points taken, to the lots they came from', () => {
  holds(
    fc.property(lots, fc.nat(300), fc.integer({ min: 1, max: 60 }), (all, requested, part) => {
      const points = Math.min(requested, available(all, NOW));
      fc.pre(points > 0);
      const debit = take(all, points, NOW);
      let current = applyChanges(all, debit);
      const given = new Map<string, number>();
      let left = points;
      while (left > 0) {
        const { changes, unrestorable } = restore(debit, given, current, Math.min(part, left), NOW, 0);
        expect(unrestorable).toBe(0);
        for (const { lot_id, points: back } of changes) given.set(lot_id, (given.get(lot_id) ?? 0) + back);
        current = applyChanges(current, changes);
        left -= sum(changes);
      }
      expect(() => restore(debit, given, current, 1, NOW, 0)).toThrow();
      expect(current.map(({ remaining }) => remaining)).toEqual(all.map(({ remaining }) => remaining));
    }),
  );
});

test('taking an earn back takes its points from any lot, or is rejected as spent, or leaves a debt', () => {
  holds(
    fc.property(lots, fc.integer({ min: 1, max: 100 }), fc.nat(300), (all, points, spent) => {
      const credit = [{ lot_id: 'own', points, expires_at: null }];
      const earned = applyChanges(all, credit);
      const some = Math.min(spent, available(earned, NOW));
      const now = some === 0 ? earned : applyChanges(earned, take(earned, some, NOW));
      const enough = available(now, NOW) >= points;
      if (!enough) expect(() => takeBack(credit, now, NOW, 'debt', 'refuse')).toThrow('spent');
      const changes = takeBack(credit, now, NOW, 'debt', enough ? 'refuse' : 'debt');
      expect(sum(changes)).toBe(-points);
      expect(balance(applyChanges(now, changes))).toBe(balance(now) - points);
    }),
  );
});
