/** Steps: the SQL statements that a handler yields instead of doing I/O. Any driver can run them. */

export type Scalar = string | number | null;

export interface Step {
  readonly sql: string;
  readonly args: readonly Scalar[];
  readonly mode: 'one' | 'all' | 'run';
}

/**
 * The body of a handler: yields steps, receives their results, returns a value. It does no I/O, reads no clock and
 * makes no random values.
 */
export type Steps<T> = Generator<Step, T, unknown>;

/** Returns the first row, or undefined. */
export function* one<Row>(sql: string, ...args: readonly Scalar[]): Steps<Row | undefined> {
  return (yield { sql, args, mode: 'one' }) as Row | undefined;
}

/** Returns every row. The statement itself must have a LIMIT. */
export function* all<Row>(sql: string, ...args: readonly Scalar[]): Steps<readonly Row[]> {
  return (yield { sql, args, mode: 'all' }) as readonly Row[];
}

/** Runs a change. Returns the number of rows it changed. */
export function* run(sql: string, ...args: readonly Scalar[]): Steps<number> {
  return (yield { sql, args, mode: 'run' }) as number;
}
