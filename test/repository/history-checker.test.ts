/** The checker of histories (soak/history-checker.ts): on histories made by hand, and beside a search of all orders. */
import { describe, expect, test } from 'vitest';
import { type Call, type ChangeAnswer, historyFaults, type LedgerEntry } from '../../soak/history-checker.js';
import { createRandom, type Random } from '../../soak/random.js';

const done = (entry: string, balance: number, replayed = false): ChangeAnswer => ({
  kind: 'done',
  entry,
  balance,
  replayed,
});
const refused = (replayed = false): ChangeAnswer => ({ kind: 'refused', replayed });

/** A change by a key, sent and answered at these ticks; without an answer its outcome is unknown. */
function change(key: string, by: number, [sentAt, at]: readonly [number, number?], answer?: ChangeAnswer): Call {
  const request = { kind: 'change', key, by } as const;
  return answer === undefined || at === undefined ? { request, sentAt } : { request, sentAt, answered: { at, answer } };
}

function read(balance: number, [sentAt, at]: readonly [number, number], newest?: string): Call {
  return { request: { kind: 'read' }, sentAt, answered: { at, answer: { kind: 'read', balance, newest } } };
}

/** A ledger of changes, whose entries are named after their keys: `a` is the entry of key `A`. */
function ledger(...changes: readonly (readonly [string, number])[]): LedgerEntry[] {
  let balance = 0;
  return changes.map(([key, by]) => {
    balance += by;
    return { id: key.toLowerCase(), key, by, balance };
  });
}

const EARN = change('A', 10, [1, 2], done('a', 10));

describe('a history without a fault', () => {
  test('of calls one after the other', () => {
    const calls = [EARN, read(10, [3, 4], 'a'), change('B', -4, [5, 6], done('b', 6)), read(6, [7, 8])];
    expect(historyFaults(calls, ledger(['A', 10], ['B', -4]))).toEqual([]);
    expect(historyFaults([], [])).toEqual([]);
  });

  test('of calls at once, in either order', () => {
    const calls = (a: number, b: number) => [
      change('A', 10, [1, 4], done('a', a)),
      change('B', 5, [2, 3], done('b', b)),
    ];
    expect(historyFaults(calls(10, 15), ledger(['A', 10], ['B', 5]))).toEqual([]);
    expect(historyFaults(calls(15, 5), ledger(['B', 5], ['A', 10]))).toEqual([]);
  });

  test('of a read that sees the balance before, during or after changes', () => {
    const entries = ledger(['A', 10], ['B', 5]);
    const calls = [change('A', 10, [1, 6], done('a', 10)), change('B', 5, [2, 5], done('b', 15))];
    for (const balance of [0, 10, 15]) expect(historyFaults([...calls, read(balance, [3, 4])], entries)).toEqual([]);
  });

  test('of retries: after an answer, and after none', () => {
    const calls = [
      EARN,
      change('A', 10, [3, 4], done('a', 10, true)),
      change('B', 5, [5]),
      change('B', 5, [6, 7], done('b', 15, true)),
      change('C', 1, [8]),
      change('C', 1, [9, 10], done('c', 16)),
    ];
    expect(historyFaults(calls, ledger(['A', 10], ['B', 5], ['C', 1]))).toEqual([]);
  });

  test('of changes without an answer, which happen never, at once or late', () => {
    const calls = [change('L', 7, [1]), change('A', 10, [2, 3], done('a', 10)), read(10, [4, 5])];
    expect(historyFaults(calls, ledger(['A', 10]))).toEqual([]);
    expect(historyFaults(calls, ledger(['A', 10], ['L', 7]))).toEqual([]);
    const early = [change('L', 7, [1]), change('A', 10, [2, 3], done('a', 17)), read(17, [4, 5])];
    expect(historyFaults(early, ledger(['L', 7], ['A', 10]))).toEqual([]);
  });

  test('of a refusal while the balance was too low, and of its replay', () => {
    const calls = [
      change('R', -20, [1, 4], refused()),
      change('A', 30, [2, 3], done('a', 30)),
      change('R', -20, [5, 6], refused(true)),
    ];
    expect(historyFaults(calls, ledger(['A', 30]))).toEqual([]);
  });
});

