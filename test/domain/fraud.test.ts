/** Each fraud rule, the score and its levels, IP normalisation, and hold scopes and transitions. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assessFraud,
  canonicalIp,
  type FraudFacts,
  IDENTIFIERS,
  type LedgerEntry,
  RULES,
  SHARED_COUNTED,
} from '../../src/domain/fraud.js';
import { HOLD_TRANSITIONS, holdScope } from '../../src/domain/hold.js';
import { requireTransition } from '../../src/domain/lifecycle.js';

const SEED = 20_261_127;
const NOW = Date.parse('2026-06-15T12:00:00.000Z');
const HOUR = 3_600_000;
const ago = (hours: number) => new Date(NOW - hours * HOUR).toISOString();
const entry = (hours: number, fields: Partial<LedgerEntry> = {}): LedgerEntry => ({
  kind: 'earn',
  points: 10,
  actor: 'till',
  created_at: ago(hours),
  ...fields,
});
const many = (count: number, make: (index: number) => LedgerEntry) => Array.from({ length: count }, (_, n) => make(n));
const notShared = { email: 0, phone: 0, device_id: 0, ip: 0 };
const redeem = (points: number | null) => ({ type: 'redeem', points }) as const;

/** Facts of a customer created a year ago whose last ledger entry is 30 days old. */
const facts = (fields: Partial<FraudFacts> = {}): FraudFacts => ({
  now: ago(0),
  actor: 'till',
  event: { type: 'purchase', points: null },
  customer_created_at: ago(365 * 24),
  points_balance: 1000,
  entries: [entry(30 * 24)],
  shared: notShared,
  failed_card_attempts: 0,
  signals: {},
  ...fields,
});
const codesOf = (fields: Partial<FraudFacts>) => assessFraud(facts(fields)).signals.map(({ code }) => code);

/** For each rule: facts on which only this rule fires, and the nearest facts on which it does not fire. */
const CASES: { readonly [code: string]: { fires: Partial<FraudFacts>; evidence: string; not: Partial<FraudFacts>[] } } =
  {
    velocity_1h: {
      fires: { entries: many(6, (n) => entry(n / 6)) },
      evidence: '6 ledger entries within 1 h',
      not: [
        { entries: many(5, (n) => entry(n / 6)) },
        { entries: many(6, (n) => entry(n / 4)) },
        { entries: many(9, () => entry(0.1, { kind: 'expire', points: -1 })) },
      ],
    },
    velocity_24h: {
      fires: { entries: many(20, (n) => entry(1 + n)) },
      evidence: '20 ledger entries within 24 h',
      not: [{ entries: many(19, (n) => entry(1 + n)) }, { entries: many(20, (n) => entry(6 + n)) }],
    },
    new_account_spending: {
      fires: { customer_created_at: ago(2.5), entries: [], event: { type: 'giftcard_redeem', points: null } },
      evidence: 'a customer for 2 h, and spending',
      not: [
        { customer_created_at: ago(24), entries: [], event: { type: 'giftcard_redeem', points: null } },
        { customer_created_at: ago(2), entries: [entry(1)] },
        { customer_created_at: ago(2), entries: [], event: null },
      ],
    },
    dormant_then_burn: {
      fires: { entries: [entry(181 * 24)], event: redeem(500) },
      evidence: 'no ledger entry for 181 days, then 500 points at once',
      not: [
        { entries: [entry(179 * 24)], event: redeem(500) },
        { entries: [entry(181 * 24)], event: redeem(499) },
        { entries: [entry(181 * 24)], event: redeem(null) },
        { entries: [entry(181 * 24)], event: { type: 'earn', points: 900 } },
        { entries: [], event: redeem(500) },
      ],
    },
    adjust_then_redeem: {
      fires: {
        entries: [
          entry(1, { kind: 'redeem', points: -20, actor: 'eve' }),
          entry(2, { kind: 'adjust', points: 50, actor: 'eve' }),
        ],
      },
      evidence: 'one actor added 50 points and redeems, within 24 h',
      not: [
        {
          entries: [
            entry(1, { kind: 'redeem', points: -20, actor: 'bob' }),
            entry(2, { kind: 'adjust', points: 50, actor: 'eve' }),
          ],
        },
        {
          entries: [
            entry(1, { kind: 'adjust', points: 50, actor: 'eve' }),
            entry(2, { kind: 'redeem', points: -20, actor: 'eve' }),
          ],
        },
        {
          entries: [
            entry(1, { kind: 'redeem', points: -20, actor: 'eve' }),
            entry(2, { kind: 'adjust', points: -50, actor: 'eve' }),
          ],
        },
        {
          entries: [
            entry(1, { kind: 'redeem', points: -20, actor: 'eve' }),
            entry(25, { kind: 'adjust', points: 50, actor: 'eve' }),
          ],
        },
      ],
    },
    shared_identifier: {
      fires: { shared: { email: 1, phone: 2, device_id: SHARED_COUNTED, ip: 4 } },
      evidence: 'email of 1 other, phone of 2 others, device_id of 20 or more others',
      not: [{ shared: { email: 0, phone: 0, device_id: 1, ip: 4 } }],
    },
    failed_card_attempts: {
      fires: { failed_card_attempts: 3 },
      evidence: '3 wrong gift card codes or PINs of late',
      not: [{ failed_card_attempts: 2 }],
    },
    caller_signals: {
      fires: { signals: { chargeback: 0.5, new_device: 0.25 } },
      evidence: 'chargeback 0.5, new_device 0.25',
      not: [{ signals: {} }, { signals: { chargeback: 0 } }],
    },
  };

