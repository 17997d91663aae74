/**
 * Where likely duplicates meet: the blocking keys of every active customer, and a mark on each that shares one with an
 * older customer, so that nobody else need be compared. Not: the comparison.
 */
import { blockKeys, type Person, toSubject } from '../../domain/dedupe.js';
import { one, run, type Steps } from '../engine/step.js';

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

/**
 * Enters an active customer under its keys. In a block all but the oldest are marked; so the one that comes in marks
 * itself when there is an older one, and else the next newer one, which was the oldest until now.
 */
export function* addDuplicateKeys(row: Blocked): Steps<void> {
  let marked = false;
  for (const { kind, key } of blockKeys(toSubject(row))) {
    const place = [row.orgcode, kind, key, row.customer_id] as const;
    yield* run(ADD, ...place);
    const next = yield* one<{ older: string | null; newer: string | null }>(NEIGHBOURS, ...place, ...place);
    if (next?.older == null && next?.newer != null) yield* run(MARK, row.orgcode, next.newer);
    if (next?.older == null || marked) continue;
    yield* run(MARK, row.orgcode, row.customer_id);
    marked = true;
  }
}

/** Takes a customer, as it was entered, out again. Marks of newer ones stay: they cost a look, and change nothing. */
export function* removeDuplicateKeys(row: Blocked): Steps<void> {
  for (const { kind, key } of blockKeys(toSubject(row))) yield* run(REMOVE, row.orgcode, kind, key, row.customer_id);
  yield* run(UNMARK, row.orgcode, row.customer_id);
}
