/** Runs the calls of a solution, or of a wrong way, through MCP. */
import type { Step } from './format.js';
import { resolve, UnknownReference } from './references.js';
import type { Mode, Run, ToolAnswer } from './run.js';

/** A call as it was made. */
export interface Made {
  readonly operation: string;
  readonly args: object;
  readonly answer: ToolAnswer;
}

export interface SolveOptions {
  readonly mode?: Mode;
  /** Changes the arguments of a call. */
  readonly change?: (index: number, operation: string, args: object) => object;
  /** Goes on after a call that does not do what the task says, or whose references lead nowhere. */
  readonly tolerant?: boolean;
  /** The answers of earlier calls, to which the numbers of these add up. */
  readonly earlier?: readonly Made[];
  /** Whether calls may name records of the shop. */
  readonly knowsNames?: boolean;
}

/** A call that did not do what the task says. */
export class SolutionError extends Error {}

/** Makes the calls one after the other. @throws SolutionError, UnknownReference */
export async function solve(run: Run, steps: readonly Step[], options: SolveOptions = {}): Promise<readonly Made[]> {
  const { change = (_index, _operation, args) => args, tolerant = false, earlier = [], knowsNames = false } = options;
  const made: Made[] = [...earlier];
  for (const [index, step] of steps.entries()) {
    try {
      const args = change(index, step.operation, resolve(step.args, answersOf(run, made, knowsNames)) as object);
      const answer = await callOperation(run, step, args, options.mode);
      made.push({ operation: step.operation, args, answer });
      const code = answer.error?.error_code;
      if (!tolerant && code !== step.fails && code !== 'lost')
        throw new SolutionError(`call ${index + 1}, ${step.operation}: ${answer.text}`);
    } catch (error) {
      if (!tolerant || !(error instanceof UnknownReference)) throw error;
    }
  }
  return made.slice(earlier.length);
}

function callOperation(run: Run, { operation, by }: Step, args: object, mode: Mode = 'full'): Promise<ToolAnswer> {
  const name = `crm_${operation}`;
  if (mode === 'lean') return run.call('crm_call', { operation: name, arguments: args }, by);
  return run.call(name, args, by);
}

/** What calls before have answered, by number; a refused one as `{error}`. */
function answersOf(run: Run, made: readonly Made[], knowsNames: boolean): ReadonlyMap<string, unknown> {
  const numbered = made.map(({ answer }, index) => {
    const value = answer.error === undefined ? answer.data : { error: answer.error };
    return [String(index + 1), value] as const;
  });
  return new Map([...(knowsNames ? run.names : []), ...numbered]);
}
