/** Two tenants call one server concurrently, 20,000 times each: every response has only the caller’s own data. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpProgram, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';
import { openWire, resultOf, type Wire } from '../support/wire.js';

const CALLS = 20_000;
const IN_FLIGHT = 32;
const CUSTOMERS = 50;

const workspace = scratch();
let server: HttpProgram;
beforeAll(async () => {
  await setUpOrg(workspace.db, 'ACME');
  server = await startHttp(workspace.db, ['--max-calls-per-minute', '999999999'], { G3N_LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  await server.stop();
  workspace.remove();
});

interface Tenant {
  readonly canary: string;
  readonly headers: Record<string, string>;
  readonly customers: string[];
  readonly cards: string[];
}

async function openTenant(orgcode: string, canary: string): Promise<Tenant> {
  const env = await setUpOrg(workspace.db, orgcode);
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
  /** Text that the response must contain: the caller's canary, or the error code for a missing record. */
  readonly expected: string;
}

const MIX: readonly ((tenant: Tenant, other: Tenant, turn: number) => Call)[] = [
  ({ customers, canary }, _, turn) => ({ name: 'crm_customer_get', args: customer(customers, turn), expected: canary }),
  ({ canary }) => ({ name: 'crm_customer_search', args: { q: canary, limit: 2 }, expected: canary }),
  ({ canary }) => ({ name: 'crm_stat', args: {}, expected: canary }),
  ({ customers, canary }, _, turn) => ({
    name: 'crm_loyalty_earn',
    args: { ...customer(customers, turn), points: 1, source_ref: canary, idempotency_key: `${canary} ${turn}` },
    expected: canary,
  }),
  ({ cards, canary }, _, turn) => ({
    name: 'crm_giftcard_get',
    args: { giftcard_id: at(cards, turn) },
    expected: canary,
  }),
  ({ customers, canary }, _, turn) => ({
    name: 'crm_loyalty_ledger_list',
    args: { ...customer(customers, turn), limit: 1 },
    expected: canary,
  }),
  ({ canary }) => ({ name: 'crm_customer_list', args: { limit: 1 }, expected: canary }),
  (_, { customers }, turn) => ({
    name: 'crm_customer_get',
    args: customer(customers, turn),
    expected: 'crm.not_found',
  }),
];

test('40,000 interleaved calls: every response has the caller’s canary, never the other’s', {
  timeout: 300_000,
}, async () => {
  const [acme, other] = await Promise.all([openTenant('ACME', 'acmecanary'), openTenant('OTHER', 'othercanary')]);
  const wires = Array.from({ length: IN_FLIGHT }, () => openWire(server.url));
  await Promise.all([fill(acme, at(wires, 0)), fill(other, at(wires, 1))]);
  const wrong: string[] = [];
  let turn = 0;
  const worker = async (wire: Wire) => {
    while (turn < 2 * CALLS) {
      const [tenant, otherTenant] = turn % 2 === 0 ? [acme, other] : [other, acme];
      const { name, args, expected } = at(MIX, turn >> 1)(tenant, otherTenant, turn >> 1);
      turn += 1;
      const answer = await call(wire, tenant, name, args);
      if (answer.includes(otherTenant.canary)) wrong.push(`${name} contains data of the other tenant: ${answer}`);
      if (!answer.includes(expected)) wrong.push(`${name} does not contain ${expected}: ${answer}`);
    }
  };
  await Promise.all(wires.map(worker));
  for (const wire of wires) wire.close();
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(turn).toBe(2 * CALLS);
});

/** Creates records that contain the tenant's canary. */
async function fill(tenant: Tenant, wire: Wire): Promise<void> {
  const { canary } = tenant;
  for (let count = 0; count < CUSTOMERS; count += 1) {
    const created = await call(wire, tenant, 'crm_customer_create', { customer: { caption: `${canary} ${count}` } });
    const { customer_id } = dataOf(created);
    tenant.customers.push(customer_id);
    await call(wire, tenant, 'crm_loyalty_earn', { customer_id, points: 1, source_ref: canary });
    const card = { amount: 5, currency: 'USD', source_ref: canary, reason: canary };
    tenant.cards.push(dataOf(await call(wire, tenant, 'crm_giftcard_issue', card)).giftcard_id);
  }
}

function call(wire: Wire, { headers }: Tenant, name: string, args: object): Promise<string> {
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
