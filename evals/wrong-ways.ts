/**
 * Wrong ways to do a task, derived from its solution or told by the task. The checker must reject each, and each must
 * have changed something, or answer something else.
 */
import { CONTRACT } from '../src/contract/generated/contract.js';
import type { Finish } from './check.js';
import type { Task, WrongWay } from './format.js';
import { type Answers, idOf, resolve } from './references.js';
import { Run } from './run.js';
import type { Shop } from './shop.js';
import { compare, findRow, type Snapshot } from './snapshot.js';
import { type Made, solve } from './solve.js';

/** How a wrong way was judged. */
export interface Verdict {
  /** `twice`, `other record`, `forbidden write`, `other value`, `answer`, `claim`, or the name the task gives it. */
  readonly kind: string;
  readonly told: boolean;
  /** What it did. */
  readonly what: string;
  readonly faults: readonly string[];
}

const EFFECTS = new Map(CONTRACT.operations.map(({ id, effect }) => [id, effect]));
const isWrite = (operation: string) => EFFECTS.get(operation) !== 'read';

/** What an agent that did all of the task would say. */
export function rightFinish(task: Task, names: Answers): Finish {
  const answer = task.answer === undefined ? {} : { answer: resolve(task.answer.is, names) };
  return { outcome: task.outcome, ...answer };
}

/** Tries every wrong way that can be derived or that the task tells. */
export async function tryWrongWays(task: Task, shop: Shop): Promise<readonly Verdict[]> {
  const ways = [
    ...task.wrong.map((way) => () => tell(task, shop, way)),
    () => twice(task, shop),
    () => forbidden(task, shop),
    () => otherRecord(task, shop),
    () => otherValue(task, shop),
    () => nothing(task, shop),
  ];
  const verdicts: Verdict[] = [];
  for (const way of ways) verdicts.push(...(await way()));
  return verdicts;
}

/** Runs work on a fresh start state. */
async function on<T>(task: Task, shop: Shop, work: (run: Run) => Promise<T>): Promise<T> {
  const run = await Run.open(task, shop);
  try {
    return await work(run);
  } finally {
    await run.close();
  }
}

/** Judges the state of a run whose last steps began at `from`. @returns nothing when those changed nothing */
function judge(run: Run, from: Snapshot, finish: Finish, way: Omit<Verdict, 'faults'>): readonly Verdict[] {
  if (compare(from, run.snapshot()).length === 0) return [];
  return [{ ...way, faults: run.faults(finish) }];
}

function tell(task: Task, shop: Shop, way: WrongWay): Promise<readonly Verdict[]> {
  return on(task, shop, async (run) => {
    const made = way.after ? await solve(run, task.solution) : [];
    const start = run.snapshot();
    await solve(run, way.calls, { earlier: made, knowsNames: true });
    const finish = { outcome: way.outcome, answer: resolve(way.answer, run.names) };
    const told = { kind: way.name, told: true, what: way.name };
    const changed = compare(start, run.snapshot()).length > 0;
    if (changed || way.calls.length === 0) return [{ ...told, faults: run.faults(finish) }];
    throw new Error(`the wrong way "${way.name}" of ${task.id} changes nothing`);
  });
}

/** Makes the last write that can be made again a second time. */
async function twice(task: Task, shop: Shop): Promise<readonly Verdict[]> {
  return on(task, shop, async (run) => {
    const made = await solve(run, task.solution);
    const start = run.snapshot();
    for (const { operation, args } of [...made].reverse().filter(succeeded)) {
      await again(run, operation, withNewKey(args));
      const what = `${operation} a second time`;
      const verdict = judge(run, start, rightFinish(task, run.names), { kind: 'twice', told: false, what });
      if (verdict.length > 0) return verdict;
    }
    return [];
  });
}

const succeeded = ({ operation, answer: { error } }: Made) =>
  isWrite(operation) && (error === undefined || error.error_code === 'lost');

/** Does the task, and something that nobody asked for. */
async function forbidden(task: Task, shop: Shop): Promise<readonly Verdict[]> {
  return on(task, shop, async (run) => {
    await solve(run, task.solution);
    const start = run.snapshot();
    for (const [operation, args] of extraWrites(task, run)) {
      for (const by of ['caller', 'owner'] as const) {
        const { error } = await run.call(`crm_${operation}`, args, by);
        const what = `${operation} besides`;
        if (error === undefined)
          return judge(run, start, rightFinish(task, run.names), { kind: 'forbidden write', told: false, what });
      }
    }
    return [];
  });
}

