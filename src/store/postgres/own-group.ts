/**
 * Which group a database is. Where several share the orgs, each knows its own name: so a server that knows of no groups
 * does not open it, and one whose list of groups is wrong does not mix them up.
 */
import { one, run, type Steps } from '../engine/step.js';
import { GROUPS_SCHEMA } from './migrations/migrate-postgres.js';
import { DatabaseServerError } from './server-error.js';

/** A name, the one with the directory, or any database at all. */
export type ExpectedGroup = { readonly name: string } | 'first' | 'any';

/** How servers call themselves in pg_stat_activity, before the name of their host: without groups, and with. */
export const SERVER_NAME = 'g3n-crm-mcp';
export const GROUPS_SERVER_NAME = 'g3n-crm-mcp-groups';

const OWN_GROUP = 'SELECT name FROM own_group LIMIT 1';
const ANY_GROUP = 'SELECT name FROM database_group LIMIT 1';
const NAME_IT = 'INSERT INTO own_group (name) VALUES (?)';
/** Older programs, which do not ask where an org is at home, open the database no more. */
const REFUSE_OLDER = `UPDATE schema_migration SET oldest_server = ? WHERE version = ? AND oldest_server < ?`;
const UNGROUPED_SERVERS = `SELECT COUNT(*) AS count FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE '${SERVER_NAME} %'`;

/** The name of the group that this database is; undefined where there are no groups. */
export function* ownGroup(): Steps<string | undefined> {
  return (yield* one<{ name: string }>(OWN_GROUP))?.name;
}

/** Makes the database a group. Programs that know of no groups refuse it from now on. */
export function* becomeGroup(name: string): Steps<void> {
  yield* run(NAME_IT, name);
  yield* run(REFUSE_OLDER, GROUPS_SCHEMA, GROUPS_SCHEMA, GROUPS_SCHEMA);
}

/** How many connections servers have that serve the database as the only one. */
export function* ungroupedConnections(): Steps<number> {
  return (yield* one<{ count: number }>(UNGROUPED_SERVERS))?.count ?? 0;
}

/** @throws DatabaseServerError when the database is another group than the expected one; undefined: no group. */
export function* requireGroup(expected: ExpectedGroup | undefined): Steps<void> {
  if (expected === 'any') return;
  const own = yield* ownGroup();
  if (expected === undefined) {
    if (own !== undefined) throw oneOfSeveral(own);
    return;
  }
  if (expected !== 'first') {
    if (own !== expected.name) throw otherGroup(expected.name, own);
    return;
  }
  if (own === undefined) throw noGroups();
  if ((yield* one(ANY_GROUP)) === undefined) throw notFirst(own);
}

function oneOfSeveral(own: string): DatabaseServerError {
  return new DatabaseServerError(
    `the database is one of several groups (${own}), which share the orgs among them`,
    'Name the file with the other groups by --groups or G3N_GROUPS.',
  );
}

function otherGroup(expected: string, own: string | undefined): DatabaseServerError {
  const found = own === undefined ? 'is no group' : `is the group ${own}`;
  return new DatabaseServerError(
    `the database of group ${expected} ${found}`,
    'Correct its URL in the file of --groups, or add it: g3n-crm-mcp admin groups add.',
  );
}

function noGroups(): DatabaseServerError {
  return new DatabaseServerError(
    '--groups is given, and the database of --db has no groups',
    'Leave out --groups and unset G3N_GROUPS, or make groups: g3n-crm-mcp admin groups init.',
  );
}

function notFirst(own: string): DatabaseServerError {
  return new DatabaseServerError(
    `the database of --db is the group ${own}, which does not have the directory`,
    'Name the first group by --db and the others in the file of --groups.',
  );
}