describe('a fault:', () => {
  test('a lost update', () => {
    const calls = [EARN, change('B', 5, [3, 6], done('b', 15)), change('C', 7, [4, 5], done('c', 17))];
    const entries = [...ledger(['A', 10], ['B', 5]), { id: 'c', key: 'C', by: 7, balance: 17 }];
    expect(historyFaults(calls, entries)).toEqual(['entry c (C): 7 on 15 cannot leave 17']);
  });

  test('an acknowledged change that is not in the ledger', () => {
    expect(historyFaults([EARN], [])).toEqual(['A: acknowledged, but not in the ledger']);
  });

  test('a stale read', () => {
    const calls = [EARN, change('B', 5, [3, 4], done('b', 15)), read(10, [5, 6])];
    expect(historyFaults(calls, ledger(['A', 10], ['B', 5]))).toEqual([
      'read of 10, sent at 5: true before it was sent, and no longer',
    ]);
  });

  test('a read that is older than one before it', () => {
    const calls = [change('A', 10, [1, 6], done('a', 10)), read(10, [2, 3]), read(0, [4, 5])];
    expect(historyFaults(calls, ledger(['A', 10])).join()).toMatch(/^read of 0, sent at 4: true before/);
  });

  test('a read of an old entry whose balance has returned', () => {
    const calls = [EARN, change('B', 5, [3, 4], done('b', 15)), change('C', -5, [5, 6], done('c', 10))];
    const entries = ledger(['A', 10], ['B', 5], ['C', -5]);
    expect(historyFaults([...calls, read(10, [7, 8], 'c')], entries)).toEqual([]);
    expect(historyFaults([...calls, read(10, [7, 8], 'a')], entries)).toHaveLength(1);
  });

  test('a read of what was never there, or was sent later', () => {
    expect(historyFaults([EARN, read(11, [3, 4])], ledger(['A', 10])).join()).toContain('true at no time');
    const calls = [read(10, [1, 2]), change('A', 10, [3, 4], done('a', 10))];
    expect(historyFaults(calls, ledger(['A', 10])).join()).toContain('sent later than this was answered');
  });

  test('a change that is seen before the call that acted, by its own answer', () => {
    const calls = [change('A', 10, [1]), read(10, [2, 3]), change('A', 10, [4, 5], done('a', 10))];
    expect(historyFaults(calls, ledger(['A', 10]))).toHaveLength(1);
  });

  test('an order against real time', () => {
    const calls = [change('A', 10, [1, 2], done('a', 15)), change('B', 5, [3, 4], done('b', 5))];
    expect(historyFaults(calls, ledger(['B', 5], ['A', 10]))).toEqual([
      'entry a (A) is done: true only after an entry that was sent later than this was answered',
    ]);
  });

  test('a key that acted twice', () => {
    const again = change('A', 10, [3, 4], done('a2', 20));
    const entries = [...ledger(['A', 10]), { id: 'a2', key: 'A', by: 10, balance: 20 }];
    const faults = historyFaults([EARN, again], entries);
    expect(faults).toContain('A: acted twice, the second time in entry a2');
    expect(faults).toContain('A: 2 calls were answered as the first');
    const unanswered = [change('A', 10, [1]), change('A', 10, [2, 3], done('a', 10, true))];
    expect(historyFaults(unanswered, entries)).toContain('A: acted twice, the second time in entry a2');
  });

  test('a replay with another answer, or of nothing', () => {
    const other = change('A', 10, [3, 4], done('x', 10, true));
    expect(historyFaults([EARN, other], ledger(['A', 10]))).toEqual(['A: answered differently']);
    const nothing = [change('A', 10, [1, 2], done('a', 10, true))];
    expect(historyFaults(nothing, ledger(['A', 10]))).toEqual(['A: replayed, but no call was the first']);
  });

  test('an answer with another balance than its entry', () => {
    const calls = [change('A', 10, [1, 2], done('a', 11))];
    expect(historyFaults(calls, ledger(['A', 10])).join()).toContain('the answer was: a leaves 11');
  });

  test('a refusal although there was enough, or of what is in the ledger', () => {
    const calls = [EARN, change('R', -5, [3, 4], refused())];
    expect(historyFaults(calls, ledger(['A', 10]))).toEqual([
      'R: refusal of -5: true before it was sent, and no longer',
    ]);
    expect(historyFaults(calls, ledger(['A', 10], ['R', -5]))).toContain('entry r (R): its call was refused');
  });

  test('an entry that nobody sent, or with another amount, or below 0', () => {
    expect(historyFaults([EARN], ledger(['A', 10], ['X', 1]))).toEqual(['entry x (X) was never sent']);
    expect(historyFaults([change('A', 10, [1])], ledger(['A', 9]))).toEqual(['entry a (A): 9, but 10 was sent']);
    expect(historyFaults([change('A', -1, [1])], ledger(['A', -1]))).toContain('entry a (A) leaves -1');
  });
});

