/**
 * Random sequences over customers, points, cards, holds and merges: after every call the store and a model in memory
 * agree on its result, and at the end on everything that can be read.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Caller, Input } from '../../src/contract/backend.js';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { Model, type Outcome, type Rules, type Scope } from '../support/model.js';
import { PATH } from '../support/paths.js';
import { useWorld } from '../support/use-world.js';
import { addOrg } from '../support/world.js';

const SEED = 20_261_127;
const WORKERS = 64;
/**
 * `npm run test:laws` runs four times as many as `npm test`. A call waits for PostgreSQL several times, and takes ten
 * times as long: so fewer sequences there.
 */
const SEQUENCES = PATH === 'postgres' ? 1_280 : process.env.G3N_TEST_LAWS === undefined ? 5_008 : 20_032;
const CALLS = 8;
const PEOPLE = 3;
const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);

const world = useWorld({ atEnd: 'unverified' });

const who = fc.nat(PEOPLE - 1);
const which = fc.nat(7);
const anyOwner: fc.Arbitrary<number | null> = fc.option(who);
const days: fc.Arbitrary<number | null> = fc.option(fc.integer({ min: 1, max: 4 }));
const scope = fc.constantFrom<Scope>('all', 'loyalty', 'stored_value');
type ValuesOf<Fields> = { [Key in keyof Fields]: Fields[Key] extends fc.Arbitrary<infer Value> ? Value : never };
const one = <const Name extends string, Fields extends Record<string, fc.Arbitrary<unknown>>>(
  name: Name,
  fields: Fields,
) => fc.record({ do: fc.constant(name), ...fields }) as fc.Arbitrary<{ do: Name } & ValuesOf<Fields>>;

