/** The records that others may refer to by type and id, and the check that one exists, in any state. */
import { notFound } from '../../contract/errors.js';
import type { Context } from '../engine/handler.js';
import { one, type Steps } from '../engine/step.js';

const FIND = Object.freeze({
  customer: 'SELECT 1 AS found FROM customer WHERE orgcode = ? AND customer_id = ?',
  account: 'SELECT 1 AS found FROM account WHERE orgcode = ? AND account_id = ?',
  contact: 'SELECT 1 AS found FROM account_contact WHERE orgcode = ? AND account_contact_id = ?',
  certificate: 'SELECT 1 AS found FROM certificate WHERE orgcode = ? AND certificate_id = ?',
  giftcard: 'SELECT 1 AS found FROM giftcard WHERE orgcode = ? AND giftcard_id = ?',
  loyalty_txn: 'SELECT 1 AS found FROM loyalty_txn WHERE orgcode = ? AND loyalty_txn_id = ?',
  hold: 'SELECT 1 AS found FROM hold WHERE orgcode = ? AND hold_id = ?',
  inbox: 'SELECT 1 AS found FROM inbox WHERE orgcode = ? AND inbox_id = ?',
  comment: 'SELECT 1 AS found FROM comment WHERE orgcode = ? AND comment_id = ?',
});

export type TargetType = keyof typeof FIND;

/** @throws CrmError 404 when the org has no such record. */
export function* requireTarget(cx: Context, type: TargetType, id: string): Steps<void> {
  if ((yield* one(FIND[type], cx.orgcode, id)) === undefined) throw notFound();
}
