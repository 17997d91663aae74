/** Steps: the SQL statements that a handler yields instead of doing I/O. Any driver can run them. */

export type Scalar = string | number | null;

/**
 * What a step asks of the driver:
 * - `one`, `all`: the first row, or every row. The handler waits for them.
 * - `count`: a change, and the number of rows it changed. The handler waits for it.
 * - `run`: a change. The handler does not wait: a driver may send it later, but in order, and before it commits.
 * - `lock`: locks the rows that the statement selects, until the transaction ends.
 * - `lock-key`: locks the name in `args`, which may stand for a record that does not exist yet, just as long.
 * - `enter-org`: the steps that follow are about the org in `args`.
 *
 * The last three return nothing. An engine with one writer that sees all orgs ignores them.
 */
type StepMode = 'one' | 'all' | 'count' | 'run' | 'lock' | 'lock-key' | 'enter-org';

export interface Step {
  readonly sql: string;
  readonly args: readonly Scalar[];
  readonly mode: StepMode;
  /** The number of rows that a `run` must change; with another number, the driver throws `ConcurrentChangeError`. */
  readonly expected?: number;
}

/** Steps that depend on no result of each other: the driver decides whether they run one after the other; see `together`. */
export interface Together {
  readonly mode: 'together';
  readonly parts: readonly Steps<unknown>[];
}

/** What a handler yields: a step, a list of steps that run in their order in one round trip, or independent steps. */
export type Yielded = Step | readonly Step[] | Together;

/**
 * The body of a handler: yields steps, receives their results, returns a value. It does no I/O, reads no clock and
 * makes no random values.
 */
export type Steps<T> = Generator<Yielded, T, unknown>;

/** Returns the first row, or undefined. */
export function* one<Row>(sql: string, ...args: readonly Scalar[]): Steps<Row | undefined> {
  return (yield { sql, args, mode: 'one' }) as Row | undefined;
}

/** Returns every row. The statement itself must have a LIMIT. */
export function* all<Row>(sql: string, ...args: readonly Scalar[]): Steps<readonly Row[]> {
  return (yield { sql, args, mode: 'all' }) as readonly Row[];
}

/** Runs a change. */
export function* run(sql: string, ...args: readonly Scalar[]): Steps<void> {
  yield { sql, args, mode: 'run' };
}

/** Runs a change that must change exactly one row. @throws ConcurrentChangeError later, when it did not. */
export function* runOnOne(sql: string, ...args: readonly Scalar[]): Steps<void> {
  yield { sql, args, mode: 'run', expected: 1 };
}

/** Runs a change and waits for it. Returns the number of rows it changed. */
export function* count(sql: string, ...args: readonly Scalar[]): Steps<number> {
  return (yield { sql, args, mode: 'count' }) as number;
}

/** The condition that a column has one of so many values. */
export function isOneOf(column: string, values: number): string {
  return values === 1 ? `${column} = ?` : `${column} IN (${Array(values).fill('?').join(', ')})`;
}

/** Locks the rows that a SELECT returns against changes by others, in the order in which it returns them. */
export function lockRows(sql: string, ...args: readonly Scalar[]): Step {
  return { sql, args, mode: 'lock' };
}

/** Locks a name in an org: calls that lock the same name run one after the other. */
export function lockKey(orgcode: string, ...name: readonly string[]): Step {
  return { sql: '', args: [orgcode, ...name], mode: 'lock-key' };
}

/** The locks that `make` returns; none where one writer sees all orgs, which would ignore them after all that work. */
export function locksFor(dialect: { readonly hasManyWriters: boolean }, make: () => readonly Step[]): readonly Step[] {
  return dialect.hasManyWriters ? make() : [];
}

/** Locks several names, sorted, so that no two calls wait for each other. */
export function* lockKeys(locks: readonly Step[]): Steps<void> {
  if (locks.length > 0) yield sortedLocks(locks);
}

/** Locks of names in the order of `lockKeys`, for a list of steps. */
export function sortedLocks(locks: readonly Step[]): readonly Step[] {
  const named = locks.map((lock) => ({ lock, name: String(lock.args) }));
  return named.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ lock }) => lock);
}

/** From here on the steps are about this org: for work that visits several orgs in one transaction. */
export function* enterOrg(orgcode: string): Steps<void> {
  yield enterOrgStep(orgcode);
}

/** `enterOrg` as a step of a list. */
export function enterOrgStep(orgcode: string): Step {
  return { sql: '', args: [orgcode], mode: 'enter-org' };
}

type Results<Parts extends readonly Steps<unknown>[]> = {
  [Index in keyof Parts]: Parts[Index] extends Steps<infer T> ? T : never;
};

/**
 * Runs independent steps, and returns their results in order. Where the engine is remote they share round trips. The
 * first error in their order is thrown, as if they had run one after the other.
 */
export function* together<Parts extends readonly Steps<unknown>[]>(...parts: Parts): Steps<Results<Parts>> {
  return (yield { mode: 'together', parts }) as Results<Parts>;
}

/**
 * Runs steps as `yield*` does. A driver takes them by themselves: what they yield does not pass through all of the callers,
 * each of which takes time. For a boundary that many steps cross.
 */
export function* apart<T>(steps: Steps<T>): Steps<T> {
  const [result] = yield* together(steps);
  return result;
}

/** Whether the handler needs the step's result before it can go on. */
export function isAwaited({ mode }: Step): boolean {
  return mode === 'one' || mode === 'all' || mode === 'count';
}

export function isTogether(yielded: Yielded): yielded is Together {
  return 'mode' in yielded && yielded.mode === 'together';
}
