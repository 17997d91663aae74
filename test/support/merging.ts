/** Creates an org to merge customers in, and functions to inspect the result. */
import { freshOrg } from './loyalty.js';
import { recordsIn } from './records.js';
import { type Data, errorOf, newCustomer, ok, type World } from './world.js';

/** `rows` reads data that no tool returns. */
export async function openMerging(world: World) {
  const headers = await freshOrg(world);
  const orgcode = String(headers['x-orgcode']);
  const read = (customer_id: string): Promise<Data> => ok(world, 'crm_customer_get', { customer_id }, headers);
  const request = async (survivor: string, losers: readonly string[], more: object = {}) => {
    const { revision } = await read(survivor);
    const args = { customer_id: survivor, merge_customer_ids: losers, expected_revision: revision };
    return { ...args, reason: 'same person', ...more };
  };
  return {
    headers,
    orgcode,
    read,
    request,
    records: recordsIn(world, orgcode),
    create: (fields: object = {}) => newCustomer(world, fields, headers),
    merge: async (survivor: string, losers: readonly string[], more: object = {}): Promise<Data> =>
      ok(world, 'crm_customer_merge', await request(survivor, losers, more), headers),
    deny: async (survivor: string, losers: readonly string[], more: object = {}) =>
      errorOf(world, 'crm_customer_merge', await request(survivor, losers, more), headers),
    act: (tool: string, args: object): Promise<Data> => ok(world, `crm_${tool}`, args, headers),
    rows: (sql: string, ...args: string[]): Promise<Data[]> => world.sql(sql, orgcode, ...args),
  };
}
