/**
 * Blocking keys of active customers, for finding duplicates: customers that share a key are in one block. A customer
 * that shares a key with an older one is marked as a suspect; only suspects are compared. See duplicates.ts.
 */
import { blockKeys, type Person, toSubject } from '../../domain/dedupe.js';
import { lockKey, lockKeys, one, run, type Steps, together } from '../engine/step.js';

/** The columns of a customer from which keys are made. */
export const PERSON_COLUMNS = [
  'email',
  'phone',
  'given_name',
  'family_name',
  'caption',
  'birth_date',
  'addresses',
] as const satisfies readonly (keyof Person)[];

type Blocked = Person & { readonly orgcode: string; readonly customer_id: string };

const ADD = 'INSERT INTO customer_block (orgcode, block_kind, block_key, customer_id) VALUES (?, ?, ?, ?)';
const REMOVE = 'DELETE FROM customer_block WHERE orgcode = ? AND block_kind = ? AND block_key = ? AND customer_id = ?';
const NEIGHBOURS = `SELECT
  (SELECT o.customer_id FROM customer_block o
    WHERE o.orgcode = ? AND o.block_kind = ? AND o.block_key = ? AND o.customer_id < ? LIMIT 1) AS older,
  (SELECT n.customer_id FROM customer_block n
    WHERE n.orgcode = ? AND n.block_kind = ? AND n.block_key = ? AND n.customer_id > ?
    ORDER BY n.customer_id LIMIT 1) AS newer`;
const MARK = 'INSERT INTO customer_suspect (orgcode, customer_id) VALUES (?, ?) ON CONFLICT DO NOTHING';
const UNMARK = 'DELETE FROM customer_suspect WHERE orgcode = ? AND customer_id = ?';

/** Adds an active customer under its keys, which are locked: two new customers with one key must see each other. */
export function* addDuplicateKeys(row: Blocked): Steps<void> {
  const keys = blockKeys(toSubject(row));
  yield* lockKeys(keys.map(({ kind, key }) => lockKey(row.orgcode, 'duplicates', kind, key)));
  yield* addUnlockedKeys(row, keys);
}

/**
 * Adds an active customer under its keys. In a block all but the oldest are marked. So the new customer is marked when
 * there is an older one; otherwise the next newer one is marked, which was the oldest until now.
 */
export function* addUnlockedKeys(row: Blocked, keys = blockKeys(toSubject(row))): Steps<void> {
  const members = keys.map(({ kind, key }) => [row.orgcode, kind, key, row.customer_id] as const);
  for (const member of members) yield* run(ADD, ...member);
  const neighbours = yield* together(...members.map((member) => one<Neighbours>(NEIGHBOURS, ...member, ...member)));
  const marked = neighbours.flatMap((next) => (next?.older != null ? row.customer_id : (next?.newer ?? [])));
  for (const id of [...new Set(marked)].sort()) yield* run(MARK, row.orgcode, id);
}

interface Neighbours {
  readonly older: string | null;
  readonly newer: string | null;
}

/** Removes a customer, with the row that was added. Marks of newer ones stay: they cost a comparison, nothing more. */
export function* removeDuplicateKeys(row: Blocked): Steps<void> {
  for (const { kind, key } of blockKeys(toSubject(row))) yield* run(REMOVE, row.orgcode, kind, key, row.customer_id);
  yield* run(UNMARK, row.orgcode, row.customer_id);
}
