/** Makes groups: the first of a single database, and others of empty ones. Lists them with their orgs. */
import { AdminError } from '../administration.js';
import { all, one, type Steps } from '../engine/step.js';
import { setHome } from '../postgres/org-home.js';
import { becomeGroup, ownGroup, ungroupedConnections } from '../postgres/own-group.js';
import { openPostgresStore, type PostgresStore, type PostgresStoreOptions } from '../postgres-store.js';
import { insertRows, sharedRows } from './group-administration.js';
import { addEntry, addGroupName, allEntries, groupNames } from './group-directory.js';
import { requireGroupName } from './groups-file.js';

type Options = Omit<PostgresStoreOptions, 'group'>;

/**
 * Makes a database, with its orgs, the first group; no server may work on it meanwhile.
 * @throws AdminError when it is a group already, or servers are connected; DatabaseFileError as `openPostgresStore`.
 */
export async function makeFirstGroup(options: Options, name: string): Promise<object> {
  requireGroupName(name);
  return await withDatabase(options, async ({ driver }) => {
    const steps = function* (): Steps<object> {
      const own = yield* ownGroup();
      if (own !== undefined) throw new AdminError(`the database is the group ${own} already`);
      yield* requireNoServer();
      const orgs = yield* all<{ orgcode: string }>('SELECT orgcode FROM org ORDER BY orgcode');
      yield* becomeGroup(name);
      yield* addGroupName(name, new Date().toISOString());
      for (const { orgcode } of orgs) {
        yield* setHome(orgcode, 1, 'home');
        yield* addEntry(orgcode, name);
      }
      return { group: name, orgs: orgs.length };
    };
    return await driver.write({ steps, isLong: true });
  });
}

/**
 * Makes an empty database another group, with the users and sessions of the first. Run again, it goes on.
 * @throws AdminError when it has orgs or is another group.
 */
export async function addGroup(first: Options, name: string, url: string): Promise<object> {
  requireGroupName(name);
  const openedFirst = await openPostgresStore({ ...first, group: 'first' });
  try {
    if ((await openedFirst.driver.read(ownGroup)) === name) throw new AdminError(`the group ${name} is the first one`);
    const shared = await openedFirst.driver.read(sharedRows, { isLong: true });
    await withDatabase({ ...first, url }, async ({ driver }) => {
      const steps = function* (): Steps<void> {
        const own = yield* ownGroup();
        if (own !== undefined && own !== name) throw new AdminError(`the database is the group ${own} already`);
        if (own === undefined) {
          yield* requireEmpty();
          yield* becomeGroup(name);
        }
        for (const [table, rows] of shared) yield* insertRows(table, rows);
      };
      await driver.write({ steps, isLong: true });
    });
    const now = new Date().toISOString();
    await openedFirst.driver.write({ steps: () => addGroupName(name, now) });
    return { group: name, groups: await openedFirst.driver.read(groupNames) };
  } finally {
    await openedFirst.close();
  }
}

/** The groups with the number of their orgs, and the orgs that are on their way. */
export function* listGroups(): Steps<object> {
  const entries = yield* allEntries();
  const groups = (yield* groupNames()).map((name) => ({
    group: name,
    orgs: entries.filter(({ group_name }) => group_name === name).length,
  }));
  const moving = entries
    .filter(({ state }) => state !== 'home')
    .map(({ orgcode, group_name, state, to_group }) => ({ orgcode, group: group_name, state, to: to_group }));
  return { groups, moving };
}

async function withDatabase<T>(options: Options, work: (store: PostgresStore) => Promise<T>): Promise<T> {
  const store = await openPostgresStore({ ...options, group: 'any' });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function* requireNoServer(): Steps<void> {
  const connections = yield* ungroupedConnections();
  if (connections > 0)
    throw new AdminError(
      `servers are connected to the database (${connections} connections): stop them, and start them with --groups afterwards`,
    );
}

function* requireEmpty(): Steps<void> {
  const filled = ['org', 'principal', 'session', 'api_key'].map((table) => `SELECT 1 AS found FROM ${table}`);
  const found = yield* one(`SELECT found FROM (${filled.join(' UNION ALL ')}) r LIMIT 1`);
  if (found !== undefined)
    throw new AdminError('the database has orgs or users: add an empty one, and move orgs into it');
}
