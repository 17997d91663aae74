/**
 * Moves the records of a merged customer to the survivor, a bounded number. Points and consents are moved elsewhere.
 */
import type { components } from '../../contract/generated/openapi.js';
import { mergeLimit } from '../../domain/merge.js';
import { moveTotals } from '../comment/comment-totals.js';
import type { Context } from '../engine/handler.js';
import { all, count, one, run, type Steps } from '../engine/step.js';

export type Moved = components['schemas']['CustomerMerge']['moved'];

/** The most records that one merge moves. Other writes wait for its commit: at most half a second, measured. */
export const MAX_MOVED = 5_000;

export const NOTHING_MOVED: Moved = {
  points: 0,
  lots: 0,
  gift_cards: 0,
  comments: 0,
  certificates: 0,
  holds: 0,
  flags: 0,
  inbox_items: 0,
  contacts: 0,
};

/**
 * The columns that refer to a customer. Customers merged into a loser follow, too, so that one hop reaches the
 * survivor.
 */
const REPOINT = {
  gift_cards: repoint('giftcard', 'giftcard_id', 'customer_id'),
  comments: repoint('comment', 'comment_id', 'target_id', `target_type = 'customer'`),
  certificates: repoint('certificate', 'certificate_id', 'customer_id'),
  holds: repoint('hold', 'hold_id', 'customer_id'),
  inbox_items: repoint('inbox', 'inbox_id', 'record_id', `record_type = 'customer'`),
  contacts: repoint('account_contact', 'account_contact_id', 'customer_id'),
};
const REPOINT_MERGED = repoint('customer', 'customer_id', 'merged_into_customer_id');

const SHARE_IDENTIFIERS = `INSERT INTO fraud_identifier (orgcode, kind, identifier_hash, customer_id)
  SELECT orgcode, kind, identifier_hash, ? FROM fraud_identifier WHERE orgcode = ? AND customer_id = ?
  ON CONFLICT DO NOTHING`;
const DELETE_IDENTIFIERS = 'DELETE FROM fraud_identifier WHERE orgcode = ? AND customer_id = ?';

const FLAGS = `SELECT flag, active, note, expires_at FROM customer_flag WHERE orgcode = ? AND customer_id = ? LIMIT ?`;
const FLAG =
  'SELECT flag, active, note, expires_at FROM customer_flag WHERE orgcode = ? AND customer_id = ? AND flag = ?';
const MOVE_FLAG = `UPDATE customer_flag SET customer_id = ?, revision = revision + 1, updated_at = ?
  WHERE orgcode = ? AND customer_id = ? AND flag = ?`;
const RAISE_FLAG = `UPDATE customer_flag SET active = 1, note = ?, expires_at = ?, revision = revision + 1, updated_at = ?
  WHERE orgcode = ? AND customer_id = ? AND flag = ?`;
const DROP_FLAG = 'DELETE FROM customer_flag WHERE orgcode = ? AND customer_id = ? AND flag = ?';

/**
 * Moves the records of `from` to `into`, increments the revision of each, and adds the counts to `moved`.
 * @throws CrmError 409 `crm.customer_merge_limit` when the merge would move more than `MAX_MOVED` records.
 */
export function* moveRecords(cx: Context, from: string, into: string, moved: Moved): Steps<Moved> {
  const { orgcode } = cx;
  const next = { ...moved };
  for (const [kind, sql] of Object.entries(REPOINT) as [keyof typeof REPOINT, string][]) {
    next[kind] += yield* count(sql, into, cx.stamp.now, orgcode, orgcode, from, MAX_MOVED + 1);
    requireBounded(next);
  }
  next.flags += yield* moveFlags(cx, from, into);
  requireBounded(next);
  yield* moveTotals(orgcode, 'customer', from, into);
  yield* run(SHARE_IDENTIFIERS, into, orgcode, from);
  yield* run(DELETE_IDENTIFIERS, orgcode, from);
  const merged = yield* count(REPOINT_MERGED, into, cx.stamp.now, orgcode, orgcode, from, MAX_MOVED + 1);
  requireBounded({ ...next, lots: next.lots + merged });
  return next;
}

/** @throws CrmError 409 `crm.customer_merge_limit` */
export function requireBounded({ points: _, ...counts }: Moved): void {
  const records = Object.values(counts).reduce((sum, number) => sum + number, 0);
  if (records <= MAX_MOVED) return;
  throw mergeLimit(`A merge moves at most ${MAX_MOVED} records.`, { max: MAX_MOVED }, [
    'Merge fewer customers at once.',
  ]);
}

function repoint(table: string, id: string, owner: string, among = '1 = 1'): string {
  return `UPDATE ${table} SET ${owner} = ?, revision = revision + 1, updated_at = ?
    WHERE orgcode = ? AND ${id} IN (
      SELECT ${id} FROM ${table} WHERE orgcode = ? AND ${among} AND ${owner} = ? LIMIT ?)`;
}

interface Flag {
  readonly flag: string;
  readonly active: number;
  readonly note: string | null;
  readonly expires_at: string | null;
}

/** Of two equal flags the survivor keeps its own, unless the loser's is active and lasts longer. */
function* moveFlags(cx: Context, from: string, into: string): Steps<number> {
  const flags = yield* all<Flag>(FLAGS, cx.orgcode, from, MAX_MOVED + 1);
  for (const flag of flags) {
    const key = [cx.orgcode, from, flag.flag] as const;
    const own = yield* one<Flag>(FLAG, cx.orgcode, into, flag.flag);
    if (own === undefined) {
      yield* run(MOVE_FLAG, into, cx.stamp.now, ...key);
      continue;
    }
    if (activeUntil(cx, flag) > activeUntil(cx, own)) {
      yield* run(RAISE_FLAG, flag.note, flag.expires_at, cx.stamp.now, cx.orgcode, into, flag.flag);
    }
    yield* run(DROP_FLAG, ...key);
  }
  return flags.length;
}

/** When an active flag ends, `~` for never; empty for an inactive flag. */
function activeUntil(cx: Context, { active, expires_at }: Flag): string {
  const ends = expires_at ?? '~';
  return active === 1 && ends > cx.stamp.now ? ends : '';
}