const step = fc.oneof(
  { weight: 5, arbitrary: one('earn', { who, points: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 4, arbitrary: one('redeem', { who, points: fc.integer({ min: 1, max: 70 }) }) },
  {
    weight: 2,
    arbitrary: one('adjust', {
      who,
      points: fc.integer({ min: -30, max: 30 }).filter((points) => points !== 0),
      days,
    }),
  },
  { weight: 2, arbitrary: one('restore', { which }) },
  { weight: 1, arbitrary: one('expire', { who }) },
  { weight: 2, arbitrary: one('issue', { who: anyOwner, cents: fc.integer({ min: 1, max: 2000 }) }) },
  { weight: 3, arbitrary: one('pay', { which, cents: fc.integer({ min: 1, max: 1500 }), partial: fc.boolean() }) },
  { weight: 1, arbitrary: one('suspect', { who, scope }) },
  { weight: 2, arbitrary: one('resolve', { which, resolution: fc.constantFrom('released', 'confirmed') }) },
  { weight: 3, arbitrary: one('merge', { who, others: fc.uniqueArray(who, { minLength: 1, maxLength: 2 }) }) },
  { weight: 1, arbitrary: one('anonymize', { who }) },
  { weight: 2, arbitrary: one('wait', { days: fc.integer({ min: 1, max: 3 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const OPERATIONS = new Map(CONTRACT.operations.map((operation) => [operation.id, operation]));
const EVENT: { readonly [Name in Scope]: string } = {
  all: 'purchase',
  loyalty: 'earn',
  stored_value: 'giftcard_issue',
};

/** One org that runs one sequence after another through the store's port, with its own clock. */
class TestOrg {
  readonly ids = { customers: [] as string[], cards: [] as string[], holds: [] as string[], redeems: [] as string[] };
  readonly #caller: Caller;
  #ms = START;

  constructor(orgcode: string) {
    const grants = { owner: true, roles: [], org_status: 'verified' as const };
    this.#caller = { orgcode, ...grants, actor: 'model', context_source: 'api_key', fingerprint: '0'.repeat(16) };
  }

  begin(): void {
    for (const list of Object.values(this.ids)) list.length = 0;
  }

  wait(days: number): void {
    this.#ms += days * DAY_MS;
  }

  at(days: number): string {
    return new Date(this.#ms + days * DAY_MS).toISOString();
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test reads fields of records it does not type
  async ask(id: string, input: Input): Promise<any> {
    const operation = OPERATIONS.get(id);
    if (operation === undefined) throw new Error(`no operation ${id}`);
    this.#ms += 1; // ids of one org sort by their time: no two calls share one
    const now = new Date(this.#ms).toISOString();
    const stamp = { request_id: `${id} ${now}`, trace_id: '0', epoch_ms: this.#ms, now };
    const context = { logical_guid: 'store-1', channel_code: 'pos' };
    try {
      return (await world.store.perform({ operation, input, caller: this.#caller, context, stamp })).data;
    } catch (error) {
      if (error instanceof CrmError) return { error: error.code };
      throw error;
    }
  }
}

/** The model call and the store call of a step; undefined if it references a record that does not exist. */
function toCalls(step: Step, model: Model, org: TestOrg) {
  const { ids } = org;
  const reason = 'model';
  const customer_id = 'who' in step && step.who !== null ? ids.customers[step.who] : undefined;
  const pick = <T>(list: readonly T[]) => ('which' in step ? list[step.which % Math.max(1, list.length)] : undefined);
  const index = (list: readonly unknown[]) => ('which' in step ? step.which % Math.max(1, list.length) : 0);
  switch (step.do) {
    case 'earn':
      return call(() => model.earn(step.who, step.points), 'loyalty_earn', { customer_id, points: step.points });
    case 'redeem':
      return call(() => model.redeem(step.who, step.points), 'loyalty_redeem', { customer_id, points: step.points });
    case 'adjust': {
      const days = step.points > 0 ? step.days : null;
      const input = {
        customer_id,
        points: step.points,
        reason,
        ...(days === null ? {} : { expires_at: org.at(days) }),
      };
      return call(() => model.adjust(step.who, step.points, days), 'loyalty_adjust', input);
    }
    case 'restore': {
      const loyalty_txn_id = pick(ids.redeems);
      if (loyalty_txn_id === undefined) return undefined;
      return call(() => model.restore(index(ids.redeems)), 'loyalty_restore', { loyalty_txn_id, reason });
    }
    case 'expire':
      return call(() => model.expire(step.who), 'loyalty_expire', { customer_id, reason });
    case 'issue': {
      const owner = customer_id === undefined ? {} : { customer_id };
      const input = { amount: step.cents / 100, currency: 'USD', reason, ...owner };
      return call(() => model.issue(step.who, step.cents), 'giftcard_issue', input);
    }
    case 'pay': {
      const giftcard_id = pick(ids.cards);
      if (giftcard_id === undefined) return undefined;
      const input = { giftcard_id, amount: step.cents / 100, currency: 'USD', allow_partial: step.partial };
      return call(() => model.pay(index(ids.cards), step.cents, step.partial), 'giftcard_redeem', input);
    }
    case 'suspect': {
      const input = { customer_id, event: { type: EVENT[step.scope] }, signals: { one: 1, other: 1 } };
      return call(() => model.suspect(step.who, step.scope), 'customer_fraud_assess', input);
    }
    case 'resolve': {
      const hold_id = pick(ids.holds);
      if (hold_id === undefined) return undefined;
      const expected_revision = model.holds[index(ids.holds)]?.revision;
      const input = { hold_id, resolution: step.resolution, expected_revision, reason };
      return call(() => model.resolve(index(ids.holds), step.resolution), 'customer_hold_resolve', input);
    }
    case 'merge': {
      const expected_revision = model.customers[step.who]?.revision;
      const merge_customer_ids = step.others.map((other) => ids.customers[other]);
      const input = { customer_id, merge_customer_ids, expected_revision, reason };
      return call(() => model.merge(step.who, step.others), 'customer_merge', input);
    }
    case 'anonymize': {
      const expected_revision = model.customers[step.who]?.revision;
      return call(() => model.anonymize(step.who), 'customer_anonymize', { customer_id, expected_revision, reason });
    }
    default:
      return undefined;
  }
}

function call(expected: () => Outcome, operation: string, input: Input) {
  return { expected, operation, input };
}

async function runSequence(org: TestOrg, rules: Rules, steps: readonly Step[]): Promise<void> {
  const model = new Model(rules);
  org.begin();
  for (let person = 0; person < PEOPLE; person += 1) {
    org.ids.customers.push((await org.ask('customer_create', { customer: { caption: 'Model' } })).customer_id);
    model.create();
  }
  for (const step of steps) {
    if (step.do === 'wait') {
      model.now += step.days;
      org.wait(step.days);
    } else await runStep(step, model, org);
  }
  await compare(model, org);
}

async function runStep(step: Step, model: Model, org: TestOrg): Promise<void> {
  const calls = toCalls(step, model, org);
  if (calls === undefined) return;
  const before = model.totals();
  const expected = calls.expected();
  const real = await org.ask(calls.operation, calls.input);
  expect(summary(real, expected, org), `${calls.operation} ${JSON.stringify(calls.input)}`).toEqual(expected);
  if (step.do === 'merge') expect(model.totals()).toEqual(before);
  if ('error' in expected) return;
  if (step.do === 'redeem') org.ids.redeems.push(real.loyalty_txn_id);
  if (step.do === 'issue') org.ids.cards.push(real.giftcard_id);
  if (step.do === 'suspect' && !org.ids.holds.includes(real.hold_id)) org.ids.holds.push(real.hold_id);
}

/** Reduces a store result to the fields that the model predicts. */
function summary(real: Record<string, unknown>, expected: Outcome, org: TestOrg): Outcome {
  if (typeof real.error === 'string') return { error: real.error };
  if ('error' in expected) return { ok: real };
  const names = Object.keys(expected.ok);
  const values = { ...real, customer: org.ids.customers.indexOf(String(real.customer_id)) };
  return { ok: Object.fromEntries(names.map((name) => [name, values[name as keyof typeof values]])) };
}

async function compare(model: Model, org: TestOrg): Promise<void> {
  for (const [index, customer_id] of org.ids.customers.entries()) {
    const real = await org.ask('customer_get', { customer_id });
    const into = real.merged_into_customer_id;
    expect({
      status: real.status,
      into: into === null ? null : org.ids.customers.indexOf(into),
      revision: real.revision,
      lifetime_points: real.loyalty.lifetime_points,
      points_balance: real.loyalty.points_balance,
      points_available: real.loyalty.points_available,
      stored_value: real.stored_value.map(({ cards, balance }: { cards: number; balance: number }) => ({
        cards,
        cents: Math.round(balance * 100),
      })),
      active_holds: real.active_holds,
    }).toEqual(model.show(index));
  }
}

test(`${SEQUENCES} random sequences: the store and the model never differ`, { timeout: 600_000 }, async () => {
  const workers = Array.from({ length: WORKERS }, async (_, worker) => {
    const orgcode = `MODEL${worker}`;
    await world.admin((cx) => addOrg(cx, orgcode, 'verified'));
    const org = new TestOrg(orgcode);
    const rules = { expiry_days: worker % 2 === 0 ? null : 2, restore_grace_days: worker % 4 === 3 ? 1 : 0 };
    const expiry =
      rules.expiry_days === null
        ? { mode: 'none' }
        : { mode: 'days', days: 2, restore_grace_days: rules.restore_grace_days };
    await org.ask('loyalty_policy_set', { policy: { enabled: true, expiry }, reason: 'model' });
    org.wait(1);
    const sequence = fc.array(step, { minLength: CALLS / 2, maxLength: CALLS * 1.5 });
    const runs = Math.ceil(SEQUENCES / WORKERS);
    await fc.assert(
      fc.asyncProperty(sequence, (steps) => runSequence(org, rules, steps)),
      { seed: SEED + worker, numRuns: runs },
    );
  });
  await Promise.all(workers);
  expect((await world.verify()).disagreements).toEqual([]);
});
