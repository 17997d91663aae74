/** `npm run evals`: gives the tasks to a model and prints how many it does well. */
import { join } from 'node:path';
import { loadTasks } from './load-tasks.js';
import { createAnthropic } from './models/anthropic.js';
import { createOpenAi } from './models/openai.js';
import { fits, OptionError, readOptions, USAGE } from './options.js';
import { type Group, runTrials, type Summary, type Trial } from './trials.js';

const RESULTS = 'evals/results';

/** Runs the program. Returns its exit code: 0 when all trials were run, however many passed. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv, print: (text: string) => void) {
  if (args.includes('--help')) return done(print, USAGE, 0);
  if (args.includes('--list'))
    return done(
      print,
      `${loadTasks()
        .map(({ id }) => id)
        .join('\n')}\n`,
      0,
    );
  try {
    const options = readOptions(args, env);
    const tasks = loadTasks().filter(({ id }) => fits(id, options.tasks));
    if (tasks.length === 0) throw new OptionError(`no task fits ${options.tasks.join(', ')}; --list prints them`);
    const { baseUrl, key, model, api, mode, trials, confirm, turns, deadlineMs } = options;
    const send = (api === 'openai' ? createOpenAi : createAnthropic)({ baseUrl, key, model });
    const directory = options.out ?? join(RESULTS, `${timestamp()}-${model.replace(/[^\w.-]+/g, '-')}`);
    const limits = { turns, deadlineMs };
    const onTrial = (trial: Trial) => print(line(trial));
    const summary = await runTrials(tasks, { model, mode, trials, confirm, limits, directory, send, onTrial });
    return done(print, `${table(summary)}\nTranscripts, databases and summary.json: ${directory}\n`, 0);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return done(print, `${error.message}\n\n${USAGE}`, 2);
  }
}

function done(print: (text: string) => void, text: string, code: number): number {
  print(text);
  return code;
}

const timestamp = () => new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function line({ task, trial, passed, faults, problem, tokens }: Trial): string {
  const cost = `${tokens.input} + ${tokens.output} tokens`;
  return `${passed ? 'pass' : 'FAIL'} ${task} #${trial} (${cost})${passed ? '' : `: ${problem ?? faults[0]}`}\n`;
}

function table({
  model,
  mode,
  tasks,
  trials,
  pass_at_1,
  pass_hat_k,
  by_file,
  by_trap,
  tokens,
  ended,
}: Summary): string {
  const hats = pass_hat_k.map((share, index) => `pass^${index + 1} ${percent(share)}`);
  const endings = Object.entries(ended).map(([how, count]) => `${how} ${count}`);
  return [
    '',
    `${model}, ${mode}: ${tasks} tasks, ${trials} trials each`,
    `pass@1 ${percent(pass_at_1)}   ${hats.join('   ')}`,
    `tokens: ${tokens.input} in, ${tokens.output} out   ended: ${endings.join(', ')}`,
    ...groupLines('file', by_file),
    ...groupLines('trap', by_trap),
    '',
  ].join('\n');
}

function groupLines(title: string, groups: readonly Group[]): string[] {
  return [
    '',
    `${title.padEnd(20)} tasks  pass@1`,
    ...groups.map(
      ({ name, tasks, pass_at_1 }) => `${name.padEnd(20)} ${String(tasks).padStart(5)}  ${percent(pass_at_1)}`,
    ),
  ];
}

if (process.argv[1]?.endsWith('evals/main.ts') === true)
  process.exitCode = await main(process.argv.slice(2), process.env, (text) => void process.stdout.write(text));
