/** Invariants of merging as seeded properties: for any merges, no points or cards are lost, created or unreachable. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY_MS, openProgramme } from '../support/loyalty.js';
import { useWorld } from '../support/use-world.js';
import { type Data, envelopeOf, newCustomer, ok } from '../support/world.js';

const SEED = 20_261_127;
const PEOPLE = 8;
const MERGE = 'crm_customer_merge';
let now = Date.now();
const world = useWorld({ clock: () => now, atEnd: 'unverified' });
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
      const attempt = async (steps: readonly Command[]) => {
        const calls: [string, object][] = [];
        for (const step of steps) calls.push(...(await toCall(orgcode, people, step)));
        const answers = await Promise.all(calls.map((call) => envelopeOf(world, ...call, headers)));
        answers.forEach((answer, index) => {
          if (!answer.success) expect(answer.error.http_status, JSON.stringify(answer.error)).toBe(409);
          else if (calls[index]?.[0] === MERGE) merges += 1;
        });
      };
      for (const { calls, quiet, days } of history) {
        await attempt(calls);
        await checkInvariants(orgcode);
        const before = await wealth(orgcode);
        await attempt([await quietMerge(orgcode, people, quiet)]);
        expect(await wealth(orgcode), 'a merge alone').toEqual(before);
        await checkInvariants(orgcode);
        for (const id of people) await checkReach(id, headers);
        now += days * DAY_MS;
      }
    }),
    { seed: SEED, numRuns: 40 },
  );
  expect(merges).toBeGreaterThan(150);
  expect((await world.verify()).disagreements).toEqual([]);
});

/** A merge of two active customers, if there still are two. */
async function quietMerge(orgcode: string, people: readonly string[], pick: number): Promise<Command> {
  const sql = `SELECT customer_id AS id FROM customer WHERE orgcode = ? AND status = 'active' ORDER BY id`;
  const living = (await world.sql(sql, orgcode)).map(({ id }) => people.indexOf(id)).filter((at) => at >= 0);
  const at = (index: number) => living[index % living.length] ?? 0;
  return { do: 'merge', who: at(pick), losers: [at(pick + 1)] };
}

/** The call of a step; none when there is nothing it could be about. */
async function toCall(orgcode: string, people: readonly string[], step: Command): Promise<[string, object][]> {
  const reason = 'test';
  const person = (index: number) => people[index] ?? '';
  switch (step.do) {
    case 'earn':
    case 'redeem':
      return [[`crm_loyalty_${step.do}`, { customer_id: person(step.who), points: step.points }]];
    case 'adjust': {
      const expires_at = new Date(now + step.days * DAY_MS).toISOString();
      return [['crm_loyalty_adjust', { customer_id: person(step.who), points: step.points, expires_at, reason }]];
    }
    case 'reverse': {
      const txn = await picked(
        orgcode,
        step.pick,
        `SELECT loyalty_txn_id AS id FROM loyalty_txn WHERE orgcode = ? ORDER BY id`,
      );
      return txn === undefined ? [] : [['crm_loyalty_reverse', { loyalty_txn_id: txn, reason }]];
    }
    case 'issue':
      return [['crm_giftcard_issue', { customer_id: person(step.who), amount: step.points, currency: 'USD', reason }]];
    case 'spend': {
      const cards = `SELECT giftcard_id AS id FROM giftcard WHERE orgcode = ? ORDER BY id`;
      const card = await picked(orgcode, step.pick, cards);
      const amount = { amount: step.points, currency: 'USD', allow_partial: true };
      return card === undefined ? [] : [['crm_giftcard_redeem', { giftcard_id: card, ...amount }]];
    }
    default: {
      const sql = 'SELECT revision FROM customer WHERE orgcode = ? AND customer_id = ?';
      const [{ revision }] = (await world.sql(sql, orgcode, person(step.who))) as [Data];
      const args = { customer_id: person(step.who), merge_customer_ids: step.losers.map(person) };
      return [[MERGE, { ...args, expected_revision: revision, reason }]];
    }
  }
}

async function picked(orgcode: string, pick: number, sql: string): Promise<string | undefined> {
  const ids = await world.sql(sql, orgcode);
  return ids[pick % Math.max(1, ids.length)]?.id;
}

/** What an org owes at this instant: live points by expiry (debts too), and money on cards. */
async function wealth(orgcode: string): Promise<object> {
  const lots = `SELECT expires_at, remaining < 0 AS debt, SUM(remaining) AS points FROM loyalty_lot
    WHERE orgcode = ? AND remaining <> 0 AND (expires_at IS NULL OR expires_at > ?) GROUP BY 1, 2 ORDER BY 1, 2`;
  return {
    lots: await world.sql(lots, orgcode, new Date(now).toISOString()),
    cards: await sum(orgcode, 'SELECT SUM(balance_minor) AS n FROM giftcard WHERE orgcode = ?'),
  };
}

async function sum(orgcode: string, sql: string): Promise<number> {
  return (await world.sql(sql, orgcode))[0].n ?? 0;
}

/** Balances are what was earned and spent, merges aside; the dead own nothing. */
async function checkInvariants(orgcode: string): Promise<void> {
  const balance = await sum(orgcode, 'SELECT SUM(points_balance) AS n FROM loyalty_account WHERE orgcode = ?');
  const entries = `SELECT SUM(points) AS n FROM loyalty_txn WHERE orgcode = ? AND kind`;
  expect(await sum(orgcode, `${entries} NOT IN ('merge_in', 'merge_out')`), 'Σ entries but merges').toBe(balance);
  expect(await sum(orgcode, `${entries} IN ('merge_in', 'merge_out')`), 'Σ merges').toBe(0);
  const spent = `SELECT SUM(CASE kind WHEN 'issue' THEN amount_minor ELSE -amount_minor END) AS n FROM giftcard_txn
    WHERE orgcode = ?`;
  const cards = await sum(orgcode, 'SELECT SUM(balance_minor) AS n FROM giftcard WHERE orgcode = ?');
  expect(await sum(orgcode, spent), 'Σ cards').toBe(cards);
  const left = (owned: string) => `SELECT COUNT(*) AS n FROM customer c JOIN ${owned} AND o.customer_id = c.customer_id
    WHERE c.orgcode = ? AND c.status = 'merged'`;
  const lots = left('loyalty_lot o ON o.orgcode = c.orgcode AND o.remaining <> 0');
  expect(await sum(orgcode, lots), 'lots of the merged').toBe(0);
  expect(await sum(orgcode, left('giftcard o ON o.orgcode = c.orgcode')), 'cards of the merged').toBe(0);
}

/** From every id that ever was, one step at most leads to a customer who lives. */
async function checkReach(customer_id: string, headers: Data): Promise<void> {
  const record: Data = await ok(world, 'crm_customer_get', { customer_id }, headers);
  if (record.status === 'active') return;
  const survivor: Data = await ok(world, 'crm_customer_get', { customer_id: record.merged_into_customer_id }, headers);
  expect([record.status, survivor.status]).toEqual(['merged', 'active']);
}