/** Writes that are always possible, in an order that differs from task to task. */
function extraWrites({ id }: Task, { names }: Run): readonly (readonly [string, object])[] {
  const customer_id = idOf(['sam', 'tom', 'dana', 'nina'][id.length % 4] as string, names);
  const writes = [
    ['loyalty_adjust', { customer_id, points: 10, reason: 'goodwill' }],
    ['customer_flag_set', { customer_id, flag: 'noted', active: true, reason: 'seen' }],
    ['giftcard_issue', { amount: 5, currency: 'USD', customer_id, reason: 'goodwill' }],
    ['customer_update', { customer_id, customer: { company: 'Changed' }, expected_revision: 1 }],
    ['inbox_create', { inbox: { caption: 'Look at this', org_wide: true } }],
  ] as const;
  const first = id.length % writes.length;
  return [...writes.slice(first), ...writes.slice(0, first)];
}

/** The calls of a solution that write, the last first. */
function writesOf({ solution }: Task): readonly number[] {
  return solution.flatMap(({ operation, fails }, index) => (isWrite(operation) && !fails ? [index] : [])).reverse();
}

/** Makes one of the writes to another record of the same kind. */
async function otherRecord(task: Task, shop: Shop): Promise<readonly Verdict[]> {
  for (const index of writesOf(task)) {
    const verdict = await on(task, shop, (run) => instead(task, run, index, 'other record', substitutes));
    if (verdict.length > 0) return verdict;
  }
  return [];
}

/** Arguments to take instead of the right ones. */
type Alternatives = (task: Task, run: Run, start: Snapshot, right: object) => readonly Substitute[];

/** Makes a call of the solution with the first alternative that has an effect, and then the rest of the solution. */
async function instead(
  task: Task,
  run: Run,
  index: number,
  kind: string,
  alternatives: Alternatives,
): Promise<readonly Verdict[]> {
  const made = await solve(run, task.solution.slice(0, index));
  const start = run.snapshot();
  const { operation, args } = task.solution[index] as Task['solution'][number];
  const right = resolve(args, numbered(made)) as object;
  for (const { changed, what } of alternatives(task, run, start, right).slice(0, MOST_ALTERNATIVES)) {
    await again(run, operation, withNewKey(changed));
    if (compare(start, run.snapshot()).length === 0) continue;
    await solve(run, task.solution.slice(index + 1), { tolerant: true, earlier: [...made, UNKNOWN] });
    return judge(run, start, rightFinish(task, run.names), { kind, told: false, what: `${operation}: ${what}` });
  }
  return [];
}

const UNKNOWN: Made = { operation: 'stat', args: {}, answer: { text: '', data: undefined, error: undefined } };
const MOST_ALTERNATIVES = 12;

const numbered = (made: readonly Made[]) =>
  new Map(
    made.map(({ answer: { data, error } }, index) => [String(index + 1), error === undefined ? data : { error }]),
  );

interface Substitute {
  readonly changed: object;
  readonly what: string;
}

/** The arguments with one id replaced by that of another record of its kind; decoys first. */
function substitutes(task: Task, run: Run, snapshot: Snapshot, args: object): readonly Substitute[] {
  const decoys = task.decoys.map((name) => idOf(name, run.names));
  return idsIn(args).flatMap((id) => {
    const table = findRow(snapshot, id)?.table;
    const rows = [...(snapshot.get(table ?? '') ?? [])].map(([key, row]) => ({ other: ownKey(key), row }));
    const kind = rows.find(({ other }) => other === id)?.row.kind;
    const rank = ({ other, row }: (typeof rows)[number]) => (decoys.includes(other) ? 0 : row.kind === kind ? 1 : 2);
    const others = rows.filter(({ other }) => other !== id).sort((a, b) => rank(a) - rank(b));
    return others.map(({ other }) => ({
      changed: JSON.parse(JSON.stringify(args).replaceAll(`"${id}"`, `"${other}"`)) as object,
      what: `${table} ${other} in place of ${id}`,
    }));
  });
}

const ownKey = (key: string) => (JSON.parse(key) as string[])[0] as string;

function idsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(idsIn) : [];
}

/** Does the task with another value in one of the writes: other points, another status, another address. */
async function otherValue(task: Task, shop: Shop): Promise<readonly Verdict[]> {
  for (const index of writesOf(task)) {
    const verdict = await on(task, shop, (run) => instead(task, run, index, 'other value', otherValues));
    if (verdict.length > 0) return verdict;
  }
  return [];
}

