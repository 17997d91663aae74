/** What a task costs a model in tokens, by its solution: the list of tools, the calls, and the answers. */
import { CONTRACT } from '../src/contract/generated/contract.js';
import { estimateTokens } from '../src/tools/token-estimate.js';
import { operationsOf, type Task } from './format.js';
import { type Mode, Run, type Tool } from './run.js';
import { openShop, type Shop } from './shop.js';
import { type Made, solve } from './solve.js';
import { familiesOf } from './trials.js';

export interface Cost {
  /** The list of tools and the server's instructions, once. */
  readonly list: number;
  readonly calls: number;
  readonly results: number;
}

export interface TaskCost {
  readonly task: string;
  readonly modes: Readonly<Record<Mode, Cost>>;
}

export const total = ({ list, calls, results }: Cost) => list + calls + results;

/** The costs of all tasks. */
export async function measureCosts(tasks: readonly Task[]): Promise<readonly TaskCost[]> {
  const shop = await openShop(tasks.map(({ role }) => role));
  const known = new Map<string, Promise<Cost>>();
  const once = (key: string, measure: () => Promise<Cost>) => {
    const cost = known.get(key) ?? measure();
    known.set(key, cost);
    return cost;
  };
  const costs: TaskCost[] = [];
  try {
    for (const task of tasks) costs.push({ task: task.id, modes: await costOf(task, shop, once) });
  } finally {
    shop.close();
  }
  return costs;
}

type Once = (key: string, measure: () => Promise<Cost>) => Promise<Cost>;

async function costOf(task: Task, shop: Shop, once: Once): Promise<TaskCost['modes']> {
  const made = await onRun(task, shop, 'full', (run) => solve(run, task.solution));
  const direct = sum(made.map((call) => callCost(`crm_${call.operation}`, call.args, call)));
  const lean = sum(
    made.map((call) => callCost('crm_call', { operation: `crm_${call.operation}`, arguments: call.args }, call)),
  );
  const listOf = (mode: Mode, toolsets = '') =>
    once(`${mode} ${toolsets} ${task.role} ${task.context}`, () => onRun(task, shop, mode, listCost));
  const lookUps = operationsOf(task).map((operation) =>
    once(`look up ${operation} ${task.role} ${task.context}`, () => onRun(task, shop, 'lean', lookUp(operation))),
  );
  return {
    full: sum([await listOf('full'), direct]),
    toolsets: sum([await listOf('toolsets', familiesOf(task).join()), direct]),
    lean: sum([await listOf('lean'), ...(await Promise.all(lookUps)), lean]),
  };
}

async function onRun<T>(task: Task, shop: Shop, mode: Mode, work: (run: Run) => Promise<T>): Promise<T> {
  const run = await Run.open(task, shop, { mode, toolsets: familiesOf(task) });
  try {
    return await work(run);
  } finally {
    await run.close();
  }
}

async function listCost(run: Run): Promise<Cost> {
  const list = (await run.tools()).map(({ name, description, inputSchema }: Tool) => ({
    name,
    description,
    inputSchema,
  }));
  return { list: tokensOf(JSON.stringify(list)) + tokensOf(await run.instructions()), calls: 0, results: 0 };
}

/** In lean mode an agent finds an operation and reads its description before it calls it for the first time. */
function lookUp(operation: string): (run: Run) => Promise<Cost> {
  const query = CONTRACT.operations.find(({ id }) => id === operation)?.summary ?? operation;
  const steps = [
    ['crm_find_operations', { query }],
    ['crm_describe_operation', { operation: `crm_${operation}` }],
  ] as const;
  return async (run) => {
    const costs: Cost[] = [];
    for (const [name, args] of steps) costs.push(callCost(name, args, { answer: await run.call(name, args) }));
    return sum(costs);
  };
}

function callCost(name: string, args: object, { answer }: Pick<Made, 'answer'>): Cost {
  return { list: 0, calls: tokensOf(JSON.stringify({ name, arguments: args })), results: tokensOf(answer.text) };
}

function sum(costs: readonly Cost[]): Cost {
  const add = (a: Cost, b: Cost) => ({
    list: a.list + b.list,
    calls: a.calls + b.calls,
    results: a.results + b.results,
  });
  return costs.reduce(add, { list: 0, calls: 0, results: 0 });
}

/** What is random in a text, as something fixed of the same form: the figures are then the same in every run. */
const RANDOM: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '0198aaaa-7a7a-7a7a-8a7a-0123456789ab'],
  [/\b[0-9a-f]{32}\b/g, '0af7651916cd43dd8448eb211c80319c'],
  [/(<\/?)\d{20}>/g, '$112345678901234567890>'],
  [/"next_token":"[^"]+"/g, '"next_token":"token"'],
  [/"(code|masked_code|pin)":"[^"]+"/g, '"$1":"ABCD2345EFGH6789"'],
];

/** The tokens of a text, about. */
export function tokensOf(text: string): number {
  return estimateTokens(RANDOM.reduce((changed, [pattern, fixed]) => changed.replace(pattern, fixed), text));
}
