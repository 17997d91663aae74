/** The `admin user` commands: users, and what they may do in which org. */
import type { Command } from 'commander';
import { ConfigError } from '../config.js';
import { joinPages, type PageRequest } from '../store/admin/list-page.js';
import {
  findUser,
  type ListedUser,
  listUsers,
  membershipsOf,
  type ShownMembership,
  setUserRoles,
  setUserStatus,
} from '../store/admin/user-list.js';
import { AdminError } from '../store/administration.js';
import { onAdmin, onList, orgOption, pageFrom, rolesOption } from './admin-options.js';
import { type AdminFlags, type Administration, administer } from './administer.js';
import { printRecord, printRows } from './output.js';

/** Adds `user list|show|disable|enable|set-roles` to `admin`. */
export function addAdminUser(admin: Command): void {
  const user = admin.command('user').description('list users, and change what they may do');
  onList(user.command('list'))
    .description('list users, newest first')
    .addOption(orgOption('only members of this org'))
    .action(list);
  onAdmin(user.command('show <name>')).description('show a user and the orgs of the user').action(show);
  for (const [command, status, does] of [
    ['disable', 'suspended', 'no session of the user gets into the org any more'],
    ['enable', 'active', 'let a disabled user in again'],
  ] as const) {
    onAdmin(user.command(`${command} <name>`))
      .description(`${does}, at once in every process`)
      .addOption(orgOption('in this org alone (default: in all orgs of the user)'))
      .action((name: string, flags: AdminFlags & { org?: string }) => setStatus(name, status, flags));
  }
  onAdmin(user.command('set-roles <name>'))
    .description('replace the roles of a user in an org')
    .addOption(orgOption('the org').makeOptionMandatory())
    .addOption(rolesOption())
    .option('--no-roles', 'take all roles')
    .option('--owner', 'let the user pass every role check', false)
    .action(setRoles);
}

function list({ org, ...flags }: AdminFlags & PageRequest & { org?: string }): Promise<void> {
  return administer(flags, { readOnly: true }, async ({ readAll, readOrg }) => {
    const read = () => listUsers(org, pageFrom(flags));
    const pages = org === undefined ? await readAll(read) : [await readOrg(org, read)];
    const { rows, next } = joinPages<ListedUser>(pages, 'principal_id', flags.limit);
    printRows({ name: 'users', rows, columns: ['name', 'created_at', 'principal_id'], more: { next } }, flags);
  });
}

function show(name: string, flags: AdminFlags): Promise<void> {
  return administer(flags, { readOnly: true }, async (administration) => {
    const { user, orgs } = await found(administration, name);
    printRecord({ ...user, actor: `user_guid:${user.principal_id}`, orgs }, flags);
  });
}

function setStatus(
  name: string,
  status: ShownMembership['status'],
  { org, ...flags }: AdminFlags & { org?: string },
): Promise<void> {
  return administer(flags, {}, async (administration) => {
    const { cx, inOrg } = administration;
    const orgs = org === undefined ? (await found(administration, name)).orgs.map(({ orgcode }) => orgcode) : [org];
    if (orgs.length === 0) throw new AdminError('that user is in no org');
    const rows = [];
    for (const orgcode of orgs) rows.push(await inOrg(orgcode, () => setUserStatus(cx, orgcode, name, status)));
    printRows({ name: 'orgs', rows }, flags);
  });
}

interface RoleFlags extends AdminFlags {
  readonly org: string;
  readonly roles?: string[] | boolean;
  readonly owner: boolean;
}

function setRoles(name: string, { org, roles, owner, ...flags }: RoleFlags): Promise<void> {
  const given = Array.isArray(roles) ? roles : [];
  if (given.length === 0 && !owner && roles !== false)
    throw new ConfigError('give --roles, --owner, or --no-roles to take all roles');
  return administer(flags, {}, async ({ cx, inOrg }) => {
    printRecord(await inOrg(org, () => setUserRoles(cx, org, name, { roles: given, owner })), flags);
  });
}

/** A user, and the orgs of the user in all groups. @throws AdminError when there is no such user */
async function found({ store, readAll }: Administration, name: string) {
  const user = await store.driver.read(() => findUser(name));
  const orgs = await readAll(function* (isHome) {
    return (yield* membershipsOf(user.principal_id)).filter(({ orgcode }) => isHome(orgcode));
  });
  return { user, orgs: orgs.flat() };
}
