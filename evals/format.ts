/** The format of a task file: the one definition of what a task may say. See README.md. */
import { z } from 'zod';

/** A record of the shop, or of `given`, by the name it has there. */
const NAME = /^[a-z][a-z0-9_]*$/;
const name = z.string().regex(NAME, 'is a name: lower-case letters, digits, _');
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'is a time such as 2026-06-13T15:00:00Z');
const code = z.string().regex(/^crm\.[a-z_]+$/, 'is an error code such as crm.forbidden');
const values = z.record(z.string(), z.unknown());

/** How a call is made, besides its operation and arguments. */
const OPTIONS = {
  /** Remembers what the call answers under this name. */
  as: name.optional(),
  /** The call must be refused with this error. */
  fails: code.optional(),
  /** When a call of the start state was made. Default: in order, on the day before. */
  at: time.optional(),
  /** Whose key makes it. Default: the shop's owner in a start state, the caller of the task elsewhere. */
  by: z.enum(['owner', 'caller']).optional(),
};

export interface Step {
  readonly operation: string;
  readonly args: { readonly [name: string]: unknown };
  readonly as?: string | undefined;
  readonly fails?: string | undefined;
  readonly at?: string | undefined;
  readonly by?: 'owner' | 'caller' | undefined;
}

const options = z.strictObject(OPTIONS);

/** `operation_id: {arguments}`, and any of the options beside it. */
export const step = z.record(z.string(), z.unknown()).transform((entry, cx): Step => {
  const [operation, ...others] = Object.keys(entry).filter((key) => !(key in OPTIONS));
  const problem = (message: string) => {
    cx.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (operation === undefined) return problem('names no operation');
  if (others.length > 0) return problem(`names several operations, or an unknown option: ${others.join(', ')}`);
  const args = values.safeParse(entry[operation] ?? {});
  if (!args.success) return problem(`the arguments of ${operation} are no object`);
  const { [operation]: _, ...rest } = entry;
  const parsed = options.safeParse(rest);
  if (!parsed.success) return problem(parsed.error.issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return { operation, args: args.data, ...parsed.data };
});

const steps = z.array(step);

/** A change that the task asks for, or allows. Every other difference between before and after is a fault. */
const effect = z.union([
  z.strictObject({
    /** New rows of this table. */
    added: z.string(),
    /** What each of them holds, by column. */
    with: values.default({}),
    count: z.number().int().min(1).default(1),
    /** May be missing. */
    optional: z.boolean().default(false),
  }),
  z.strictObject({
    /** The record that changes: a name, or a reference to an id. */
    changed: z.string(),
    /** All of its columns that change, with their values after. */
    to: values,
    optional: z.boolean().default(false),
    /** Rows that belong to the record may change with it: it was merged or erased. */
    cascade: z.boolean().default(false),
  }),
]);
export type Effect = z.infer<typeof effect>;

const wrong = z.strictObject({
  /** What is wrong about it. */
  name: z.string().min(3),
  calls: steps.default([]),
  /** The calls come after those of the solution, instead of in their place. */
  after: z.boolean().default(false),
  answer: z.unknown().optional(),
  outcome: z.enum(['done', 'refused']).default('done'),
});
export type WrongWay = z.infer<typeof wrong>;

export const TRAPS = [
  'namesake',
  'duplicate',
  'hold',
  'expired',
  'retry',
  'stale',
  'injection',
  'role',
  'currency',
  'masked',
  'merged',
  'limit',
  'final',
  'ambiguous',
  'consent',
  'paging',
] as const;

const task = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9-]+$/),
    /** What a member of staff says. */
    request: z.string().min(10).max(600),
    /** The roles of the caller, joined by +, or owner. */
    role: z.string(),
    traps: z.array(z.enum(TRAPS)).default([]),
    /** The connection sets facility and channel. Default: it does; otherwise the request must tell them. */
    context: z.boolean().default(true),
    /** Calls that make the start state, after those of the shop. */
    given: steps.default([]),
    /** Calls of somebody else, right before the agent's first call of an operation. */
    meanwhile: z.strictObject({ before: z.string(), calls: steps.min(1) }).optional(),
    /** The answer of the first call of this operation that has an effect is lost. */
    lost: z.string().optional(),
    solution: steps,
    /** How the caller would say each step of the solution, by its operation: what an agent searches a tool with. */
    queries: z.record(z.string(), z.string().min(5)).default({}),
    /** `refused`: the right thing is to leave it, because of a rule, a role or a question that is open. */
    outcome: z.enum(['done', 'refused']).default('done'),
    /** What the agent must answer, and in which form. */
    answer: z.strictObject({ is: z.unknown(), as: z.string().min(3) }).optional(),
    effects: z.array(effect).default([]),
    /** Records that a wrong agent would take instead: first choice when wrong ways are derived. */
    decoys: z.array(name).default([]),
    wrong: z.array(wrong).default([]),
  })
  .superRefine(({ outcome, answer, effects, solution, queries }, cx) => {
    const issue = (message: string) => cx.addIssue({ code: 'custom', message });
    const needed = operationsOf({ solution });
    for (const id of needed) if (queries[id] === undefined) issue(`has no query for ${id}`);
    for (const id of Object.keys(queries)) if (!needed.includes(id)) issue(`has a query for ${id}, but no call`);
    if (outcome === 'refused' && effects.some(({ optional }) => !optional)) issue('a refused task has no effects');
    if (outcome === 'done' && effects.length === 0 && answer === undefined)
      issue('a task without effects has an answer, or is refused');
    if (solution.some(({ as }) => as !== undefined)) issue('calls of a solution have numbers, not names');
  });

export const taskFile = z.strictObject({ tasks: z.array(task).min(1) });

export interface Task extends z.infer<typeof task> {
  /** The name of its file. */
  readonly file: string;
}

/** The operations that a task needs, in the order of its solution. */
export function operationsOf({ solution }: Pick<Task, 'solution'>): readonly string[] {
  return [...new Set(solution.map(({ operation }) => operation))];
}
