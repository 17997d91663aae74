/** Runs trials of tasks with a model, keeps what happened, and sums up. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTRACT } from '../src/contract/generated/contract.js';
import type { ConfirmMode } from '../src/mcp/confirmation.js';
import { type AgentLimits, type AgentResult, work } from './agent.js';
import { operationsOf, type Task } from './format.js';
import type { SendToModel } from './models/model.js';
import { type Mode, Run } from './run.js';
import { openShop, type Shop } from './shop.js';

export interface TrialOptions {
  readonly model: string;
  readonly mode: Mode;
  readonly trials: number;
  readonly confirm: ConfirmMode;
  readonly limits: AgentLimits;
  /** The directory of the results. */
  readonly directory: string;
  readonly send: SendToModel;
  /** Default: one that is made for these trials. */
  readonly shop?: Shop;
  /** Called after each trial. */
  readonly onTrial?: (trial: Trial) => void;
}

export interface Trial {
  readonly task: string;
  readonly trial: number;
  readonly passed: boolean;
  readonly faults: readonly string[];
  readonly ended: AgentResult['ended'];
  readonly problem?: string | undefined;
  readonly toolCalls: number;
  /** How often the server asked the user, who agreed. */
  readonly approvals: number;
  readonly tokens: AgentResult['usage'];
  readonly ms: number;
}

export interface Summary {
  readonly model: string;
  readonly mode: Mode;
  readonly trials: number;
  readonly tasks: number;
  /** The share of trials that passed. */
  readonly pass_at_1: number;
  /** For each k: the share of tasks of which k trials, taken at random, all pass. */
  readonly pass_hat_k: readonly number[];
  readonly by_file: readonly Group[];
  readonly by_trap: readonly Group[];
  readonly tokens: AgentResult['usage'];
  readonly ended: { readonly [how: string]: number };
}

export interface Group {
  readonly name: string;
  readonly tasks: number;
  readonly pass_at_1: number;
}

/** Runs all trials, one after the other, and writes `summary.json` beside their transcripts and databases. */
export async function runTrials(tasks: readonly Task[], options: TrialOptions): Promise<Summary> {
  const { directory, trials: count, onTrial } = options;
  mkdirSync(directory, { recursive: true });
  const shop = options.shop ?? (await openShop(tasks.map(({ role }) => role)));
  const trials: Trial[] = [];
  try {
    for (const task of tasks) {
      for (let trial = 1; trial <= count; trial += 1) {
        const name = join(directory, `${task.id.replace('/', '.')}.${trial}`);
        let approvals = 0;
        const run = await Run.open(task, shop, {
          mode: options.mode,
          toolsets: familiesOf(task),
          confirm: options.confirm,
          onQuestion: () => {
            approvals += 1;
          },
          path: `${name}.db`,
        });
        const started = performance.now();
        const result = await work(run, task, options.send, options.limits);
        const ms = Math.round(performance.now() - started);
        const faults = result.finish === undefined ? [`not finished: ${result.ended}`] : run.faults(result.finish);
        await run.close();
        const { ended, problem, toolCalls, usage: tokens, finish, system, turns } = result;
        const passed = faults.length === 0;
        const done = { task: task.id, trial, passed, faults, ended, problem, toolCalls, approvals, tokens, ms };
        writeFileSync(`${name}.json`, `${JSON.stringify({ ...done, finish, system, turns }, undefined, 1)}\n`);
        trials.push(done);
        onTrial?.(done);
      }
    }
  } finally {
    if (options.shop === undefined) shop.close();
  }
  const summary = sumUp(tasks, trials, options);
  writeFileSync(join(directory, 'summary.json'), `${JSON.stringify({ ...summary, all: trials }, undefined, 1)}\n`);
  return summary;
}

/** The families whose tools a task needs. */
export function familiesOf(task: Task): readonly string[] {
  const needed = operationsOf(task);
  const families = CONTRACT.operations.filter(({ id }) => needed.includes(id)).map(({ family }) => family);
  return [...new Set(families)];
}

function sumUp(tasks: readonly Task[], all: readonly Trial[], { model, mode, trials }: TrialOptions): Summary {
  const passes = new Map(tasks.map(({ id }) => [id, all.filter(({ task, passed }) => task === id && passed).length]));
  const groups = (namesOf: (task: Task) => readonly string[]): Group[] =>
    [...new Set(tasks.flatMap(namesOf))].sort().map((name) => {
      const own = tasks.filter((task) => namesOf(task).includes(name)).map(({ id }) => passes.get(id) ?? 0);
      return { name, tasks: own.length, pass_at_1: mean(own.map((count) => count / trials)) };
    });
  const counts = [...passes.values()];
  return {
    model,
    mode,
    trials,
    tasks: tasks.length,
    pass_at_1: mean(counts.map((count) => count / trials)),
    pass_hat_k: Array.from({ length: trials }, (_, index) => mean(counts.map((c) => allPass(c, trials, index + 1)))),
    by_file: groups(({ file }) => [file]),
    by_trap: groups(({ traps }) => traps),
    tokens: {
      input: all.reduce((sum, { tokens }) => sum + tokens.input, 0),
      output: all.reduce((sum, { tokens }) => sum + tokens.output, 0),
    },
    ended: Object.fromEntries(
      [...new Set(all.map(({ ended }) => ended))].map((how) => [how, all.filter(({ ended }) => ended === how).length]),
    ),
  };
}

/** The chance that k of n trials, of which c passed, all passed: C(c, k) / C(n, k). */
export function allPass(c: number, n: number, k: number): number {
  let chance = 1;
  for (let index = 0; index < k; index += 1) chance *= Math.max(0, c - index) / (n - index);
  return chance;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
