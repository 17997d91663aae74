/** Writes the tables of docs/evals.md: the tasks by family and trap, and what they cost in tokens. */
import { type Cost, measureCosts, type TaskCost, total } from '../evals/cost.js';
import type { Task } from '../evals/format.js';
import { loadTasks } from '../evals/load-tasks.js';
import { table } from './markdown-table.js';

const GENERATED = /^<!-- (tasks|costs): written by `npm run generate` -->\n.*?^<!-- end -->$/gms;
const MODES = ['full', 'toolsets', 'lean'] as const;

/** docs/evals.md with current tables. @throws Error when it has no lines that mark where they go. */
export async function withEvalTables(document: string): Promise<string> {
  const tasks = loadTasks();
  const parts: { readonly [name: string]: string } = {
    tasks: taskTables(tasks),
    costs: costTables(await measureCosts(tasks)),
  };
  let count = 0;
  const filled = document.replace(GENERATED, (_whole, name: string) => {
    count += 1;
    return `<!-- ${name}: written by \`npm run generate\` -->\n\n${parts[name]}\n\n<!-- end -->`;
  });
  if (count !== 2) throw new Error('docs/evals.md must have a line that starts each table, and one that ends it');
  return filled;
}

function taskTables(tasks: readonly Task[]): string {
  const count = (fits: (task: Task) => boolean) => String(tasks.filter(fits).length);
  const files = [...new Set(tasks.map(({ file }) => file))];
  const traps = [...new Set(tasks.flatMap((task) => task.traps))].sort();
  const fileRows = files.map((name) => [
    `\`${name}\``,
    count(({ file }) => file === name),
    count(({ file, outcome }) => file === name && outcome === 'refused'),
    count(({ file, answer }) => file === name && answer !== undefined),
  ]);
  const all = [
    'all',
    count(() => true),
    count(({ outcome }) => outcome === 'refused'),
    count(({ answer }) => answer !== undefined),
  ];
  return [
    table(['file', 'tasks', 'to refuse', 'with an answer'], [...fileRows, all]),
    '',
    table(
      ['trap', 'tasks'],
      traps.map((trap) => [trap, count((task) => task.traps.includes(trap))]),
    ),
  ].join('\n');
}

function costTables(costs: readonly TaskCost[]): string {
  const mean = (of: (cost: TaskCost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  const share = (mode: (typeof MODES)[number]) => mean(({ modes }) => total(modes[mode]) / total(modes.full));
  const rows = MODES.map((mode) => [
    mode,
    ...(['list', 'calls', 'results'] as const).map((part: keyof Cost) =>
      tokens(mean(({ modes }) => modes[mode][part])),
    ),
    tokens(mean(({ modes }) => total(modes[mode]))),
    percent(share(mode)),
    percent(Math.max(...costs.map(({ modes }) => total(modes[mode]) / total(modes.full)))),
  ]);
  return table(['mode', 'list', 'calls', 'results', 'total', 'share of full, mean', 'worst task'], rows);
}

const tokens = (value: number) => Math.round(value).toLocaleString('en-US');
const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
