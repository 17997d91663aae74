/** Recomputes the totals of comments from their rows, and checks each text against its append-only history. */

import type { ReportDisagreement } from '../engine/disagreement.js';
import { eachOwner, OrderedRows } from '../engine/ordered-rows.js';
import { all, type Steps } from '../engine/step.js';
import { ANY, levelsOf, type Totals } from './comment-totals.js';

const COMMENTS = 'SELECT target_type, target_id, comment_id, size_bytes FROM comment c';
const TOTALS = 'SELECT target_type, target_id, comments, bytes FROM comment_total t';
const REWRITTEN = `SELECT c.comment_id FROM comment c LEFT JOIN comment_revision r ON r.orgcode = c.orgcode
    AND r.comment_id = c.comment_id AND r.revision = (SELECT MAX(l.revision) FROM comment_revision l
      WHERE l.orgcode = c.orgcode AND l.comment_id = c.comment_id)
  WHERE c.orgcode = ? AND (r.body IS NULL OR r.body <> c.body OR r.caption IS DISTINCT FROM c.caption) LIMIT 1000`;

interface Target {
  readonly target_type: string;
  readonly target_id: string;
}

/** Checks the comments of an org. Memory grows with neither comments nor targets. */
export function* verifyComments(orgcode: string, report: ReportDisagreement): Steps<void> {
  yield* verifyTotals(orgcode, report);
  for (const { comment_id } of yield* all<{ comment_id: string }>(REWRITTEN, orgcode)) {
    report('comment.body', comment_id, 'differs', 'as in its last revision');
  }
}

/** Walks through comments and totals side by side, by target. The totals of types and of the org are added up. */
function* verifyTotals(orgcode: string, report: ReportDisagreement): Steps<void> {
  const target = ['target_type', 'target_id'] as const;
  const key = [...target, 'comment_id'];
  const query = { orgcode, select: COMMENTS, alias: 'c', key, where: `c.status <> 'doomed'` };
  const comments = new OrderedRows<Target & { readonly size_bytes: number }>(query);
  const totals = new OrderedRows<Target & Totals>({ orgcode, select: TOTALS, alias: 't', key: target });
  const [stored, computed] = [new Map<string, Totals>(), new Map<string, Totals>()];
  yield* eachOwner(target, [comments, totals], function* ({ target_type, target_id }, isOwned) {
    const own = { comments: 0, bytes: 0 };
    yield* comments.visit(isOwned, ({ size_bytes }) => {
      own.comments += 1;
      own.bytes += size_bytes;
    });
    const [total] = yield* totals.take(isOwned);
    const name = `${target_type}/${target_id}`;
    if (target_id === ANY && total !== undefined) stored.set(name, total);
    else compare(name, total, own, report);
    for (const [type, id] of levelsOf(target_type, target_id))
      if (id === ANY && own.comments > 0) add(computed, `${type}/${id}`, own);
  });
  for (const name of new Set([...stored.keys(), ...computed.keys()]))
    compare(name, stored.get(name), computed.get(name), report);
}

function compare(
  name: string,
  stored: Totals | undefined,
  computed: Totals | undefined,
  report: ReportDisagreement,
): void {
  report('comment_total.comments', name, stored?.comments, computed?.comments ?? 0);
  report('comment_total.bytes', name, stored?.bytes, computed?.bytes ?? 0);
}

function add(totals: Map<string, Totals>, key: string, { comments, bytes }: Totals): void {
  const sum = totals.get(key) ?? { comments: 0, bytes: 0 };
  totals.set(key, { comments: sum.comments + comments, bytes: sum.bytes + bytes });
}
