/** Creates an org with a loyalty policy and one customer, and functions that call the loyalty tools. */
import { addOrg, type Data, errorOf, newCustomer, ok, type World } from './world.js';

export const DAY_MS = 86_400_000;

let orgs = 0;

/** Creates an org and returns its owner's headers, so that every test sets its own policy. */
export async function freshOrg(world: World) {
  orgs += 1;
  const orgcode = `LOYAL${orgs}`;
  await world.admin((cx) => addOrg(cx, orgcode, 'verified'));
  return world.headers('owner', orgcode);
}

/** Creates an org with `policy` and one customer. */
export async function openProgramme(world: World, policy: object = {}) {
  const headers = await freshOrg(world);
  await ok(world, 'crm_loyalty_policy_set', { policy: { enabled: true, ...policy }, reason: 'test' }, headers);
  const customer_id = await newCustomer(world, {}, headers);
  const act = (tool: string, args: object): Promise<Data> => ok(world, `crm_loyalty_${tool}`, args, headers);
  const deny = (tool: string, args: object) => errorOf(world, `crm_loyalty_${tool}`, args, headers);
  return {
    headers,
    customer_id,
    act,
    deny,
    earn: (points: number) => act('earn', { customer_id, points }),
    redeem: (points: number) => act('redeem', { customer_id, points }),
    /** Credits points in a lot that expires at `expires_at` (milliseconds), or never. */
    credit: (points: number, expires_at?: number) =>
      act('adjust', {
        customer_id,
        points,
        reason: 'seed',
        ...(expires_at === undefined ? {} : { expires_at: new Date(expires_at).toISOString() }),
      }),
    ledger: () => act('ledger_list', { customer_id, limit: 256 }),
    account: async () => (await ok(world, 'crm_customer_get', { customer_id }, headers)).loyalty,
  };
}

/** Returns a function that puts a hold on a customer, directly in the database. */
export function holder(world: World, orgcode: string, customerId: string) {
  return async (id: string, scope: string, status: string): Promise<void> => {
    const sql = `INSERT INTO hold VALUES (?, ?, ?, ?, 'manual', NULL, ?, NULL, 1, '', '')`;
    await world.sql(sql, orgcode, id, customerId, scope, status);
  };
}
