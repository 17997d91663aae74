/** Judges a finished task by the state of the database: each difference is wanted, follows from one, or is a fault. */
import type { Effect, Task } from './format.js';
import { answers, matches } from './matchers.js';
import { type Answers, idOf, resolve } from './references.js';
import type { Difference, Row, Snapshot } from './snapshot.js';
import { compare, findRow } from './snapshot.js';

/** What an agent says at the end. */
export interface Finish {
  readonly outcome: 'done' | 'refused';
  readonly answer?: unknown;
}

/** What was found at the end of a task. */
export interface Outcome {
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** The records of the start state, by name. */
  readonly names: Answers;
  readonly finish: Finish;
}

/** What is wrong, or nothing. */
export function faultsOf(task: Task, outcome: Outcome): readonly string[] {
  let left = compare(outcome.before, outcome.after);
  const claims: Claim[] = [];
  const missing: string[] = [];
  for (const effect of task.effects) {
    const found = 'added' in effect ? findAdded(effect, left, outcome) : findChanged(effect, left, outcome);
    const wanted = 'added' in effect ? effect.count : 1;
    if (found.length < wanted && !(effect.optional && found.length === 0)) missing.push(JSON.stringify(effect));
    left = left.filter((difference) => !found.includes(difference));
    claims.push(...found.map((difference) => ({ effect, difference })));
  }
  const unexpected = left.filter((difference) => !claims.some((by) => follows(difference, by)));
  return [
    ...missing.map((effect) => `missing: ${effect}`),
    ...unexpected.map((difference) => `unexpected: ${describe(difference)}`),
    ...finishFaults(task, outcome),
  ];
}

/** A difference that an effect explains. */
interface Claim {
  readonly effect: Effect;
  readonly difference: Difference;
}

type Differences = readonly Difference[];

function findAdded(effect: Extract<Effect, { added: string }>, left: Differences, { names }: Outcome): Differences {
  const wanted = resolve(effect.with, names);
  return left
    .filter(({ table, before, after }) => table === effect.added && before === undefined && matches(after, wanted))
    .slice(0, effect.count);
}

function findChanged(
  effect: Extract<Effect, { changed: string }>,
  left: Differences,
  { names, before }: Outcome,
): Differences {
  const place = findRow(before, idOf(effect.changed, names));
  const to = resolve(effect.to, names) as Row;
  return left.filter(
    ({ table, key, after, columns }) =>
      table === place?.table &&
      key === place.key &&
      columns.every((column) => column in to || effect.cascade) &&
      matches(after, to),
  );
}

/** Columns of an owner that a ledger keeps, by the ledger's table. */
const OWNERS: { readonly [ledger: string]: { readonly table: string; readonly columns: readonly string[] } } = {
  giftcard_txn: { table: 'giftcard', columns: ['balance_minor', 'status'] },
  account_credit_txn: { table: 'account', columns: ['credit_used_minor'] },
  customer_consent_history: { table: 'customer', columns: ['consents', 'profile_access'] },
};

/** Whether the store makes a change by itself when it makes the other. */
function follows(difference: Difference, { effect, difference: cause }: Claim): boolean {
  const row = (difference.after ?? difference.before) as Row;
  const by = cause.after as Row;
  const same = (column: string) => row[column] === by[column];
  if ('cascade' in effect && effect.cascade) return mentions(difference, JSON.parse(cause.key) as string[]);
  const owner = OWNERS[cause.table];
  if (owner?.table === difference.table && same(`${owner.table}_id`))
    return difference.before !== undefined && difference.columns.every((column) => owner.columns.includes(column));
  switch (cause.table) {
    case 'loyalty_txn':
      if (['loyalty_account', 'loyalty_lot'].includes(difference.table)) return same('customer_id');
      return difference.table === 'loyalty_txn' && row.kind === 'expire' && same('customer_id');
    case 'giftcard':
      return difference.table === 'giftcard_txn' && row.kind === 'issue' && same('giftcard_id');
    case 'customer_consent_history':
      return difference.table === 'customer_consent' && same('customer_id');
    case 'comment':
      return cause.before === undefined && difference.table === 'comment_revision' && same('comment_id');
    case 'customer_merge':
      return mentions(difference, [String(by.customer_id), ...(JSON.parse(String(by.merge_customer_ids)) as string[])]);
    default:
      return false;
  }
}

/** Whether the row belonged to one of these records, or does now. */
function mentions({ before, after }: Difference, ids: readonly string[]): boolean {
  return [...Object.values(before ?? {}), ...Object.values(after ?? {})].some((value) => ids.includes(String(value)));
}

function finishFaults({ outcome, answer }: Task, { finish, names }: Outcome): string[] {
  if (outcome === 'refused') return finish.outcome === 'refused' ? [] : ['it should have been refused'];
  if (answer === undefined) return [];
  const expected = resolve(answer.is, names);
  if (finish.outcome === 'done' && answers(finish.answer, expected)) return [];
  return [`the answer is ${JSON.stringify(finish.answer)}, not ${JSON.stringify(expected)}`];
}

function describe({ table, key, before, after, columns }: Difference): string {
  if (before === undefined) return `new row in ${table}: ${JSON.stringify(after)}`;
  if (after === undefined) return `row deleted in ${table}: ${JSON.stringify(before)}`;
  const changes = columns.map(
    (column) => `${column} ${JSON.stringify(before[column])} → ${JSON.stringify(after[column])}`,
  );
  return `${table} ${key}: ${changes.join(', ')}`;
}
