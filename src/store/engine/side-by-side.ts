/**
 * Runs independent steps side by side, for engines where a round trip costs more than a statement: what `together` yields
 * becomes lists of steps, each of which is one round trip.
 */
import { isAwaited, isTogether, type Step, type Steps } from './step.js';

/** Steps that yield nothing but steps and lists of them. */
export type PlainSteps<T> = Generator<Step | readonly Step[], T, unknown>;

/** The same steps, with independent ones side by side. */
export function* plainSteps<T>(steps: Steps<T>): PlainSteps<T> {
  let turn = steps.next();
  while (!turn.done) {
    if (!isTogether(turn.value)) {
      turn = steps.next(yield turn.value);
      continue;
    }
    let results: readonly unknown[];
    try {
      results = yield* sideBySide(turn.value.parts);
    } catch (error) {
      turn = steps.throw(error);
      continue;
    }
    turn = steps.next(results);
  }
  return turn.value;
}

interface Part {
  readonly steps: PlainSteps<unknown>;
  /** The steps to send next; those that the part waits for come last. */
  pending: readonly Step[];
  /** The steps it waits for, as it yielded them; undefined when it has ended. */
  awaited?: Step | readonly Step[] | undefined;
  result?: unknown;
}

/** Runs the parts side by side. When one throws, those before it are run to their end first. */
function* sideBySide(parts: readonly Steps<unknown>[]): PlainSteps<readonly unknown[]> {
  const running: Part[] = parts.map((steps) => ({ steps: plainSteps(steps), pending: [] }));
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
  return running.map(({ result }) => result);
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
