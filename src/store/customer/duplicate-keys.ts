/**
 * Blocking keys of active customers, for finding duplicates: customers that share a key are in one block. A customer
 * that shares a key with an older one is marked as a suspect; only suspects are compared. See duplicates.ts.
 */
import { type BlockKey, blockKeys, type Person, toSubject } from '../../domain/dedupe.js';
import type { Dialect } from '../engine/dialect.js';
import { lockKey, locksFor, run, type Step, type Steps, sortedLocks } from '../engine/step.js';

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
const OLDEST_OTHER = `SELECT customer_id FROM customer_block
  WHERE orgcode = ? AND block_kind = ? AND block_key = ? AND customer_id <> ? ORDER BY customer_id LIMIT 1`;
const MARK = 'INSERT INTO customer_suspect (orgcode, customer_id) VALUES (?, ?) ON CONFLICT DO NOTHING';
const UNMARK = 'DELETE FROM customer_suspect WHERE orgcode = ? AND customer_id = ?';

/** Adds an active customer under its keys, which are locked: two new customers with one key must see each other. */
export function* addDuplicateKeys(dialect: Dialect, row: Blocked): Steps<void> {
  const keys = blockKeys(toSubject(row));
  const locks = locksFor(dialect, () => keys.map(({ kind, key }) => lockKey(row.orgcode, 'duplicates', kind, key)));
  yield* addKeys(row, keys, sortedLocks(locks));
}

/**
 * Adds an active customer under its keys. In a block all but the oldest are marked. So the new customer is marked when
 * there is an older one; otherwise the next newer one is marked, which was the oldest until now.
 */
export function* addUnlockedKeys(row: Blocked): Steps<void> {
  yield* addKeys(row, blockKeys(toSubject(row)), []);
}

function* addKeys(row: Blocked, keys: readonly BlockKey[], locks: readonly Step[]): Steps<void> {
  if (keys.length === 0) return;
  const { orgcode, customer_id } = row;
  const added = keys.map(({ kind, key }): Step => ({ sql: ADD, args: [orgcode, kind, key, customer_id], mode: 'run' }));
  const reads = keys.map(
    ({ kind, key }): Step => ({ sql: OLDEST_OTHER, args: [orgcode, kind, key, customer_id], mode: 'one' }),
  );
  const results = (yield [...locks, ...added, ...reads]) as readonly ({ readonly customer_id: string } | undefined)[];
  const marked = new Set<string>();
  for (const other of results.slice(locks.length + added.length)) {
    if (other === undefined) continue;
    const isOldest = customer_id < other.customer_id;
    marked.add(isOldest ? other.customer_id : customer_id);
  }
  for (const id of [...marked].sort()) yield* run(MARK, orgcode, id);
}

/** Removes a customer, with the row that was added. Marks of newer ones stay: they cost a comparison, nothing more. */
export function* removeDuplicateKeys(row: Blocked): Steps<void> {
  for (const { kind, key } of blockKeys(toSubject(row))) yield* run(REMOVE, row.orgcode, kind, key, row.customer_id);
  yield* run(UNMARK, row.orgcode, row.customer_id);
}
