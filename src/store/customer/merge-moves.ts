/**
 * Moves the records of a merged customer to the survivor, a bounded number. Points and consents are moved elsewhere.
 */
import type { components } from '../../contract/generated/openapi.js';
import { mergeLimit } from '../../domain/merge.js';
import { moveTotals } from '../comment/comment-totals.js';
import type { Context } from '../engine/handler.js';
import { all, count, one, run, type Steps, together } from '../engine/step.js';

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

/** A column that refers to a customer: how many rows name one, and the change that lets them name another. */
interface Reference {
  readonly count: string;
  readonly move: string;
}

const REFERENCES = {
  gift_cards: reference('giftcard', 'customer_id'),
  comments: reference('comment', 'target_id', `target_type = 'customer'`),
  certificates: reference('certificate', 'customer_id'),
  holds: reference('hold', 'customer_id'),
  inbox_items: reference('inbox', 'record_id', `record_type = 'customer'`),
  contacts: reference('account_contact', 'customer_id'),
};
/** Customers merged into a loser follow, too, so that one hop reaches the survivor. They are not reported as moved. */
const MERGED = reference('customer', 'merged_into_customer_id');
const KINDS = Object.keys(REFERENCES) as (keyof typeof REFERENCES)[];

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
  const [merged = 0, ...counts] = yield* together(
    ...[MERGED, ...KINDS.map((kind) => REFERENCES[kind])].map((each) => countOf(each, orgcode, from)),
  );
  const sum = counts.reduce((total, number) => total + number, merged);
  requireBounded({ ...moved, lots: moved.lots + sum });
  const found = KINDS.filter((_, no) => (counts[no] ?? 0) > 0);
  const changed = yield* together(...found.map((kind) => move(cx, REFERENCES[kind], from, into)));
  const next = { ...moved };
  for (const [no, kind] of found.entries()) next[kind] += changed[no] ?? 0;
  next.flags += yield* moveFlags(cx, from, into);
  requireBounded({ ...next, lots: next.lots + merged });
  yield* moveTotals(orgcode, 'customer', from, into);
  yield* run(SHARE_IDENTIFIERS, into, orgcode, from);
  yield* run(DELETE_IDENTIFIERS, orgcode, from);
  if (merged > 0) yield* move(cx, MERGED, from, into);
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

function reference(table: string, owner: string, among = '1 = 1'): Reference {
  const rows = `orgcode = ? AND ${among} AND ${owner} = ?`;
  return {
    count: `SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${table} WHERE ${rows} LIMIT ?) l`,
    move: `UPDATE ${table} SET ${owner} = ?, revision = revision + 1, updated_at = ? WHERE ${rows}`,
  };
}

/** How many rows name the customer; no more are counted than are too many. */
function* countOf(reference: Reference, orgcode: string, customerId: string): Steps<number> {
  const counted = yield* one<{ count: number }>(reference.count, orgcode, customerId, MAX_MOVED + 1);
  return counted?.count ?? 0;
}

function move({ orgcode, stamp }: Context, { move }: Reference, from: string, into: string): Steps<number> {
  return count(move, into, stamp.now, orgcode, from);
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
