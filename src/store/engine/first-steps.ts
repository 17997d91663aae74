/** Starts a handler before it is certain that it may run, so that its first reads share a round trip with others. */
import { type PlainSteps, plainSteps } from './side-by-side.js';
import type { Step, Steps } from './step.js';

/** Steps that have been started and wait for their first results. */
export interface Started<T> {
  /** The first steps, if they only read or lock: they may be run although the rest may never be. Else none. */
  readonly early: readonly Step[];
  /** Runs the rest. Takes the results of `early`. */
  finish(results: readonly unknown[]): Steps<T>;
}

const HARMLESS: ReadonlySet<Step['mode']> = new Set(['one', 'all', 'lock', 'lock-key']);

/** Starts the steps. @throws what they throw before they yield. */
export function start<T>(handler: Steps<T>): Started<T> {
  const steps = plainSteps(handler);
  const turn = steps.next();
  if (turn.done) return { early: [], finish: () => finished(turn.value) };
  const first = turn.value;
  const list: readonly Step[] = 'mode' in first ? [first] : first;
  if (!list.every(({ mode }) => HARMLESS.has(mode))) return { early: [], finish: () => from(steps, first) };
  return { early: list, finish: (results) => rest(steps, 'mode' in first ? results[0] : results) };
}

// biome-ignore lint/correctness/useYield: what has ended yields nothing more
function* finished<T>(value: T): Steps<T> {
  return value;
}

function* from<T>(steps: PlainSteps<T>, first: Step | readonly Step[]): Steps<T> {
  return yield* rest(steps, yield first);
}

function* rest<T>(steps: PlainSteps<T>, answer: unknown): Steps<T> {
  let turn = steps.next(answer);
  while (!turn.done) turn = steps.next(yield turn.value);
  return turn.value;
}
