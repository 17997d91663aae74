/** The `admin` command: manages orgs, API keys and sessions of the embedded store, also while a server is running. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { openBackend } from '../application.js';
import { ConfigError, type DatabaseFlags, readEnvironment } from '../config.js';
import type { OrgStatus } from '../contract/backend.js';
import { CONTRACT } from '../contract/generated/contract.js';
import { createLog } from '../log.js';
import {
  type AdminContext,
  createKey,
  createOrg,
  createSession,
  revokeKey,
  setOrgStatus,
} from '../store/administration.js';
import type { Steps } from '../store/engine/step.js';
import type { GroupedStore } from '../store/groups/grouped-store.js';
import type { Store } from '../store/store.js';
import { print } from './output.js';
import { databasePath, onDatabase } from './shared-options.js';

const DEFAULT_TTL_SECONDS = 3600;

type NewOrg = { readonly unverified: boolean; readonly group?: string };
type Grant = { readonly roles: string[]; readonly owner: boolean };

/** Adds the `admin` command and its subcommands. Returns it, so that other files can add subcommands. */
export function addAdmin(program: Command): Command {
  const admin = program
    .command('admin')
    .description('manage orgs, API keys and sessions; safe while a server is running');
  addOrgCommands(admin.command('org').description('create an org or set its status'));
  addKeyCommands(admin.command('key').description('create or revoke API keys'));
  onDatabase(admin.command('session').description('create user sessions').command('create <orgcode>'))
    .description('create a session for a user')
    .requiredOption('--user <name>', 'name of the user, who is created if unknown')
    .option('--roles <roles>', 'comma-separated roles', parseRoles, [])
    .option('--owner', 'let the session pass every role check', false)
    .option('--ttl <seconds>', 'lifetime of the session, renewed whenever it is used', parseTtl, DEFAULT_TTL_SECONDS)
    .action(
      (orgcode: string, { user, ttl, roles, owner, ...flags }: Grant & DatabaseFlags & { user: string; ttl: number }) =>
        administer(
          flags,
          (cx) => createSession(cx, orgcode, user, { roles, owner }, ttl),
          ({ createSessionEverywhere }, store, cx) =>
            createSessionEverywhere(store, cx, { orgcode, user, grant: { roles, owner }, ttlSeconds: ttl }),
        ),
    );
  return admin;
}

function addOrgCommands(org: Command): void {
  onDatabase(org.command('create <orgcode>'))
    .description('create an org')
    .option('--unverified', 'create the org as unverified: its data can be read but not written', false)
    .option('--group <name>', 'the group of databases that the org will be in, where there are several')
    .action((orgcode: string, { unverified, group, ...flags }: DatabaseFlags & NewOrg) => {
      const status = unverified ? 'unverified' : 'verified';
      return administer(
        flags,
        (cx) => {
          if (group !== undefined) throw new ConfigError('--group needs --groups: the database is the only one');
          return createOrg(cx, orgcode, status);
        },
        ({ createOrgInGroup }, store, cx) => createOrgInGroup(store, cx, orgcode, status, requiredGroup(store, group)),
      );
    });
  onDatabase(org.command('set <orgcode>'))
    .description('set the status of an org')
    .addOption(
      new Option('--status <status>', 'the new status')
        .choices(['verified', 'unverified', 'suspended'])
        .makeOptionMandatory(),
    )
    .action((orgcode: string, { status, ...flags }: DatabaseFlags & { status: OrgStatus }) =>
      administerOrg(flags, orgcode, (cx) => setOrgStatus(cx, orgcode, status)),
    );
}

function addKeyCommands(key: Command): void {
  onDatabase(key.command('create <orgcode>'))
    .description('create an API key, which is printed once')
    .option('--roles <roles>', 'comma-separated roles', parseRoles, [])
    .option('--owner', 'let the key pass every role check', false)
    .option('--name <name>', 'label that says what the key is for', 'key')
    .action((orgcode: string, { name, roles, owner, ...flags }: Grant & DatabaseFlags & { name: string }) =>
      administerOrg(flags, orgcode, (cx) => createKey(cx, orgcode, name, { roles, owner })),
    );
  onDatabase(key.command('revoke <fingerprint>'))
    .description('revoke the API key with this fingerprint')
    .action((fingerprint: string, flags: DatabaseFlags) =>
      administer(
        flags,
        (cx) => revokeKey(cx, fingerprint),
        ({ revokeKeyEverywhere }, store, cx) => revokeKeyEverywhere(store, cx, fingerprint),
      ),
    );
}

type Groups = typeof import('../store/groups/group-administration.js');
type InGroups = (groups: Groups, store: GroupedStore, cx: AdminContext) => Promise<object>;

/** Does what belongs to one org, where there are groups in the group of the org. */
async function administerOrg(
  flags: DatabaseFlags,
  orgcode: string,
  steps: (cx: AdminContext) => Steps<object>,
): Promise<void> {
  await administer(flags, steps, ({ administerAtHome }, store, cx) =>
    administerAtHome(store, orgcode, () => steps(cx)),
  );
}

async function administer(
  flags: DatabaseFlags,
  steps: (cx: AdminContext) => Steps<object>,
  inGroups: InGroups,
): Promise<void> {
  const environment = readEnvironment(process.env, flags);
  const database = databasePath(environment.db);
  const store = await openBackend({ database, environment, log: createLog(environment.logLevel), asOwner: true });
  try {
    const { createIdMint } = await import('../ids.js');
    const now = new Date();
    const mint = createIdMint();
    const cx = { keys: store.keys, now: now.toISOString(), newId: () => mint(now.getTime()) };
    const done = isGrouped(store)
      ? inGroups(await import('../store/groups/group-administration.js'), store, cx)
      : store.driver.write({ steps: () => steps(cx) });
    print(await done);
  } finally {
    await store.close();
  }
}

function isGrouped(store: Store): store is GroupedStore {
  return 'groups' in store;
}

function requiredGroup(store: GroupedStore, group: string | undefined): string {
  if (group !== undefined) return group;
  throw new ConfigError(`--group names the group of the org: give one of ${[...store.groups.keys()].join(', ')}`);
}

function parseRoles(text: string): string[] {
  const known = new Set(Object.values(CONTRACT.roles).flat());
  const roles = text.split(',').filter((role) => role !== '');
  const wrong = roles.filter((role) => !known.has(role));
  if (wrong.length > 0) throw new ConfigError(`no such role: ${wrong.join(', ')}; there are ${[...known].join(', ')}`);
  return roles;
}

function parseTtl(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1) throw new ConfigError(`--ttl ${text} is not a number of seconds`);
  return seconds;
}