test('every rule has a test case', () => {
  expect(Object.keys(CASES)).toEqual(RULES.map(({ code }) => code));
});

describe.each(Object.entries(CASES))('%s', (code, { fires, evidence, not }) => {
  test('fires alone on its own facts and gives its evidence', () => {
    const { signals, score } = assessFraud(facts(fires));
    expect(signals).toEqual([{ code, weight: score, evidence }]);
    expect(score).toBeGreaterThan(0);
  });

  test('does not fire just below its threshold', () => {
    for (const fields of not) expect(codesOf(fields)).toEqual([]);
  });
});

describe('the event being assessed', () => {
  test('counts as spending and burning, also when the ledger already contains it', () => {
    const burned = entry(0.1, { kind: 'redeem', points: -500, actor: 'bob' });
    expect(codesOf({ entries: [burned, entry(200 * 24)], points_balance: 400 })).toEqual(['dormant_then_burn']);
    expect(codesOf({ entries: [burned], customer_created_at: ago(1) })).toEqual(['new_account_spending']);
  });

  test('counts as a redeem by the calling actor', () => {
    const entries = [entry(1, { kind: 'adjust', points: 50, actor: 'eve' })];
    expect(codesOf({ entries, actor: 'eve', event: redeem(10) })).toEqual(['adjust_then_redeem']);
    expect(codesOf({ entries, actor: 'bob', event: redeem(10) })).toEqual([]);
  });
});

test.each(IDENTIFIERS)('a shared %s adds the weight of that identifier', (name) => {
  const [signal] = assessFraud(facts({ shared: { ...notShared, [name]: 19 } })).signals;
  expect(signal).toEqual({
    code: 'shared_identifier',
    weight: { email: 30, phone: 15, device_id: 30, ip: 15 }[name],
    evidence: `${name} of 19 others`,
  });
});

describe('a score', () => {
  test.each([
    [0.02, 1, 'low', 'allow'],
    [0.48, 24, 'low', 'allow'],
    [0.5, 25, 'medium', 'review'],
    [0.98, 49, 'medium', 'review'],
    [1, 50, 'high', 'hold'],
  ] as const)('of one signal at %d is %d: %s, %s', (value, score, level, recommended_action) => {
    expect(assessFraud(facts({ signals: { own: value } }))).toMatchObject({ score, level, recommended_action });
  });

  test('of caller signals alone is capped at 80, and is critical from 75', () => {
    expect(assessFraud(facts({ signals: { a: 1, b: 0.48 } }))).toMatchObject({ score: 74, level: 'high' });
    expect(assessFraud(facts({ signals: { a: 1, b: 0.5 } }))).toMatchObject({ score: 75, level: 'critical' });
    expect(assessFraud(facts({ signals: { a: 1, b: 1, c: 1 } }))).toMatchObject({ score: 80, level: 'critical' });
  });

  test('is the sum of the weights of the signals, capped at 100', () => {
    const share = fc.integer({ min: 0, max: SHARED_COUNTED });
    const arbitrary = fc.record({
      count: fc.nat(40),
      shared: fc.record({ email: share, phone: share, device_id: share, ip: share }),
      failed_card_attempts: fc.nat(10),
      signals: fc.dictionary(fc.string({ maxLength: 5 }), fc.double({ min: 0, max: 1, noNaN: true }), { maxKeys: 20 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ count, ...fields }) => {
        const verdict = assessFraud(facts({ ...fields, entries: many(count, (n) => entry(n / 30)) }));
        const sum = verdict.signals.reduce((total, { weight }) => total + weight, 0);
        expect(verdict.score).toBe(Math.min(100, sum));
        for (const { weight } of verdict.signals) expect(Number.isInteger(weight) && weight > 0).toBe(true);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test('reaches the hold level through a single rule only for caller signals', () => {
    const alone = RULES.filter(({ weight }) => weight >= 50);
    expect(alone.map(({ code }) => code)).toEqual(['caller_signals']);
  });
});

test('an IP address has one canonical form, and invalid addresses have none', () => {
  expect(canonicalIp('203.0.113.7')).toBe('203.0.113.7');
  expect(canonicalIp('2001:0DB8:0:0::1')).toBe('2001:db8::1');
  for (const text of ['', '203.0.113', '203.0.113.256', 'localhost', '2001:db8::1::2']) {
    expect(canonicalIp(text)).toBeUndefined();
  }
});

test('the scope of a hold follows from its event, and is all without an event', () => {
  expect(holdScope('earn')).toBe('loyalty');
  expect(holdScope('giftcard_issue')).toBe('stored_value');
  expect(holdScope('signup')).toBe('all');
  expect(holdScope(undefined)).toBe('all');
});

describe('a hold transition', () => {
  const statuses = ['active', 'released', 'confirmed'] as const;
  const allowed = ['active>released', 'active>confirmed', 'confirmed>released'];

  test.each(statuses.flatMap((from) => statuses.map((to) => [from, to] as const)))('%s → %s', (from, to) => {
    const move = () => requireTransition('crm.hold_transition', HOLD_TRANSITIONS, from, to);
    if (allowed.includes(`${from}>${to}`)) return void move();
    expect(move).toThrow(
      expect.objectContaining({
        code: 'crm.hold_transition',
        status: 409,
        details: { from, to, allowed: HOLD_TRANSITIONS[from] },
      }),
    );
  });
});
