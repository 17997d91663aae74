/** The options of `npm run evals`. The endpoint and its key come from the environment. */
import { parseArgs } from 'node:util';
import { type ConfirmMode, readConfirmMode } from '../src/mcp/confirmation.js';
import type { Mode } from './run.js';

export interface EvalOptions {
  readonly model: string;
  readonly api: 'openai' | 'anthropic';
  readonly baseUrl: string;
  readonly key: string;
  /** Patterns of task ids, in which * stands for anything. */
  readonly tasks: readonly string[];
  readonly trials: number;
  readonly mode: Mode;
  readonly confirm: ConfirmMode;
  readonly turns: number;
  readonly deadlineMs: number;
  readonly out: string | undefined;
}

/** What is wrong with the options. */
export class OptionError extends Error {}

export const USAGE = `npm run evals -- --model NAME [options]
  --model NAME       the model, as the endpoint names it
  --tasks GLOB       ids of tasks, such as 'loyalty-*' or 'risk/release-noah'; may be repeated. Default: all
  --trials N         trials of each task, 1 to 100. Default: 1
  --mode MODE        full, toolsets or lean. Default: full
  --confirm MODE     off, destructive, money=AMOUNT or all; a simulated user agrees. Default: off
  --turns N          replies of the model for a task, 1 to 200. Default: 30
  --deadline N       seconds for a task. Default: 300
  --out DIRECTORY    where results are kept. Default: evals/results/TIME-MODEL
  --list             print the tasks and end
Environment:
  EVALS_API          openai (chat completions) or anthropic (messages). Default: openai
  EVALS_BASE_URL     such as http://127.0.0.1:8000/v1; for anthropic without /v1
  EVALS_API_KEY      the key, if the endpoint needs one
`;

const MODES = ['full', 'toolsets', 'lean'] as const;

/** @throws OptionError */
export function readOptions(
  args: readonly string[],
  env: { readonly [name: string]: string | undefined },
): EvalOptions {
  const { values } = parse(args);
  const { model, mode = 'full' } = values;
  const { EVALS_API: api = 'openai', EVALS_BASE_URL: baseUrl, EVALS_API_KEY: key = '' } = env;
  if (model === undefined || model === '') throw new OptionError('name a model: --model NAME');
  if (api !== 'openai' && api !== 'anthropic') throw new OptionError('EVALS_API is openai or anthropic');
  if (baseUrl === undefined || !URL.canParse(baseUrl))
    throw new OptionError('EVALS_BASE_URL is the URL of the endpoint');
  const known = MODES.find((one) => one === mode);
  if (known === undefined) throw new OptionError(`--mode is one of ${MODES.join(', ')}`);
  return {
    model,
    api,
    baseUrl,
    key,
    tasks: values.tasks ?? ['*'],
    trials: integer('--trials', values.trials ?? '1', 100),
    mode: known,
    confirm: confirmMode(values.confirm ?? 'off'),
    turns: integer('--turns', values.turns ?? '30', 200),
    deadlineMs: integer('--deadline', values.deadline ?? '300', 86_400) * 1000,
    out: values.out,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ model: text, trials: text, mode: text, confirm: text, turns: text, deadline: text, out: text },
        tasks: { type: 'string', multiple: true },
      },
    });
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

function integer(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new OptionError(`${name} is a whole number from 1 to ${most}`);
}

function confirmMode(text: string): ConfirmMode {
  try {
    return readConfirmMode(text);
  } catch (error) {
    throw new OptionError(`--confirm ${(error as Error).message}`);
  }
}

/** Whether an id fits one of the patterns. */
export function fits(id: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(id);
  });
}
