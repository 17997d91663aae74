/** Records of families that have no tools for it yet, put into the store by SQL, and read back. */
import { run, type Scalar } from '../../src/store/step.js';
import type { World } from './world.js';

let made = 0;

/** Ways to put records of one org beside its customers. Each answers the new record's id. */
export function recordsIn(world: World, orgcode: string) {
  const put = async (table: string, row: Readonly<Record<string, Scalar>>): Promise<void> => {
    const columns = Object.keys(row);
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    await world.store.driver.write({ steps: () => run(sql, ...Object.values(row)) });
  };
  const record = async (table: string, id: string, row: Readonly<Record<string, Scalar>>): Promise<string> => {
    made += 1;
    const value = `${table}-${made}`;
    const times = { created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z' };
    await put(table, { orgcode, [id]: value, revision: 1, ...times, ...row });
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
    /** A comment on a customer, and its part of the totals. */
    async comment(customer_id: string, body: string): Promise<string> {
      const of = { target_type: 'customer', target_id: customer_id };
      const text = {
        status: 'active',
        body,
        hashtags: '[]',
        attachments: '[]',
        author: 'sam',
        size_bytes: body.length,
      };
      const id = await record('comment', 'comment_id', { ...of, ...text });
      const total = `INSERT INTO comment_total (orgcode, target_type, target_id, comments, bytes) VALUES (?, ?, ?, 1, ?)
        ON CONFLICT DO UPDATE SET comments = comments + 1, bytes = bytes + excluded.bytes`;
      const args = [orgcode, of.target_type, of.target_id, body.length];
      await world.store.driver.write({ steps: () => run(total, ...args) });
      return id;
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
      put('fraud_identifier', { orgcode, kind: 'device', identifier_hash, customer_id }),
  };
}
