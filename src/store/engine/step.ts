/** What a handler yields instead of doing IO: one SQL statement. Any driver can run it. Not: SQL itself. */

export type Scalar = string | number | null;

export interface Step {
  readonly sql: string;
  readonly args: readonly Scalar[];
  readonly mode: 'one' | 'all' | 'run';
}

/** A handler's body: yields steps, receives their results, returns a record. No IO, no clock, no randomness. */
export type Steps<T> = Generator<Step, T, unknown>;

/** The first row, or undefined. */
export function* one<Row>(sql: string, ...args: readonly Scalar[]): Steps<Row | undefined> {
  return (yield { sql, args, mode: 'one' }) as Row | undefined;
}

/** Every row. The statement itself must carry a LIMIT. */
export function* all<Row>(sql: string, ...args: readonly Scalar[]): Steps<readonly Row[]> {
  return (yield { sql, args, mode: 'all' }) as readonly Row[];
}

/** Runs a change; answers how many rows it touched. */
export function* run(sql: string, ...args: readonly Scalar[]): Steps<number> {
  return (yield { sql, args, mode: 'run' }) as number;
}
