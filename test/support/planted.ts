/** Rows of other families, put where a test needs one to point at, without that family's tools. */
import Database from 'better-sqlite3';
import type { World } from './world.js';

const ROWS = {
  account: `INSERT INTO account (orgcode, account_id, status, revision, legal_name, terms, credit_used_minor, credit_hold,
    billing_address, shipping_addresses, external_refs, tags, attributes, created_at, updated_at)
    VALUES (?, ?, 'active', 1, 'Tide Ltd', '{}', 0, 0, '{}', '[]', '[]', '[]', '{}', '', '')`,
  contact: `INSERT INTO account_contact (orgcode, account_contact_id, account_id, status, revision, role, is_primary,
    created_at, updated_at) VALUES (?, ?, '', 'active', 1, 'buyer', 0, '', '')`,
  hold: `INSERT INTO hold (orgcode, hold_id, customer_id, scope, origin, status, revision, created_at, updated_at)
    VALUES (?, ?, '', 'all', 'manual', 'released', 1, '', '')`,
  comment: `INSERT INTO comment (orgcode, comment_id, target_type, target_id, status, revision, body, hashtags, attachments,
    author, size_bytes, created_at, updated_at)
    VALUES (?, ?, 'customer', '', 'active', 1, 'x', '[]', '[]', 'somebody', 1, '', '')`,
} as const;

/** Puts a row of that type with that id into an org; answers the id. */
export function plant(world: World, type: keyof typeof ROWS, orgcode: string, id: string): string {
  execute(world, ROWS[type], orgcode, id);
  return id;
}

/** Makes a customer terminal, as merging and erasing will. */
export function endCustomer(world: World, customerId: string, status: string, survivor: string | null = null): void {
  execute(
    world,
    'UPDATE customer SET status = ?, merged_into_customer_id = ? WHERE customer_id = ?',
    status,
    survivor,
    customerId,
  );
}

function execute(world: World, sql: string, ...args: (string | null)[]): void {
  const db = new Database(world.path);
  db.prepare(sql).run(...args);
  db.close();
}
