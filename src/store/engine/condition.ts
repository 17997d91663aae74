/** Parts of a WHERE clause, with their arguments. */
import type { Scalar } from './step.js';

/** Conditions that must all hold; those of a page are about the table under the alias `t`. */
export interface Condition {
  readonly sql: readonly string[];
  readonly args: readonly Scalar[];
}

/** `t.column = ?` for every value that is given. */
export function equal(values: { readonly [column: string]: Scalar | undefined }): Condition {
  const given = Object.entries(values).flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
  return { sql: given.map(({ column }) => `t.${column} = ?`), args: given.map(({ value }) => value) };
}

/** Both conditions. */
export function both(one: Condition, other: Condition): Condition {
  return { sql: [...one.sql, ...other.sql], args: [...one.args, ...other.args] };
}

/** A column `passes` that is 1 where the conditions hold and else 0, in every engine. */
export function passesColumn(conditions: readonly string[]): string {
  return conditions.length === 0 ? '1 AS passes' : `CASE WHEN ${conditions.join(' AND ')} THEN 1 ELSE 0 END AS passes`;
}
