/** Invariants of merging as seeded properties: for any merges, no points or cards are lost, created or unreachable. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY_MS, openProgramme } from '../support/loyalty.js';
import { useReader, useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, newCustomer, ok } from '../support/world.js';

const SEED = 20_261_127;
const PEOPLE = 8;
let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'unverified' });
const db = useReader(world);
let merges = 0;

const who = fc.nat(PEOPLE - 1);
const points = fc.integer({ min: 1, max: 60 });
/** A call that a caller may try; `who` is the index of a customer, `pick` chooses an earlier entry or card. */
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('earn' as const), who, points }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('redeem' as const), who, points }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('adjust' as const), who, points, days: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reverse' as const), pick: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('issue' as const), who, points }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('spend' as const), pick: fc.nat(500), points }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('merge' as const),
      who,
      losers: fc.uniqueArray(who, { minLength: 1, maxLength: 3 }),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** Rounds: concurrent calls, then one merge alone, then days pass. */
const rounds = fc.array(
  fc.record({
    calls: fc.array(command, { minLength: 4, maxLength: 24 }),
    quiet: fc.nat(500),
    days: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 2, maxLength: 4 },
);

test('nothing is lost, created or unreachable after any merges during concurrent earns and redeems', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('refuse', 'debt'), rounds, async (on_reverse_spent, history) => {
      const { headers } = await openProgramme(world, { on_reverse_spent });
      const orgcode = String(headers['x-orgcode']);
      const people: string[] = [];
      while (people.length < PEOPLE) people.push(await newCustomer(world, {}, headers));
      const attempt = async (step: Command) => {
        const call = toCall(orgcode, people, step);
        const answer = call === undefined ? undefined : await envelopeOf(world, ...call, headers);
        if (answer?.success === false) expect(answer.error.http_status, JSON.stringify(answer.error)).toBe(409);
        if (answer?.success === true && step.do === 'merge') merges += 1;
      };
      for (const { calls, quiet, days } of history) {
        await Promise.all(calls.map(attempt));
        checkInvariants(orgcode);
        const before = wealth(orgcode);
        await attempt(quietMerge(orgcode, people, quiet));
        expect(wealth(orgcode), 'a merge alone').toEqual(before);
        checkInvariants(orgcode);
        for (const id of people) await checkReach(id, headers);
        now += days * DAY_MS;
      }
      expect((await world.verify()).disagreements).toEqual([]);
    }),
    { seed: SEED, numRuns: 40 },
  );
  expect(merges).toBeGreaterThan(150);
});

/** A merge of two active customers, if there still are two. */
function quietMerge(orgcode: string, people: readonly string[], pick: number): Command {
  const sql = `SELECT customer_id AS id FROM customer WHERE orgcode = ? AND status = 'active' ORDER BY id`;
  const living = (db.prepare(sql).all(orgcode) as { id: string }[])
    .map(({ id }) => people.indexOf(id))
    .filter((at) => at >= 0);
  const at = (index: number) => living[index % living.length] ?? 0;
  return { do: 'merge', who: at(pick), losers: [at(pick + 1)] };
}

