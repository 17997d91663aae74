/**
 * Number and size of comments that are not doomed: per org, target type and target. They are updated in the transaction
 * of each change, so that a report reads one row.
 */
import { one, run, type Steps } from '../engine/step.js';

export interface Totals {
  readonly comments: number;
  readonly bytes: number;
}

/** Means every type, or every target of a type. */
export const ANY = '*';

const READ = 'SELECT comments, bytes FROM comment_total WHERE orgcode = ? AND target_type = ? AND target_id = ?';
const SUM_UP = `ON CONFLICT (orgcode, target_type, target_id) DO UPDATE SET
  comments = comment_total.comments + excluded.comments, bytes = comment_total.bytes + excluded.bytes`;
const ADD = `INSERT INTO comment_total (orgcode, target_type, target_id, comments, bytes) VALUES (?, ?, ?, ?, ?) ${SUM_UP}`;
/** A constraint forbids negative totals in a new row, also in one that would only be added to another. */
const TAKE_AWAY = `UPDATE comment_total SET comments = comments + ?, bytes = bytes + ?
  WHERE orgcode = ? AND target_type = ? AND target_id = ?`;
const JOIN = `INSERT INTO comment_total (orgcode, target_type, target_id, comments, bytes)
  SELECT orgcode, target_type, ?, comments, bytes FROM comment_total
    WHERE orgcode = ? AND target_type = ? AND target_id = ?
  ${SUM_UP}`;
const DROP = 'DELETE FROM comment_total WHERE orgcode = ? AND target_type = ? AND target_id = ?';

/** The totals of a target; of a type when no target is given; of the org when neither is given. */
export function* totalsOf(orgcode: string, targetType = ANY, targetId = ANY): Steps<Totals> {
  return (yield* one<Totals>(READ, orgcode, targetType, targetId)) ?? { comments: 0, bytes: 0 };
}

/** Adds `change`, which may be negative, to the totals of a target, of its type and of the org. */
export function* addToTotals(orgcode: string, targetType: string, targetId: string, change: Totals): Steps<void> {
  for (const level of levelsOf(targetType, targetId)) {
    if (change.comments < 0 || change.bytes < 0) {
      yield* run(TAKE_AWAY, change.comments, change.bytes, orgcode, ...level);
    } else yield* run(ADD, orgcode, ...level, change.comments, change.bytes);
  }
}

/** Adds the totals of one target to those of another of the same type, to which its comments have moved. */
export function* moveTotals(orgcode: string, targetType: string, from: string, into: string): Steps<void> {
  yield* run(JOIN, into, orgcode, targetType, from);
  yield* run(DROP, orgcode, targetType, from);
}

/** The keys of the totals that include the comments on a target. */
export function levelsOf(targetType: string, targetId: string): readonly (readonly [string, string])[] {
  return [
    [ANY, ANY],
    [targetType, ANY],
    [targetType, targetId],
  ];
}
