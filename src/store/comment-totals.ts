/**
 * How many comments there are and what they take, without the doomed: of the org, of a target type, of a target. Kept
 * in the transaction of each change, so that a report reads one row.
 */
import { one, run, type Steps } from './step.js';

export interface Totals {
  readonly comments: number;
  readonly bytes: number;
}

/** Stands for every type, and for every target of a type. */
const EVERY = '*';

const READ = 'SELECT comments, bytes FROM comment_total WHERE orgcode = ? AND target_type = ? AND target_id = ?';
const ADD = `UPDATE comment_total SET comments = comments + ?, bytes = bytes + ?
  WHERE orgcode = ? AND target_type = ? AND target_id = ?`;
const START = 'INSERT INTO comment_total (comments, bytes, orgcode, target_type, target_id) VALUES (?, ?, ?, ?, ?)';

/** The totals of a target, of a type when no target is given, of the org when neither is. */
export function* totalsOf(orgcode: string, targetType = EVERY, targetId = EVERY): Steps<Totals> {
  return (yield* one<Totals>(READ, orgcode, targetType, targetId)) ?? { comments: 0, bytes: 0 };
}

/** Moves the totals of a target, and those it counts in, by `change`; negative where comments or bytes go away. */
export function* addToTotals(orgcode: string, targetType: string, targetId: string, change: Totals): Steps<void> {
  for (const level of levelsOf(targetType, targetId)) {
    const known = yield* run(ADD, change.comments, change.bytes, orgcode, ...level);
    if (known === 0) yield* run(START, change.comments, change.bytes, orgcode, ...level);
  }
}

/** The keys of every total that a comment on a target counts in. */
export function levelsOf(targetType: string, targetId: string): readonly (readonly [string, string])[] {
  return [
    [EVERY, EVERY],
    [targetType, EVERY],
    [targetType, targetId],
  ];
}
