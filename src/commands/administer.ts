/** Opens the database of an `admin` command, and does its work there, or in every group of databases. */
import { userInfo } from 'node:os';
import { type DatabaseFlags, readEnvironment } from '../config.js';
import { createIdMint } from '../ids.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import type { AdminContext } from '../store/administration.js';
import type { Driver } from '../store/engine/driver.js';
import type { Steps } from '../store/engine/step.js';
import type { GroupedStore } from '../store/groups/grouped-store.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import type { Store } from '../store/store.js';
import type { OutputFlags } from './output.js';
import { resolvedPath } from './shared-options.js';

export interface AdminFlags extends DatabaseFlags, OutputFlags {}

/** An open database, or groups of them. */
export interface Administration {
  readonly cx: AdminContext;
  readonly store: Store;
  /** The store, where several groups share the orgs. */
  readonly groups: GroupedStore | undefined;
  /** Changes one org, in the group where it is at home. @throws AdminError when there is none, or it is moving. */
  inOrg<T>(orgcode: string, steps: () => Steps<T>): Promise<T>;
  /** Reads one org, where it is at home. @throws AdminError when there is no such org. */
  readOrg<T>(orgcode: string, steps: () => Steps<T>): Promise<T>;
  /** Reads in the database, or in each group, in their order. */
  readAll<T>(steps: (isHome: IsHome, group: string | undefined) => Steps<T>): Promise<readonly T[]>;
  /** Changes the database, or each group. One after the other: an error leaves the later ones as they are. */
  changeAll<T>(steps: () => Steps<T>): Promise<readonly T[]>;
}

/** Whether an org is at home in the database that is read: an org on its way is in two of them. */
export type IsHome = (orgcode: string) => boolean;

export interface AdminOptions {
  /** Only read; a PostgreSQL database may then be a standby. */
  readonly readOnly?: boolean;
  /** Make the file when it is missing. */
  readonly mayCreate?: boolean;
}

/** Runs the work of a command. @throws DatabaseFileError when there is no database, unless it may be created. */
export async function administer<T>(
  flags: AdminFlags,
  { readOnly = false, mayCreate = false }: AdminOptions,
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  const environment = readEnvironment(process.env, flags);
  const database = resolvedPath(environment.db);
  const log = createLog(environment.logLevel);
  const onlyReads = readOnly && isPostgresUrl(database);
  const store = await openBackend({ database, environment, log, asOwner: true, readOnly: onlyReads, mayCreate });
  try {
    return await work(await administrationOf(store));
  } finally {
    await store.close();
  }
}

async function administrationOf(store: Store): Promise<Administration> {
  const now = new Date();
  const mint = createIdMint();
  const operator = { actor: operatorName(), journal: store.driver.dialect.journal };
  const cx = { keys: store.keys, now: now.toISOString(), newId: () => mint(now.getTime()), operator };
  return isGrouped(store) ? await onGroups(store, cx) : onOne(store, cx);
}

function onOne(store: Store, cx: AdminContext): Administration {
  const { driver } = store;
  return {
    cx,
    store,
    groups: undefined,
    inOrg: (_orgcode, steps) => driver.write({ steps }),
    readOrg: async (_orgcode, steps) => await driver.read(steps, { isLong: true }),
    readAll: async (steps) => [await driver.read(() => steps(() => true, undefined))],
    changeAll: async (steps) => [await driver.write({ steps })],
  };
}

async function onGroups(store: GroupedStore, cx: AdminContext): Promise<Administration> {
  const { administerAtHome, readAtHome } = await import('../store/groups/group-administration.js');
  const { allEntries } = await import('../store/groups/group-directory.js');
  const each = async <T>(work: (driver: Driver, group: string) => Promise<T> | T) => {
    const results: T[] = [];
    for (const [group, { driver }] of store.groups) results.push(await work(driver, group));
    return results;
  };
  return {
    cx,
    store,
    groups: store,
    inOrg: (orgcode, steps) => administerAtHome(store, orgcode, steps),
    readOrg: (orgcode, steps) => readAtHome(store, orgcode, steps),
    async readAll(steps) {
      const entries = await store.driver.read(allEntries);
      const homes = new Map(entries.map(({ orgcode, group_name }) => [orgcode, group_name]));
      return await each((driver, group) => driver.read(() => steps((orgcode) => homes.get(orgcode) === group, group)));
    },
    changeAll: (steps) => each((driver) => driver.write({ steps })),
  };
}

function isGrouped(store: Store): store is GroupedStore {
  return 'groups' in store;
}

/** `operator:` and the name of the operating system's user, which is all that a command knows of who runs it. */
export function operatorName(): string {
  return `operator:${userName()}`;
}

/** A user of a container may have a number and no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
