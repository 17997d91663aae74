/** The `admin key` commands: API keys of service accounts. */
import { type Command, Option } from 'commander';
import { ConfigError } from '../config.js';
import { type KeyView, listKeys, orgOfKey, rotateKey, showKey } from '../store/admin/key-list.js';
import { joinPages, type PageRequest } from '../store/admin/list-page.js';
import { AdminError, createKey, revokeKey } from '../store/administration.js';
import type { CredentialStatus } from '../store/credential-status.js';
import type { Steps } from '../store/engine/step.js';
import {
  expiryFrom,
  onAdmin,
  onList,
  orgOption,
  pageFrom,
  parseSpan,
  parseTime,
  rolesOption,
  type TimeFlag,
} from './admin-options.js';
import { type AdminFlags, type Administration, administer } from './administer.js';
import { printRecord, printRows } from './output.js';

const COLUMNS = ['fingerprint', 'orgcode', 'name', 'status', 'roles', 'owner', 'last_used_at', 'expires_at'];
const EXPIRES = 'when the key ends: a span such as 90d (m, h, d, w), or a date';

/** Adds `key list|show|create|rotate|revoke` to `admin`. */
export function addAdminKey(admin: Command): void {
  const key = admin.command('key').description('list, create, rotate and revoke API keys');
  addReading(key);
  onAdmin(key.command('create <orgcode>'))
    .description('create an API key, which is printed once')
    .addOption(rolesOption())
    .option('--no-roles', 'create a key that may do nothing but ask who it is')
    .option('--owner', 'let the key pass every role check', false)
    .option('--name <name>', 'label that says what the key is for', 'key')
    .addOption(new Option('--expires <when>', `${EXPIRES} (default: never)`).argParser(parseTime))
    .action(create);
  onAdmin(key.command('rotate <fingerprint>'))
    .description('replace a key by a new one with the same roles; the old one ends at once, or after --grace')
    .addOption(new Option('--grace <span>', 'how long the old key still works, as in 24h').argParser(parseSpan))
    .addOption(new Option('--expires <when>', `${EXPIRES} (default: the lifetime of the old key)`).argParser(parseTime))
    .action(rotate);
  onAdmin(key.command('revoke <fingerprint>'))
    .description('revoke the API key with this fingerprint, at once in every process')
    .action(revoke);
}

interface ListFlags extends AdminFlags, PageRequest {
  readonly org?: string;
  readonly unusedFor?: TimeFlag;
  readonly expired: boolean;
  readonly revoked: boolean;
}

function addReading(key: Command): void {
  onList(key.command('list'))
    .description('list API keys, newest first, without the keys')
    .addOption(orgOption('only keys of this org'))
    .addOption(
      new Option('--unused-for <span>', 'only active keys that were not used for so long').argParser(parseTime),
    )
    .addOption(new Option('--expired', 'only keys that have expired').default(false).conflicts('revoked'))
    .addOption(new Option('--revoked', 'only keys that were revoked').default(false))
    .action(list);
  onAdmin(key.command('show <fingerprint>'))
    .description('show an API key, without the key')
    .action((fingerprint: string, flags: AdminFlags) =>
      administer(flags, { readOnly: true }, async (administration) => {
        const { cx, readOrg } = administration;
        const org = await orgOf(administration, fingerprint);
        printRecord(await readOrg(org, () => showKey(cx.now, fingerprint)), flags);
      }),
    );
}

function list({ org: orgcode, unusedFor, expired, revoked, ...flags }: ListFlags): Promise<void> {
  return administer(flags, { readOnly: true }, async ({ cx: { now }, readAll }) => {
    const status: CredentialStatus | undefined = expired ? 'expired' : revoked ? 'revoked' : undefined;
    const filter = { orgcode, status, unusedSince: unusedFor?.(now, 'ago') };
    const pages = await readAll(function* (isHome) {
      const page = yield* listKeys(now, filter, pageFrom(flags));
      return { ...page, rows: page.rows.filter((row) => isHome(row.orgcode)) };
    });
    const { rows, next } = joinPages<KeyView>(pages, 'fingerprint', flags.limit);
    printRows({ name: 'keys', rows, columns: COLUMNS, more: { next } }, flags);
  });
}

interface CreateFlags extends AdminFlags {
  /** False: `--no-roles`. */
  readonly roles?: string[] | boolean;
  readonly owner: boolean;
  readonly name: string;
  readonly expires?: TimeFlag;
}

/** A key that may do nothing is a mistake more often than a wish. */
function create(orgcode: string, { roles, owner, name, expires, ...flags }: CreateFlags): Promise<void> {
  const given = Array.isArray(roles) ? roles : [];
  if (given.length === 0 && !owner && roles !== false)
    throw new ConfigError('a key without roles may do nothing: give --roles, --owner, or --no-roles if you mean it');
  return administer(flags, {}, async ({ cx, inOrg }) => {
    const expiresAt = expiryFrom(expires, cx.now);
    const grant = { roles: given, owner };
    const steps = () => createKey(cx, orgcode, name, grant, undefined, expiresAt) as Steps<object>;
    printRecord(await inOrg(orgcode, steps), flags);
  });
}

interface RotateFlags extends AdminFlags {
  readonly grace?: number;
  readonly expires?: TimeFlag;
}

function rotate(fingerprint: string, { grace = 0, expires, ...flags }: RotateFlags): Promise<void> {
  return administer(flags, {}, async (administration) => {
    const { cx, inOrg } = administration;
    const expiresAt = expires === undefined ? undefined : expiryFrom(expires, cx.now);
    const orgcode = await orgOf(administration, fingerprint);
    const steps = () => rotateKey(cx, fingerprint, { graceMs: grace, expiresAt }) as Steps<object>;
    printRecord(await inOrg(orgcode, steps), flags);
  });
}

/** In groups the key is first revoked in all of them: an org on its way has it in two, and takes no other change. */
function revoke(fingerprint: string, flags: AdminFlags): Promise<void> {
  return administer(flags, {}, async (administration) => {
    const { cx, groups, inOrg } = administration;
    if (groups !== undefined) {
      const { revokeKeyEverywhere } = await import('../store/groups/group-administration.js');
      await revokeKeyEverywhere(groups, withoutOperator(administration), fingerprint);
    }
    const orgcode = await orgOf(administration, fingerprint);
    printRecord(await inOrg(orgcode, () => revokeKey(cx, fingerprint) as Steps<object>), flags);
  });
}

/** What is done in several groups is journaled only where the org is at home. */
function withoutOperator({ cx: { operator: _, ...rest } }: Administration) {
  return rest;
}

/** The org of a key. @throws AdminError when no key has that fingerprint */
async function orgOf({ readAll }: Administration, fingerprint: string): Promise<string> {
  const orgs = await readAll(() => orgOfKey(fingerprint));
  const found = orgs.find((orgcode) => orgcode !== undefined);
  if (found === undefined) throw new AdminError(`no API key has the fingerprint ${fingerprint}`);
  return found;
}
