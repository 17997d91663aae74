/** Recomputes the totals of comments from their rows, and checks each text against its append-only history. */

import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, type Steps } from '../engine/step.js';
import { levelsOf, type Totals } from './comment-totals.js';

const COUNTED = `SELECT target_type, target_id, COUNT(*) AS comments, SUM(size_bytes) AS bytes FROM comment
  WHERE orgcode = ? AND status <> 'doomed' GROUP BY target_type, target_id`;
const STORED = 'SELECT target_type, target_id, comments, bytes FROM comment_total WHERE orgcode = ?';
const REWRITTEN = `SELECT c.comment_id FROM comment c LEFT JOIN comment_revision r ON r.orgcode = c.orgcode
    AND r.comment_id = c.comment_id AND r.revision = (SELECT MAX(l.revision) FROM comment_revision l
      WHERE l.orgcode = c.orgcode AND l.comment_id = c.comment_id)
  WHERE c.orgcode = ? AND (r.body IS NULL OR r.body <> c.body OR r.caption IS DISTINCT FROM c.caption)`;

type TotalRow = Totals & { readonly target_type: string; readonly target_id: string };

/** Checks the comments of an org. Memory grows with the records that have comments, not with the comments. */
export function* verifyComments(orgcode: string, report: ReportDisagreement): Steps<void> {
  const computed = new Map<string, Totals>();
  for (const row of yield* all<TotalRow>(COUNTED, orgcode)) {
    for (const level of levelsOf(row.target_type, row.target_id)) add(computed, level.join('/'), row);
  }
  const totals = yield* all<TotalRow>(STORED, orgcode);
  const stored = new Map(totals.map((row) => [`${row.target_type}/${row.target_id}`, row]));
  for (const key of new Set([...computed.keys(), ...stored.keys()])) {
    report('comment_total.comments', key, stored.get(key)?.comments, computed.get(key)?.comments ?? 0);
    report('comment_total.bytes', key, stored.get(key)?.bytes, computed.get(key)?.bytes ?? 0);
  }
  for (const { comment_id } of yield* all<{ comment_id: string }>(REWRITTEN, orgcode)) {
    report('comment.body', comment_id, 'differs', 'as in its last revision');
  }
}

function add(totals: Map<string, Totals>, key: string, { comments, bytes }: Totals): void {
  const sum = totals.get(key) ?? { comments: 0, bytes: 0 };
  totals.set(key, { comments: sum.comments + comments, bytes: sum.bytes + bytes });
}
