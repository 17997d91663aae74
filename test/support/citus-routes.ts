/**
 * Holds a statement to what Citus sends to one worker whole (`router` planning), judged by PostgreSQL's plan of it: it
 * reads and writes either tables that are distributed by org, or tables that stay on the coordinator; every place where
 * it reads a distributed table has the org as an argument; and all of these arguments are one org. Read in the source
 * of Citus 14 (commit a3d5708 of citusdata/citus):
 *
 * - local tables are not joined to distributed ones, and of the changes in a WITH, only UPDATE and DELETE are sent on
 *   (DeferErrorIfUnsupportedRouterPlannableSelectQuery, ErrorIfQueryHasUnroutableModifyingCTE and
 *   ModifyPartialQuerySupported in planner/multi_router_planner.c);
 * - what an INSERT … SELECT reads is a distributed table: of anything else, the rows are collected and then copied to
 *   the worker, by COPY, which row-level security forbids (planner/insert_select_planner.c).
 *
 * See also https://docs.citusdata.com/en/stable/develop/reference_sql.html and …/reference_workarounds.html.
 */
import { COORDINATOR_TABLES } from '../../src/store/postgres/distribution.js';

/** A node of EXPLAIN (FORMAT JSON). */
export interface RoutedPlan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly RoutedPlan[];
}

type Args = readonly unknown[];

const BY_ORG = /\borgcode = \(?\$(\d+)/g;

/** Why Citus would not send the statement to one worker; undefined when it would. */
export function unroutable(text: string, plan: RoutedPlan, args: Args): string | undefined {
  const nodes = nodesOf(plan);
  const tables = new Set(nodes.flatMap(({ 'Relation Name': name }) => (name === undefined ? [] : [name])));
  const distributed = [...tables].filter((name) => COORDINATOR_TABLES[name] === undefined);
  if (distributed.length === 0) return undefined;
  if (distributed.length < tables.size) return `joins ${[...tables].join(', ')}`;
  if (/^WITH\b.*\bAS \(INSERT\b/s.test(text)) return 'an INSERT in WITH';
  const places = [...insertedOrgs(text)];
  for (const node of nodes) {
    const found = readOrgs(node);
    if (found?.length === 0) return `${node['Node Type']} on ${node['Relation Name']} does not name the org`;
    places.push(...(found ?? []));
  }
  if (places.length === 0) return 'names no org';
  const orgs = new Set(places.map((place) => args[place - 1]));
  return orgs.size > 1 ? `names several orgs: ${[...orgs].join(', ')}` : undefined;
}

function nodesOf(plan: RoutedPlan): readonly RoutedPlan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** The arguments that a scan compares with the org; undefined for other nodes. */
function readOrgs(node: RoutedPlan): readonly number[] | undefined {
  if (node['Relation Name'] === undefined || !/Scan$/.test(node['Node Type'])) return undefined;
  const own = [node['Index Cond'], node.Filter];
  const below = node['Node Type'] === 'Bitmap Heap Scan' ? nodesOf(node).map((each) => each['Index Cond']) : [];
  return placesIn([...own, ...below]);
}

/** The arguments that an INSERT of values gives as the org, the first column of each row. */
function insertedOrgs(text: string): readonly number[] {
  const [, rows = ''] = /^INSERT INTO \w+\s+\(orgcode, [^)]*\)\s+VALUES (.*)/s.exec(text) ?? [];
  return places(rows, /(?:^|, )\(\$(\d+)/g);
}

function placesIn(conditions: readonly (string | undefined)[]): readonly number[] {
  return conditions.flatMap((condition) => places(condition ?? '', BY_ORG));
}

function places(text: string, pattern: RegExp): readonly number[] {
  return [...text.matchAll(pattern)].map(([, place]) => Number(place));
}