test('on small histories it finds a fault exactly when no order of the calls explains them', () => {
  const random = createRandom(7);
  const counts = { good: 0, bad: 0 };
  for (let round = 0; round < 1000; round += 1) {
    const { calls, entries } = randomHistory(random);
    const isGood = hasOrder(calls, entries);
    counts[isGood ? 'good' : 'bad'] += 1;
    const faults = historyFaults(calls, entries);
    if ((faults.length === 0) !== isGood) expect({ calls, entries, faults }).toBe(isGood);
  }
  expect(counts.good).toBeGreaterThan(200);
  expect(counts.bad).toBeGreaterThan(200);
});

/** Up to three changes and three reads or refusals with answers at random, at random ticks. The ledger adds up. */
function randomHistory(random: Random): { calls: Call[]; entries: LedgerEntry[] } {
  const entries = ledger(
    ...['A', 'B', 'C'].slice(0, random.between(1, 3)).map((key) => [key, random.between(1, 2)] as const),
  );
  const others = random.between(1, 3);
  const ticks = Array.from({ length: 2 * (entries.length + others) }, (_, tick) => tick + 1);
  const interval = (near: number): [number, number] => {
    const [start] = ticks.splice(Math.min(ticks.length - 1, near + random.between(0, 2)), 1);
    const [end] = ticks.splice(Math.min(ticks.length - 1, near + random.between(0, 4)), 1);
    return [Math.min(start ?? 0, end ?? 0), Math.max(start ?? 0, end ?? 0)];
  };
  const changes = entries.map(({ id, key, by, balance }) =>
    change(key, by, interval(0), random.chance(0.8) ? done(id, balance) : undefined),
  );
  const observed = Array.from({ length: others }, (_, index) => {
    const { balance } = random.pick([{ balance: 0 }, ...entries]) ?? { balance: 0 };
    return random.chance(0.7)
      ? read(balance, interval(random.between(0, 2)))
      : change(`R${index}`, -random.between(1, 4), interval(random.between(0, 2)), refused());
  });
  return { calls: [...changes, ...observed], entries };
}

/** Whether some order of the calls, in which none comes before one that was answered earlier, explains all answers. */
function hasOrder(calls: readonly Call[], entries: readonly LedgerEntry[], position = 0): boolean {
  const rest = calls.filter(({ request, answered }) => {
    const isInLedger = request.kind === 'change' && entries.slice(position).some(({ key }) => key === request.key);
    return isInLedger || answered?.answer.kind === 'read' || answered?.answer.kind === 'refused';
  });
  if (rest.length === 0) return position === entries.length;
  const deadline = Math.min(...rest.map(({ answered }) => answered?.at ?? Number.POSITIVE_INFINITY));
  const balance = entries[position - 1]?.balance ?? 0;
  return rest.some((next) => {
    if (next.sentAt > deadline) return false;
    const others = calls.filter((call) => call !== next);
    const { request, answered } = next;
    if (request.kind === 'read') {
      return (
        answered?.answer.kind === 'read' && answered.answer.balance === balance && hasOrder(others, entries, position)
      );
    }
    if (answered?.answer.kind === 'refused') return balance + request.by < 0 && hasOrder(others, entries, position);
    return entries[position]?.key === request.key && hasOrder(others, entries, position + 1);
  });
}
