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

/**
 * The body of a handler: yields steps, receives their results, returns a value. It does no I/O, reads no clock and
 * makes no random values. Steps yielded as a list are run in their order, in one round trip where the engine is remote.
 */
export type Steps<T> = Generator<Step | readonly Step[], T, unknown>;

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

/** Locks the rows that a SELECT returns against changes by others, in the order in which it returns them. */
export function lockRows(sql: string, ...args: readonly Scalar[]): Step {
  return { sql, args, mode: 'lock' };
}

/** Locks a name in an org: calls that lock the same name run one after the other. */
export function lockKey(orgcode: string, ...name: readonly string[]): Step {
  return { sql: '', args: [JSON.stringify([orgcode, ...name])], mode: 'lock-key' };
}

/** Locks several names, sorted, so that no two calls wait for each other. */
export function* lockKeys(locks: readonly Step[]): Steps<void> {
  if (locks.length > 0) yield [...locks].sort((a, b) => (String(a.args) < String(b.args) ? -1 : 1));
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

/** Whether the handler needs the step's result before it can go on. */
export function isAwaited({ mode }: Step): boolean {
  return mode === 'one' || mode === 'all' || mode === 'count';
}

interface Part {
  readonly steps: Steps<unknown>;
  /** The steps to send next; those that the part waits for come last. */
  pending: readonly Step[];
  /** The steps it waits for, as it yielded them; undefined when it has ended. */
  awaited?: Step | readonly Step[] | undefined;
  result?: unknown;
}

/**
 * Runs independent steps side by side, so that they share round trips, and returns their results in order. When one of
 * them throws, those before it are run to their end first: the first error in their order is thrown, as if they had run
 * one after the other.
 */
export function* together<Parts extends readonly Steps<unknown>[]>(...parts: Parts): Steps<Results<Parts>> {
  const running: Part[] = parts.map((steps) => ({ steps, pending: [] }));
  let thrown: { readonly error: unknown } | undefined;
  const advance = (part: Part, result: unknown): boolean => {
    try {
      takeTurn(part, result);
      return true;
    } catch (error) {
      thrown = { error };
      for (const later of running.splice(running.indexOf(part))) if (later !== part) later.steps.return(undefined);
      return false;
    }
  };
  for (const part of [...running]) if (!advance(part, undefined)) break;
  for (let open = running.filter(isOpen); open.length > 0; open = running.filter(isOpen)) {
    const results = (yield open.flatMap(({ pending }) => pending)) as unknown[];
    let end = 0;
    for (const part of open) {
      end += part.pending.length;
      if (!advance(part, isList(part.awaited) ? results.slice(end - part.awaited.length, end) : results[end - 1]))
        break;
    }
  }
  if (thrown !== undefined) throw thrown.error;
  return running.map(({ result }) => result) as Results<Parts>;
}

/** Runs a part until it waits for a result, or ends; what it does not wait for is sent with what it does. */
function takeTurn(part: Part, result: unknown): void {
  const pending: Step[] = [];
  part.pending = pending;
  if ('result' in part) return;
  let turn = part.steps.next(result);
  while (!turn.done) {
    const list: readonly Step[] = isList(turn.value) ? turn.value : [turn.value];
    pending.push(...list);
    part.awaited = turn.value;
    if (list.some(isAwaited)) return;
    turn = part.steps.next(isList(turn.value) ? list.map(() => undefined) : undefined);
  }
  part.result = turn.value;
}

function isList(steps: Step | readonly Step[] | undefined): steps is readonly Step[] {
  return Array.isArray(steps);
}

function isOpen({ pending }: Part): boolean {
  return pending.length > 0;
}