const STATES = [
  'granted',
  'denied',
  'active',
  'suspended',
  'inactive',
  'hidden',
  'revoked',
  'closed',
  'doomed',
  'read',
];
const MORE_STATES = ['acknowledged', 'confirmed', 'released', 'open', 'pending', 'exempt'];
const others = (value: string) => [...STATES, ...MORE_STATES].filter((state) => state !== value);
const withMore = (value: number) => [Math.abs(value) > 20 ? value + 10 : value + 1];
const withX = (value: string | null) => [value === null ? 'X' : `X${value}`];

/** Cards of the shop. */
const CODES = ['LENACARD40AA', 'MAPLE7500001', 'EUROCARD3000'];

/** Other values of the arguments that every task fixes. */
const OTHER: { readonly [name: string]: (value: never) => readonly unknown[] } = {
  code: (value: string) => CODES.filter((code) => code !== value),
  points: withMore,
  amount: withMore,
  credit_limit: withMore,
  net_days: withMore,
  active: (value: boolean) => [!value],
  is_primary: (value: boolean) => [!value],
  credit_hold: (value: boolean) => [!value],
  status: others,
  state: others,
  resolution: others,
  priority: (value: string) => (value === 'low' ? ['high'] : ['low']),
  phone: (value: string) => [`${value.slice(0, -2)}${value.endsWith('98') ? '97' : '98'}`],
  ...Object.fromEntries(
    ['email', 'line1', 'company', 'flag', 'legal_name', 'certificate_number', 'team_guid'].map((name) => [name, withX]),
  ),
};

function otherValues(_task: Task, _run: Run, _start: Snapshot, args: object): readonly Substitute[] {
  const { amount, allow_partial: partial = false } = args as { amount?: unknown; allow_partial?: boolean };
  const found = variants(args) as { readonly amount?: unknown }[];
  const kept = partial ? found.filter((one) => one.amount === amount) : found; // more than there is takes the same
  return kept.map((changed) => ({ changed, what: JSON.stringify(changed) }));
}

/** The object with one of its values replaced, in every way that `OTHER` knows. */
function variants(value: object): readonly object[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const isConsent = ['granted', 'denied', 'withdrawn'].includes(inner as string);
    const other = isConsent ? (state: never) => (state === 'granted' ? ['denied'] : ['granted']) : OTHER[name];
    if (other !== undefined && (typeof inner !== 'object' || inner === null))
      return other(inner as never).map((one) => ({ ...value, [name]: one }));
    if (typeof inner !== 'object' || inner === null) return [];
    const within = variants(inner);
    return within.map((one) => ({ ...value, [name]: Array.isArray(inner) ? Object.values(one) : one }));
  });
}

/** Does nothing and says it is done; and does it all and answers something else. */
async function nothing(task: Task, shop: Shop): Promise<readonly Verdict[]> {
  const idle = await on(task, shop, async (run) => [
    { kind: 'claim', told: false, what: 'says it is done', faults: run.faults({ outcome: 'done' }) },
  ]);
  if (task.answer === undefined) return idle;
  const { is } = task.answer;
  const answered = await on(task, shop, async (run) => {
    await solve(run, task.solution);
    const answer = otherAnswer(resolve(is, run.names));
    const what = `answers ${JSON.stringify(answer)}`;
    return [{ kind: 'answer', told: false, what, faults: run.faults({ outcome: 'done', answer }) }];
  });
  return [...idle, ...answered];
}

function otherAnswer(right: unknown): unknown {
  if (typeof right === 'number') return right + 1;
  if (typeof right === 'boolean') return !right;
  if (Array.isArray(right)) return right.length === 0 ? ['something'] : right.slice(1);
  return `not ${JSON.stringify(right)}`;
}

let keys = 0;

/** With the old key nothing would happen again. */
function withNewKey(args: object): object {
  keys += 1;
  return 'idempotency_key' in args ? { ...args, idempotency_key: `again-${keys}` } : args;
}

/** Makes a call, once more with the revision that the record has if that is what is wrong. */
async function again(run: Run, operation: string, args: object): Promise<void> {
  const { error } = await run.call(`crm_${operation}`, args);
  const current = error?.details?.current_revision;
  if (current !== undefined && error?.error_code === 'crm.conflict_revision')
    await run.call(`crm_${operation}`, { ...args, expected_revision: current });
}
