/** Inserts records of a customer in any state by SQL, where no tool can create them. */
import type { Scalar } from '../../src/store/engine/step.js';
import { ok, type World } from './world.js';

let made = 0;

/** Inserts one row. */
export async function putRow(world: World, table: string, row: Readonly<Record<string, Scalar>>): Promise<void> {
  const columns = Object.keys(row);
  const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
  await world.sql(sql, ...Object.values(row));
}

/** Returns functions that insert records of customers of one org. Each returns the new record's id. */
export function recordsIn(world: World, orgcode: string) {
  const record = async (table: string, id: string, row: Readonly<Record<string, Scalar>>): Promise<string> => {
    made += 1;
    const value = `${table}-${made}`;
    const times = { created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z' };
    await putRow(world, table, { orgcode, [id]: value, revision: 1, ...times, ...row });
    return value;
  };
  return {
    contact: (customer_id: string, fields = {}) =>
      record('account_contact', 'account_contact_id', {
        account_id: 'account-1',
        customer_id,
        status: 'active',
        role: 'buyer',
        is_primary: 0,
        ...fields,
      }),
    certificate: (customer_id: string, fields = {}) =>
      record('certificate', 'certificate_id', {
        customer_id,
        status: 'active',
        certificate_number: 'C-1',
        country: 'US',
        exemption_type: 'resale',
        attributes: '{}',
        ...fields,
      }),
    async comment(customer_id: string, body: string): Promise<string> {
      const comment = { target_type: 'customer', target_id: customer_id, body };
      return (await ok(world, 'crm_comment', { comment }, await world.headers('owner', orgcode))).comment_id;
    },
    inboxItem: (customer_id: string) =>
      record('inbox', 'inbox_id', {
        status: 'open',
        state: 'unread',
        caption: 'Call back',
        org_wide: 1,
        record_type: 'customer',
        record_id: customer_id,
        priority: 'normal',
      }),
    flag: (customer_id: string, flag: string, fields = {}) =>
      record('customer_flag', 'flag_id', { customer_id, flag, active: 1, ...fields }),
    hold: (customer_id: string, scope: string, status: string) =>
      record('hold', 'hold_id', { customer_id, scope, origin: 'manual', status }),
    identifier: (customer_id: string, identifier_hash: string) =>
      putRow(world, 'fraud_identifier', { orgcode, kind: 'device', identifier_hash, customer_id }),
  };
}

/** Sets a terminal status of a customer, including those that no tool can set. */
export async function endCustomer(
  world: World,
  customerId: string,
  status: string,
  survivor: string | null,
): Promise<void> {
  const sql = 'UPDATE customer SET status = ?, merged_into_customer_id = ? WHERE customer_id = ?';
  await world.sql(sql, status, survivor, customerId);
}
