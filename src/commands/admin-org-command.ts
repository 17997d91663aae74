/** The `admin org` commands. */
import { type Command, Option } from 'commander';
import { ConfigError } from '../config.js';
import type { OrgStatus } from '../contract/backend.js';
import { createOrg, setOrgStatus } from '../store/administration.js';
import type { GroupedStore } from '../store/groups/grouped-store.js';
import { onAdmin } from './admin-options.js';
import { type AdminFlags, administer } from './administer.js';
import { printRecord } from './output.js';

interface NewOrg extends AdminFlags {
  readonly unverified: boolean;
  readonly group?: string;
}

/** Adds `org create|set` to `admin`. */
export function addAdminOrg(admin: Command): void {
  const org = admin.command('org').description('create an org or set its status');
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
}

function create(orgcode: string, { unverified, group, ...flags }: NewOrg): Promise<void> {
  const status = unverified ? 'unverified' : 'verified';
  return administer(flags, { mayCreate: true }, async ({ cx, store, groups }) => {
    if (groups === undefined) {
      if (group !== undefined) throw new ConfigError('--group needs --groups: the database is the only one');
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