function toCall(orgcode: string, people: readonly string[], step: Command): [string, object] | undefined {
  const reason = 'test';
  const person = (index: number) => people[index] ?? '';
  switch (step.do) {
    case 'earn':
    case 'redeem':
      return [`crm_loyalty_${step.do}`, { customer_id: person(step.who), points: step.points }];
    case 'adjust': {
      const expires_at = new Date(now + step.days * DAY_MS).toISOString();
      return ['crm_loyalty_adjust', { customer_id: person(step.who), points: step.points, expires_at, reason }];
    }
    case 'reverse': {
      const txn = picked(
        orgcode,
        step.pick,
        `SELECT loyalty_txn_id AS id FROM loyalty_txn WHERE orgcode = ? ORDER BY id`,
      );
      return txn === undefined ? undefined : ['crm_loyalty_reverse', { loyalty_txn_id: txn, reason }];
    }
    case 'issue':
      return ['crm_giftcard_issue', { customer_id: person(step.who), amount: step.points, currency: 'USD', reason }];
    case 'spend': {
      const card = picked(orgcode, step.pick, `SELECT giftcard_id AS id FROM giftcard WHERE orgcode = ? ORDER BY id`);
      const amount = { amount: step.points, currency: 'USD', allow_partial: true };
      return card === undefined ? undefined : ['crm_giftcard_redeem', { giftcard_id: card, ...amount }];
    }
    default: {
      const sql = 'SELECT revision FROM customer WHERE orgcode = ? AND customer_id = ?';
      const { revision } = db.prepare(sql).get(orgcode, person(step.who)) as Data;
      const args = { customer_id: person(step.who), merge_customer_ids: step.losers.map(person) };
      return ['crm_customer_merge', { ...args, expected_revision: revision, reason }];
    }
  }
}

function picked(orgcode: string, pick: number, sql: string): string | undefined {
  const ids = db.prepare(sql).all(orgcode) as { id: string }[];
  return ids[pick % Math.max(1, ids.length)]?.id;
}

/** What an org owes at this instant: live points by expiry (debts too), and money on cards. */
function wealth(orgcode: string): object {
  const lots = `SELECT expires_at, remaining < 0 AS debt, SUM(remaining) AS points FROM loyalty_lot
    WHERE orgcode = ? AND remaining <> 0 AND (expires_at IS NULL OR expires_at > ?) GROUP BY 1, 2 ORDER BY 1, 2`;
  return {
    lots: db.prepare(lots).all(orgcode, new Date(now).toISOString()),
    cards: sum(orgcode, 'SELECT SUM(balance_minor) AS n FROM giftcard WHERE orgcode = ?'),
  };
}

function sum(orgcode: string, sql: string): number {
  return (db.prepare(sql).get(orgcode) as { n: number | null }).n ?? 0;
}

/** Balances are what was earned and spent, merges aside; the dead own nothing. */
function checkInvariants(orgcode: string): void {
  const balance = sum(orgcode, 'SELECT SUM(points_balance) AS n FROM loyalty_account WHERE orgcode = ?');
  const entries = `SELECT SUM(points) AS n FROM loyalty_txn WHERE orgcode = ? AND kind`;
  expect(sum(orgcode, `${entries} NOT IN ('merge_in', 'merge_out')`), 'Σ entries but merges').toBe(balance);
  expect(sum(orgcode, `${entries} IN ('merge_in', 'merge_out')`), 'Σ merges').toBe(0);
  const spent = `SELECT SUM(CASE kind WHEN 'issue' THEN amount_minor ELSE -amount_minor END) AS n FROM giftcard_txn
    WHERE orgcode = ?`;
  const cards = sum(orgcode, 'SELECT SUM(balance_minor) AS n FROM giftcard WHERE orgcode = ?');
  expect(sum(orgcode, spent), 'Σ cards').toBe(cards);
  const left = (owned: string) => `SELECT COUNT(*) AS n FROM customer c JOIN ${owned} AND o.customer_id = c.customer_id
    WHERE c.orgcode = ? AND c.status = 'merged'`;
  const lots = left('loyalty_lot o ON o.orgcode = c.orgcode AND o.remaining <> 0');
  expect(sum(orgcode, lots), 'lots of the merged').toBe(0);
  expect(sum(orgcode, left('giftcard o ON o.orgcode = c.orgcode')), 'cards of the merged').toBe(0);
}

/** From every id that ever was, one step at most leads to a customer who lives. */
async function checkReach(customer_id: string, headers: Data): Promise<void> {
  const record: Data = await ok(world, 'crm_customer_get', { customer_id }, headers);
  if (record.status === 'active') return;
  const survivor: Data = await ok(world, 'crm_customer_get', { customer_id: record.merged_into_customer_id }, headers);
  expect([record.status, survivor.status]).toEqual(['merged', 'active']);
}
