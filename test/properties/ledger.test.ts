/** Invariants of the points ledger as seeded properties, on the real store with concurrent callers. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY_MS, openProgramme } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, newCustomer, ok } from '../support/world.js';

const SEED = 20_261_124;
let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'unverified' });

interface Txn {
  loyalty_txn_id: string;
  kind: string;
  points: number;
  balance_after: number;
  lots: { lot_id: string; points: number }[];
  related_txn_id: string | null;
  created_at: string;
}

/** A call that a caller may try; `pick` chooses an earlier entry. */
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('earn' as const), points: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('redeem' as const), points: fc.integer({ min: 1, max: 80 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      points: fc.integer({ min: -30, max: 30 }).filter((points) => points !== 0),
      days: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('restore' as const),
      pick: fc.nat(500),
      points: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reverse' as const), pick: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), dry_run: fc.boolean() }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** Rounds of commands: those of one round run concurrently, then days pass. */
const rounds = fc.array(
  fc.record({
    calls: fc.array(fc.tuple(fc.nat(1), command), { minLength: 1, maxLength: 24 }),
    days: fc.integer({ min: 0, max: 4 }),
  }),
  { minLength: 2, maxLength: 8 },
);
const policies = fc.record({
  on_reverse_spent: fc.constantFrom('refuse', 'debt'),
  expiry: fc.constantFrom(
    { mode: 'none' },
    { mode: 'days', days: 3 },
    { mode: 'days', days: 5, restore_grace_days: 2 },
  ),
});

test('any history of concurrent calls keeps every invariant', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(policies, rounds, async (policy, history) => {
      const { headers, customer_id } = await openProgramme(world, policy);
      const customers = [customer_id, await newCustomer(world, {}, headers)];
      const orgcode = String(headers['x-orgcode']);
      for (const { calls, days } of history) {
        const entries = await ledgerOf(orgcode);
        const run = ([who, step]: [number, Command]) =>
          envelopeOf(world, ...toCall(step, customers[who] ?? customer_id, entries), headers);
        const answers = await Promise.all(calls.map(run));
        for (const answer of answers) if (!answer.success) expect(answer.error.http_status).toBe(409);
        for (const id of customers) await checkInvariants(orgcode, id, policy.on_reverse_spent === 'debt');
        await checkReport(orgcode, await ok(world, 'crm_report_summary', { months: 4 }, headers));
        now += days * DAY_MS;
      }
    }),
    { seed: SEED, numRuns: 60 },
  );
  expect((await world.verify()).disagreements).toEqual([]);
});

function toCall(step: Command, customer_id: string, entries: readonly Txn[]): [string, object] {
  const reason = 'test';
  const entry = 'pick' in step ? entries[step.pick % Math.max(1, entries.length)]?.loyalty_txn_id : undefined;
  switch (step.do) {
    case 'earn':
    case 'redeem':
      return [`crm_loyalty_${step.do}`, { customer_id, points: step.points }];
    case 'adjust': {
      const expiry =
        step.days === undefined || step.points < 0
          ? {}
          : { expires_at: new Date(now + step.days * DAY_MS).toISOString() };
      return ['crm_loyalty_adjust', { customer_id, points: step.points, reason, ...expiry }];
    }
    case 'expire':
      return ['crm_loyalty_expire', { customer_id, dry_run: step.dry_run, reason }];
    default: {
      if (entry === undefined) return ['crm_loyalty_earn', { customer_id, points: 1 }];
      const points = step.do === 'restore' && step.points !== undefined ? { points: step.points } : {};
      return [`crm_loyalty_${step.do}`, { loyalty_txn_id: entry, reason, ...points }];
    }
  }
}

async function ledgerOf(orgcode: string, customerId?: string): Promise<Txn[]> {
  const where = customerId === undefined ? '' : 'AND customer_id = ?';
  const rows: (Omit<Txn, 'lots'> & { lots: string })[] = await world.sql(
    `SELECT * FROM loyalty_txn WHERE orgcode = ? ${where} ORDER BY customer_id, seq`,
    ...(customerId === undefined ? [orgcode] : [orgcode, customerId]),
  );
  return rows.map((row) => ({ ...row, lots: JSON.parse(row.lots) as Txn['lots'] }));
}

