/** Two tenants call one server at the same time, 20,000 times each: every answer is the caller's own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpProgram, scratch, setUpOrg, startHttp } from '../support/program.js';
import { openWire, resultOf, type Wire } from '../support/wire.js';

const CALLS = 20_000;
const IN_FLIGHT = 32;
const CUSTOMERS = 50;

const place = scratch();
let server: HttpProgram;
beforeAll(async () => {
  await setUpOrg(place.db, 'ACME');
  server = await startHttp(place.db, ['--max-calls-per-minute', '999999999'], { G3N_LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

interface Side {
  readonly canary: string;
  readonly headers: Record<string, string>;
  readonly customers: string[];
  readonly cards: string[];
}

async function openSide(orgcode: string, canary: string): Promise<Side> {
  const env = await setUpOrg(place.db, orgcode);
  return {
    canary,
    headers: {
      'x-orgcode': orgcode,
      'x-api-key': String(env.G3N_API_KEY),
      'x-logical-guid': canary,
      'x-channel-code': 'pos',
    },
    customers: [],
    cards: [],
  };
}

interface Call {
  readonly name: string;
  readonly args: object;
  /** What the answer must hold: the caller's canary, or that there is nothing. */
  readonly tells: string;
}

const MIX: readonly ((side: Side, other: Side, turn: number) => Call)[] = [
  ({ customers, canary }, _, turn) => ({ name: 'crm_customer_get', args: customer(customers, turn), tells: canary }),
  ({ canary }) => ({ name: 'crm_customer_search', args: { q: canary, limit: 2 }, tells: canary }),
  ({ canary }) => ({ name: 'crm_stat', args: {}, tells: canary }),
  ({ customers, canary }, _, turn) => ({
    name: 'crm_loyalty_earn',
    args: { ...customer(customers, turn), points: 1, source_ref: canary, idempotency_key: `${canary} ${turn}` },
    tells: canary,
  }),
  ({ cards, canary }, _, turn) => ({
    name: 'crm_giftcard_get',
    args: { giftcard_id: at(cards, turn) },
    tells: canary,
  }),
  ({ customers, canary }, _, turn) => ({
    name: 'crm_loyalty_ledger_list',
    args: { ...customer(customers, turn), limit: 1 },
    tells: canary,
  }),
  ({ canary }) => ({ name: 'crm_customer_list', args: { limit: 1 }, tells: canary }),
  (_, { customers }, turn) => ({ name: 'crm_customer_get', args: customer(customers, turn), tells: 'crm.not_found' }),
];

test('40,000 interleaved calls: its own canary in every answer, never the other’s', { timeout: 300_000 }, async () => {
  const [acme, other] = await Promise.all([openSide('ACME', 'acmecanary'), openSide('OTHER', 'othercanary')]);
  const wires = Array.from({ length: IN_FLIGHT }, () => openWire(server.url));
  await Promise.all([fill(acme, at(wires, 0)), fill(other, at(wires, 1))]);
  const wrong: string[] = [];
  let turn = 0;
  const worker = async (wire: Wire) => {
    while (turn < 2 * CALLS) {
      const [side, foreign] = turn % 2 === 0 ? [acme, other] : [other, acme];
      const { name, args, tells } = at(MIX, turn >> 1)(side, foreign, turn >> 1);
      turn += 1;
      const answer = await call(wire, side, name, args);
      if (answer.includes(foreign.canary)) wrong.push(`${name} tells of the other: ${answer}`);
      if (!answer.includes(tells)) wrong.push(`${name} does not tell ${tells}: ${answer}`);
    }
  };
  await Promise.all(wires.map(worker));
  for (const wire of wires) wire.close();
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(turn).toBe(2 * CALLS);
});

/** Records that hold the side's canary. */
async function fill(side: Side, wire: Wire): Promise<void> {
  const { canary } = side;
  for (let count = 0; count < CUSTOMERS; count += 1) {
    const created = await call(wire, side, 'crm_customer_create', { customer: { caption: `${canary} ${count}` } });
    const { customer_id } = dataOf(created);
    side.customers.push(customer_id);
    await call(wire, side, 'crm_loyalty_earn', { customer_id, points: 1, source_ref: canary });
    const card = { amount: 5, currency: 'USD', source_ref: canary, reason: canary };
    side.cards.push(dataOf(await call(wire, side, 'crm_giftcard_issue', card)).giftcard_id);
  }
}

function call(wire: Wire, { headers }: Side, name: string, args: object): Promise<string> {
  return wire.send(headers, 'tools/call', { name, arguments: args });
}

function dataOf(answer: string) {
  return resultOf(answer).structuredContent.data;
}

function customer(customers: readonly string[], turn: number): { customer_id: string } {
  return { customer_id: at(customers, turn) };
}

function at<T>(items: readonly T[], turn: number): T {
  return items[turn % items.length] as T;
}
