/** Opens the groups of PostgreSQL that share the orgs among them, and the store over them. */
import { DatabaseFileError } from '../../database-file/open-error.js';
import { all } from '../engine/step.js';
import { findHome, isNotHome } from '../postgres/org-home.js';
import { ownGroup } from '../postgres/own-group.js';
import { openPostgresStore, type PostgresStore, type PostgresStoreOptions } from '../postgres-store.js';
import { allEntries, createDirectory, groupNames } from './group-directory.js';
import { GroupedStore } from './grouped-store.js';

/** The URLs of the groups but the first, by their names. Secret: they can hold passwords. */
export type GroupUrls = ReadonlyMap<string, string>;

export interface GroupedStoreOptions extends Omit<PostgresStoreOptions, 'group'> {
  readonly groups: GroupUrls;
}

/**
 * Opens all groups, one after the other, as each may have to be migrated; `url` is the first's.
 * @throws DatabaseFileError when the groups are not those of the directory, or one cannot be opened; it names that one.
 */
export async function openGroupedStore(options: GroupedStoreOptions): Promise<GroupedStore> {
  const { groups: urls, ...engine } = options;
  const onBackgroundError = (error: unknown) => {
    if (!isNotHome(error)) options.onBackgroundError(error); // the org has left meanwhile
  };
  const opened: PostgresStore[] = [];
  const open = async (url: string, group: NonNullable<PostgresStoreOptions['group']>) => {
    const store = await openPostgresStore({ ...engine, url, group, onBackgroundError });
    opened.push(store);
    return store;
  };
  try {
    const first = await open(engine.url, 'first');
    const own = (await first.driver.read(ownGroup)) ?? '';
    const stores = new Map([[own, first]]);
    for (const name of requireUrls(own, await first.driver.read(groupNames), urls)) {
      stores.set(name, await named(name, open(urls.get(name) ?? '', { name })));
    }
    await requireOneHome(stores);
    return new GroupedStore(stores, createDirectory(first.driver, await first.driver.read(allEntries)));
  } catch (error) {
    await Promise.all(opened.map((store) => store.close()));
    throw error;
  }
}

/** The names of the groups but the first. @throws DatabaseFileError when the URLs are not just those of them. */
function requireUrls(first: string, names: readonly string[], urls: GroupUrls): readonly string[] {
  const others = names.filter((name) => name !== first);
  const missing = others.filter((name) => !urls.has(name));
  const unknown = [...urls.keys()].filter((name) => !others.includes(name));
  if (missing.length > 0)
    throw new DatabaseFileError(
      `the file of --groups has no URL of the group ${missing.join(', ')}`,
      'Add it: {"name": "postgres://…", …}.',
    );
  if (unknown.length > 0)
    throw new DatabaseFileError(
      unknown.includes(first)
        ? `the file of --groups has the group ${first}, which --db names`
        : `the file of --groups has the group ${unknown.join(', ')}, which is in no directory`,
      'Remove it from the file, or add it to the directory: g3n-crm-mcp admin groups add.',
    );
  return others;
}

async function named<T>(group: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    if (!(error instanceof DatabaseFileError)) throw error;
    throw new DatabaseFileError(`group ${group}: ${error.problem}`, error.remedy, error.cause);
  }
}

const AT_HOME = `SELECT orgcode FROM org_home WHERE state IN ('home', 'leaving') ORDER BY orgcode`;

/** @throws DatabaseFileError when two groups would serve one org: one of them was restored from a backup. */
async function requireOneHome(stores: ReadonlyMap<string, PostgresStore>): Promise<void> {
  const homes = new Map<string, string>();
  for (const [name, { driver }] of stores) {
    for (const { orgcode } of await driver.read(() => all<{ orgcode: string }>(AT_HOME), { isLong: true })) {
      const other = homes.get(orgcode);
      // unless it has moved just now
      const home = other === undefined ? undefined : await stores.get(other)?.driver.read(() => findHome(orgcode));
      if (other !== undefined && (home?.state === 'home' || home?.state === 'leaving'))
        throw twoHomes(orgcode, other, name);
      homes.set(orgcode, name);
    }
  }
}

function twoHomes(orgcode: string, one: string, other: string): DatabaseFileError {
  return new DatabaseFileError(
    `the org ${orgcode} is at home in two groups, ${one} and ${other}`,
    'One of them was restored to a time before the org moved: see docs/postgres.md, "Groups".',
  );
}