/** The report shows what a walk over the whole ledger, and over all lots, adds up to. */
async function checkReport(orgcode: string, { points: report }: Data): Promise<void> {
  const entries = await ledgerOf(orgcode);
  const lots: { remaining: number; expires_at: string }[] = await world.sql(
    'SELECT remaining, expires_at FROM loyalty_lot WHERE orgcode = ? AND expires_at IS NOT NULL',
    orgcode,
  );
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  expect(report.balance).toBe(sum(entries.map(({ points }) => points)));
  for (const { month, ...kinds } of report.months)
    for (const [kind, points] of Object.entries(kinds)) {
      const some = entries.filter((entry) => entry.kind === kind && entry.created_at.startsWith(month));
      expect([month, kind, points]).toEqual([month, kind, sum(some.map((entry) => entry.points))]);
    }
  for (const { month, points } of report.expiring)
    expect([month, points]).toEqual([
      month,
      sum(lots.filter((lot) => lot.expires_at.startsWith(month)).map(({ remaining }) => remaining)),
    ]);
  const [{ month }] = report.expiring;
  const overdue = lots.filter(({ expires_at }) => expires_at < month);
  expect(report.overdue).toBe(sum(overdue.map(({ remaining }) => remaining)));
}

/** Balances, lots and corrections of one customer, recomputed from the entries alone. */
async function checkInvariants(orgcode: string, customerId: string, debtAllowed: boolean): Promise<void> {
  const entries = await ledgerOf(orgcode, customerId);
  const [account] = await world.sql(
    'SELECT points_balance AS balance FROM loyalty_account WHERE orgcode = ? AND customer_id = ?',
    orgcode,
    customerId,
  );
  const lots: { lot_id: string; points: number; remaining: number }[] = await world.sql(
    'SELECT lot_id, points, remaining FROM loyalty_lot WHERE orgcode = ? AND customer_id = ?',
    orgcode,
    customerId,
  );
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const balance = account?.balance ?? 0;
  expect(sum(entries.map(({ points }) => points)), 'Σ entries').toBe(balance);
  expect(sum(lots.map(({ remaining }) => remaining)), 'Σ open lots').toBe(balance);
  let running = 0;
  let debt = 0;
  for (const entry of entries) {
    running += entry.points;
    expect(entry.balance_after, 'balance_after').toBe(running);
    expect(sum(entry.lots.map(({ points }) => points)), 'Σ lots of an entry').toBe(entry.points);
    expect(new Set(entry.lots.map(({ lot_id }) => lot_id)).size, 'a lot once an entry').toBe(entry.lots.length);
    if (['redeem', 'expire'].includes(entry.kind)) expect(entry.points).toBeLessThan(0);
    if (['earn', 'restore'].includes(entry.kind)) expect(entry.points).toBeGreaterThan(0);
    if (entry.kind === 'redeem') expect(running, 'a redeem never overdraws').toBeGreaterThanOrEqual(0);
    if (running < 0) debt = Math.max(debt, -running);
  }
  if (!debtAllowed) expect(debt, 'debt without a policy that allows it').toBe(0);
  for (const lot of lots) {
    if (lot.points > 0) expect(lot.remaining, 'a lot below zero').toBeGreaterThanOrEqual(0);
    expect(Math.abs(lot.remaining), 'more in a lot than was put in').toBeLessThanOrEqual(Math.abs(lot.points));
  }
  checkCorrections(entries);
}

function checkCorrections(entries: readonly Txn[]): void {
  const reversals = entries.filter(({ kind }) => kind === 'reverse').map(({ related_txn_id }) => related_txn_id);
  expect(new Set(reversals).size, 'an entry reversed twice').toBe(reversals.length);
  const reversed = new Set(reversals);
  for (const redeem of entries.filter(({ kind, points }) => kind === 'redeem' || (kind === 'adjust' && points < 0))) {
    const back = entries.filter(
      (entry) => entry.related_txn_id === redeem.loyalty_txn_id && !reversed.has(entry.loyalty_txn_id),
    );
    const returned = back.reduce((total, entry) => total + entry.points, 0);
    expect(returned, 'more restored than redeemed').toBeLessThanOrEqual(-redeem.points);
  }
  const created = entries.filter(({ points }) => points > 0).map(({ kind }) => kind);
  const sources = new Set(['earn', 'adjust', 'restore', 'reverse']);
  expect(created.filter((kind) => !sources.has(kind))).toEqual([]);
  for (const { kind, related_txn_id } of entries.filter(({ points }) => points > 0)) {
    if (kind === 'restore' || kind === 'reverse') expect(related_txn_id, 'points from nowhere').not.toBeNull();
  }
}
