/** The `admin org` commands. */
import { type Command, Option } from 'commander';
import { ConfigError, readEnvironment } from '../config.js';
import type { OrgStatus } from '../contract/backend.js';
import { joinPages, type PageRequest } from '../store/admin/list-page.js';
import { type ListedOrg, listOrgs, showOrg } from '../store/admin/org-list.js';
import { AdminError, checkedOrgcode, createOrg, setOrgStatus } from '../store/administration.js';
import type { GroupedStore } from '../store/groups/grouped-store.js';
import { onAdmin, onList, pageFrom } from './admin-options.js';
import { type AdminFlags, administer } from './administer.js';
import { printRecord, printRows } from './output.js';

interface NewOrg extends AdminFlags {
  readonly unverified: boolean;
  readonly group?: string;
}

/** Adds `org list|show|create|set|suspend|verify` to `admin`. */
export function addAdminOrg(admin: Command): void {
  const org = admin.command('org').description('list orgs, create one or set its status');
  onList(org.command('list')).description('list orgs, newest first').action(list);
  onAdmin(org.command('show <orgcode>'))
    .description('show an org with the numbers of its customers, members, keys and sessions')
    .action(show);
  onAdmin(org.command('create <orgcode>'))
    .description('create an org')
    .option('--unverified', 'create the org as unverified: its data can be read but not written', false)
    .option('--group <name>', 'the group of databases that the org will be in, where there are several')
    .action(create);
  onAdmin(org.command('set <orgcode>'))
    .description('set the status of an org')
    .addOption(
      new Option('--status <status>', 'the new status')
        .choices(['verified', 'unverified', 'suspended'])
        .makeOptionMandatory(),
    )
    .action((orgcode: string, { status, ...flags }: AdminFlags & { status: OrgStatus }) =>
      setStatus(orgcode, status, flags),
    );
  for (const [command, status, does] of [
    ['suspend', 'suspended', 'the data of the org can be read and not written, at once in every process'],
    ['verify', 'verified', 'the data of the org can be read and written'],
  ] as const) {
    onAdmin(org.command(`${command} <orgcode>`))
      .description(does)
      .action((orgcode: string, flags: AdminFlags) => setStatus(orgcode, status, flags));
  }
}

function list(flags: AdminFlags & PageRequest): Promise<void> {
  return administer(flags, { readOnly: true }, async ({ readAll }) => {
    const pages = await readAll(function* (isHome, group) {
      const page = yield* listOrgs(pageFrom(flags));
      const rows = page.rows.filter(({ orgcode }) => isHome(orgcode));
      return { ...page, rows: group === undefined ? rows : rows.map((row) => ({ ...row, group })) };
    });
    const { rows, next } = joinPages<ListedOrg>(pages, 'orgcode', flags.limit);
    printRows({ name: 'orgs', rows, more: { next } }, flags);
  });
}

function show(orgcode: string, flags: AdminFlags): Promise<void> {
  const code = orgcode.trim().toUpperCase();
  return administer(flags, { readOnly: true }, async ({ cx, readAll }) => {
    const found = await readAll(function* (isHome, group) {
      return isHome(code) ? { ...(yield* showOrg(cx.now, code)), group } : undefined;
    });
    const org = found.find((each) => each !== undefined);
    if (org === undefined) throw new AdminError(`there is no org ${code}`);
    printRecord(org, flags);
  });
}

function create(orgcode: string, { unverified, group, ...flags }: NewOrg): Promise<void> {
  const status = unverified ? 'unverified' : 'verified';
  checkedOrgcode(orgcode); // before there is a file
  if (group !== undefined && readEnvironment(process.env, flags).groups === undefined)
    throw new ConfigError('--group needs --groups: the database is the only one');
  return administer(flags, { mayCreate: true }, async ({ cx, store, groups }) => {
    if (groups === undefined) {
      printRecord(await store.driver.write({ steps: () => createOrg(cx, orgcode, status) }), flags);
      return;
    }
    const { createOrgInGroup } = await import('../store/groups/group-administration.js');
    printRecord(await createOrgInGroup(groups, cx, orgcode, status, requiredGroup(groups, group)), flags);
  });
}

function setStatus(orgcode: string, status: OrgStatus, flags: AdminFlags): Promise<void> {
  return administer(flags, {}, async ({ cx, inOrg }) => {
    printRecord(await inOrg(orgcode, () => setOrgStatus(cx, orgcode, status)), flags);
  });
}

function requiredGroup(store: GroupedStore, group: string | undefined): string {
  if (group !== undefined) return group;
  throw new ConfigError(`--group names the group of the org: give one of ${[...store.groups.keys()].join(', ')}`);
}
