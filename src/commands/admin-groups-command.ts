/** The `admin groups` commands: make groups of PostgreSQL databases that share the orgs among them, and list them. */
import type { Command } from 'commander';
import { ConfigError, type DatabaseFlags, type Environment, readEnvironment } from '../config.js';
import { CONTRACT } from '../contract/generated/contract.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import type { GroupedStore } from '../store/groups/grouped-store.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { createProgress } from '../terminal/progress.js';
import { print } from './output.js';
import { onDatabase } from './shared-options.js';

/** Adds the commands to `admin`. */
export function addAdminGroups(admin: Command): void {
  const groups = admin.command('groups').description('make groups of PostgreSQL databases that share the orgs');
  onDatabase(groups.command('init <name>'))
    .description('make the database, with its orgs, the first group, under this name; stop its servers first')
    .action(async (name: string, flags: DatabaseFlags) => {
      const { makeFirstGroup } = await import('../store/groups/make-groups.js');
      print(await makeFirstGroup(optionsOf(readEnvironment(process.env, flags)), name));
    });
  onDatabase(groups.command('add <name>'))
    .description('make the empty database that --groups has under this name another group')
    .action(async (name: string, flags: DatabaseFlags) => {
      const environment = readEnvironment(process.env, flags);
      const { addGroup } = await import('../store/groups/make-groups.js');
      print(await addGroup(optionsOf(environment), name, await urlOf(environment, name)));
    });
  onDatabase(groups.command('list'))
    .description('list the groups with the number of their orgs, and the orgs that are on their way')
    .action(async (flags: DatabaseFlags) => {
      const { listGroups } = await import('../store/groups/make-groups.js');
      await onGroups(flags, (store) => Promise.resolve(store.driver.read(listGroups)));
    });
  const org = admin.commands.find((command) => command.name() === 'org');
  if (org !== undefined) addMoveCommands(org);
}

interface MoveFlags extends DatabaseFlags {
  readonly to?: string;
  readonly abandon: boolean;
}

function addMoveCommands(org: Command): void {
  onDatabase(org.command('move <orgcode>'))
    .description('move an org to another group while calls go on; run it again to go on after an interruption')
    .option('--to <name>', 'the group to move it to')
    .option('--abandon', 'give the org back to its group instead, unless the other one has it already', false)
    .action(async (orgcode: string, { to, abandon, ...flags }: MoveFlags) => {
      if (abandon === (to !== undefined)) throw new ConfigError('give either --to with a group, or --abandon');
      const { abandonMove, moveOrg } = await import('../store/groups/move-org.js');
      await onGroups(flags, (store, onStep) =>
        to === undefined ? abandonMove(store, orgcode) : moveOrg({ store, orgcode, to, onStep }),
      );
    });
  onDatabase(org.command('forget <orgcode>'))
    .description('delete what is left of an org in a group that it was moved away from')
    .requiredOption('--group <name>', 'the group that it is gone from')
    .action(async (orgcode: string, { group, ...flags }: DatabaseFlags & { readonly group: string }) => {
      const { forgetOrg } = await import('../store/groups/forget-org.js');
      await onGroups(flags, (store, onStep) => forgetOrg(store, orgcode, group, onStep));
    });
}

/** Works on all groups, and prints the result. */
async function onGroups(
  flags: DatabaseFlags,
  work: (store: GroupedStore, onStep: (text: string) => void) => Promise<object>,
): Promise<void> {
  const environment = readEnvironment(process.env, flags);
  if (environment.groups === undefined) throw new ConfigError(NO_FILE);
  const log = createLog(environment.logLevel);
  const options = { database: environment.db ?? '', environment, log, asOwner: true };
  const store = (await openBackend(options)) as GroupedStore;
  const progress = createProgress(process.stderr, 'groups');
  try {
    print(await work(store, progress.step).finally(progress.done));
  } finally {
    await store.close();
  }
}

const NO_FILE = '--groups names the file with the URLs of the other groups: give it, or set G3N_GROUPS';

/** @throws ConfigError when the database is a file, or no key file is named. */
function optionsOf(environment: Environment) {
  const { db: url = '', keyFile: keyPath } = environment;
  if (!isPostgresUrl(url)) throw new ConfigError('groups are made of PostgreSQL databases: give a URL with --db');
  if (keyPath === undefined) throw new ConfigError('--key-file names the server key, which all groups share: give it');
  return { url, keyPath, roles: CONTRACT.roles, settings: environment, asOwner: true, onBackgroundError() {} };
}

/** @throws ConfigError when the file of `--groups` has no such group. */
async function urlOf({ groups }: Environment, name: string): Promise<string> {
  if (groups === undefined) throw new ConfigError(NO_FILE);
  const { readGroupsFile } = await import('../store/groups/groups-file.js');
  const url = readGroupsFile(groups).get(name);
  if (url === undefined) throw new ConfigError(`${groups} has no group ${name}: add its URL`);
  return url;
}
