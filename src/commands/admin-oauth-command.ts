/** The `admin oauth` commands: which org a tenant or a client of the identity provider belongs to. */
import type { Command } from 'commander';
import { ConfigError } from '../config.js';
import {
  addOAuthOrg,
  listOAuthOrgs,
  noteOAuthOrg,
  type OAuthOrgKind,
  oauthOrgOf,
  removeOAuthOrg,
} from '../store/admin/oauth-orgs.js';
import { AdminError, existingOrg } from '../store/administration.js';
import { onAdmin } from './admin-options.js';
import { type AdminFlags, administer } from './administer.js';
import { printRecord, printRows } from './output.js';

interface MapFlags extends AdminFlags {
  readonly tenant?: string;
  readonly client?: string;
}

/** Adds `oauth map list|add|remove` to `admin`. */
export function addAdminOAuth(admin: Command): void {
  const oauth = admin.command('oauth').description('OAuth: what access tokens of the identity provider mean here');
  const map = oauth.command('map').description('which org a tenant or a client of the identity provider belongs to');
  onAdmin(map.command('list')).description('list the mapped tenants and clients').action(list);
  withKey(onAdmin(map.command('add <orgcode>')))
    .description('map a tenant, or a client, to an org; in force at once in every process')
    .action(add);
  withKey(onAdmin(map.command('remove')))
    .description('map it no more: its tokens then belong to no org')
    .action(remove);
}

function withKey(command: Command): Command {
  return command
    .option('--tenant <value>', 'the value of the claim that --oauth-tenant-claim names')
    .option('--client <id>', 'the client id of the tokens');
}

function keyIn({ tenant, client }: MapFlags): { readonly kind: OAuthOrgKind; readonly value: string } {
  if (tenant !== undefined && client === undefined) return { kind: 'tenant', value: tenant };
  if (client !== undefined && tenant === undefined) return { kind: 'client', value: client };
  throw new ConfigError('give --tenant or --client');
}

function list(flags: AdminFlags): Promise<void> {
  return administer(flags, { readOnly: true }, async ({ store }) => {
    printRows({ name: 'oauth_orgs', rows: await store.driver.read(listOAuthOrgs) }, flags);
  });
}

/** The map is in the first group of several, and the journal of the org where it is at home. */
function add(orgcode: string, flags: MapFlags): Promise<void> {
  const { kind, value } = keyIn(flags);
  return administer(flags, {}, async ({ cx, store, readOrg, inOrg }) => {
    const code = await readOrg(orgcode, () => existingOrg(orgcode));
    const added = await store.driver.write({ steps: () => addOAuthOrg(cx, kind, value, code) });
    await inOrg(code, () => noteOAuthOrg(cx, code, { kind, value }));
    printRecord(added, flags);
  });
}

function remove(flags: MapFlags): Promise<void> {
  const { kind, value } = keyIn(flags);
  return administer(flags, {}, async ({ cx, store, inOrg }) => {
    const orgcode = await store.driver.read(() => oauthOrgOf(kind, value));
    if (orgcode === undefined) throw new AdminError(`that ${kind} is not mapped`);
    const removed = await store.driver.write({ steps: () => removeOAuthOrg(kind, value) });
    await inOrg(orgcode, () => noteOAuthOrg(cx, orgcode, { kind, value, isRemoved: true }));
    printRecord({ ...removed, removed: true }, flags);
  });
}
