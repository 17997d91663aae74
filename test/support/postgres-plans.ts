/**
 * Checks the plan of every statement that a test ran on PostgreSQL: it must find rows by org first, without a scan
 * (statements.ts checks SQLite), and Citus must be able to send it to one worker (citus-routes.ts). The plans are those
 * of a large database, and of a role that row-level security does not bind: a policy would add the org to a statement
 * that forgot it.
 */
import type pg from 'pg';
import type { Driver, Job, Scope } from '../../src/store/engine/driver.js';
import { plainSteps } from '../../src/store/engine/side-by-side.js';
import type { Scalar, Step, Steps } from '../../src/store/engine/step.js';
import { joinParts } from '../../src/store/postgres/join-statements.js';
import { partOf } from '../../src/store/postgres/statement-text.js';
import { type RoutedPlan, unroutable } from './citus-routes.js';
import { dropChecks, inOrg, insertPlainRows } from './plain-rows.js';
import { GLOBAL_TABLES } from './postgres-catalogue.js';
import { connectLazily, freshDatabase } from './postgres-database.js';

/** Finds the org of a statement that is part of an index condition, as its first column. */
const ORG_FIRST = /^\(*(?:\w+\.)?orgcode = /;
const ORG_ALONE = /^\((?:\w+\.)?orgcode = [^()]*(?:\([^()]*\))?[^()]*\)$/;

/** Statements by text, each with the arguments of one run. */
export type SeenStatements = ReadonlyMap<string, readonly Scalar[]>;

/** Statements that only run where Citus does not distribute the tables: there, DISTRIBUTED_SEARCH takes their place. */
const NOT_DISTRIBUTED = /^WITH added AS \(INSERT INTO \w+_search /;

/**
 * Collects what the driver is asked to run from now on, each step alone and joined as they are sent. Leaves out work
 * that may take long, such as `verify`.
 */
export function watchStatements(driver: Driver): SeenStatements {
  const seen = new Map<string, readonly Scalar[]>();
  const note = (steps: readonly Step[]) => {
    const parts = steps.filter(({ sql }) => sql !== '').map(partOf);
    for (const list of [parts, ...parts.map((part) => [part])])
      for (const { prepared, args } of joinParts(list).statements) seen.set(prepared.text, args);
  };
  function* watched<T>(handler: Steps<T>): Steps<T> {
    const steps = plainSteps(handler);
    let turn = steps.next();
    while (!turn.done) {
      note([turn.value].flat());
      turn = steps.next(yield turn.value);
    }
    return turn.value;
  }
  const { read, write } = driver;
  driver.read = <T>(steps: () => Steps<T>, scope?: Scope) =>
    read.call(driver, scope?.isLong ? steps : () => watched(steps()), scope) as Promise<T>;
  driver.write = <T>(job: Job<T>) => {
    const { steps, onError, rollBackAndRead } = job;
    const optional = <U>(more: Steps<U> | undefined) => (more === undefined ? undefined : watched(more));
    const watchedJob: Job<T> = {
      ...job,
      steps: () => watched(steps()),
      ...(onError === undefined ? {} : { onError: (error) => optional(onError(error)) }),
      ...(rollBackAndRead === undefined ? {} : { rollBackAndRead: (value) => optional(rollBackAndRead(value)) }),
    };
    return write.call(driver, (job.isLong ? job : watchedJob) as Job<unknown>) as Promise<T>;
  };
  return seen;
}

/** Plans do not depend on the world: each statement is explained once a process, in one database. */
const explained = new Set<string>();
let opened: Promise<pg.Client> | undefined;

/** @throws Error that names the statement whose plan does not search by org first, or that Citus would not route. */
export async function requireOrgFirstPlans(statements: SeenStatements): Promise<void> {
  for (const [text, args] of statements) {
    if (explained.has(text) || !/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/.test(text)) continue;
    explained.add(text);
    opened ??= openLargeDatabase();
    const plan = await planOf(await opened, text);
    const problem = problemOf(plan, false);
    if (problem !== undefined) throw new Error(`not org first: ${problem}\n${text}`);
    const unrouted = NOT_DISTRIBUTED.test(text) ? undefined : unroutable(text, plan, args);
    if (unrouted !== undefined) throw new Error(`Citus cannot route: ${unrouted}\n${text}`);
  }
}

/** A database that looks large to the planner: a row in each table, counted as a million. */
async function openLargeDatabase(): Promise<pg.Client> {
  const client = await connectLazily((await freshDatabase()).adminUrl).client();
  client.on('error', () => {}); // the database is dropped with the server
  await dropChecks(client);
  const ours = `relkind = 'r' AND relnamespace = current_schema()::regnamespace`;
  const { rows } = await client.query<{ name: string }>(`SELECT relname AS name FROM pg_class WHERE ${ours}`);
  const filled = rows.map(({ name }) => name).filter((name) => name !== 'schema_migration');
  await inOrg(client, 'ACME', () => insertPlainRows(client, filled, 'ACME'));
  await client.query(`UPDATE pg_class SET reltuples = 1000000, relpages = 1 WHERE ${ours}`);
  await client.query('SET enable_seqscan = off');
  await client.query('SET plan_cache_mode = force_generic_plan');
  return client;
}

async function planOf(client: pg.Client, text: string): Promise<RoutedPlan> {
  const parameters = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
  const values = parameters === 0 ? '' : `(${Array(parameters).fill('NULL').join(', ')})`;
  await client.query(`PREPARE law AS ${text}`);
  try {
    const { rows } = await client.query(`EXPLAIN (FORMAT JSON) EXECUTE law${values}`);
    return rows[0]['QUERY PLAN'][0].Plan;
  } finally {
    await client.query('DEALLOCATE law');
  }
}

/** Why a plan, or a part of it, is not by org. `limited`: its rows are read in order until there are enough. */
function problemOf(node: RoutedPlan, limited: boolean): string | undefined {
  const { 'Node Type': type, 'Relation Name': table = '', 'Index Cond': condition, Plans = [] } = node;
  const isScan = /Scan$/.test(type) && table !== '' && !(table in GLOBAL_TABLES);
  const how = isScan && Plans.length > 0 ? Plans.flatMap(conditionsOf) : [condition];
  for (const part of isScan ? how : []) {
    if (part === undefined || !ORG_FIRST.test(part))
      return `${type} on ${table} ${part ?? 'without an index condition'}`;
    if (ORG_ALONE.test(part) && !limited) return `${type} on ${table} reads the whole org`;
  }
  const below = type === 'Limit' || (limited && /^(Nested Loop|Subquery Scan|LockRows|Result)$/.test(type));
  for (const plan of isScan ? [] : Plans) {
    const problem = problemOf(plan, below);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The index conditions below a bitmap scan, which may join several. */
function conditionsOf({ 'Index Cond': condition, Plans }: RoutedPlan): readonly (string | undefined)[] {
  return Plans === undefined ? [condition] : Plans.flatMap(conditionsOf);
}
