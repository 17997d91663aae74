/** The `admin session` commands: sessions of users. */
import type { Command } from 'commander';
import { ConfigError } from '../config.js';
import { createSession } from '../store/administration.js';
import type { Steps } from '../store/engine/step.js';
import { onAdmin, rolesOption } from './admin-options.js';
import { type AdminFlags, administer } from './administer.js';
import { printRecord } from './output.js';

const DEFAULT_TTL_SECONDS = 3600;

interface CreateFlags extends AdminFlags {
  readonly user: string;
  readonly roles: string[];
  readonly owner: boolean;
  readonly ttl: number;
}

/** Adds `session create` to `admin`. */
export function addAdminSession(admin: Command): void {
  const session = admin.command('session').description('create sessions of users');
  onAdmin(session.command('create <orgcode>'))
    .description('create a session for a user')
    .requiredOption('--user <name>', 'name of the user, who is created if unknown')
    .addOption(rolesOption().default([]))
    .option('--owner', 'let the session pass every role check', false)
    .option('--ttl <seconds>', 'lifetime of the session, renewed whenever it is used', parseTtl, DEFAULT_TTL_SECONDS)
    .action(create);
}

function create(orgcode: string, { user, ttl: ttlSeconds, roles, owner, ...flags }: CreateFlags): Promise<void> {
  const grant = { roles, owner };
  return administer(flags, {}, async ({ cx, groups, inOrg }) => {
    const steps = () => createSession(cx, orgcode, user, grant, ttlSeconds) as Steps<object>;
    if (groups === undefined) return printRecord(await inOrg(orgcode, steps), flags);
    const { createSessionEverywhere } = await import('../store/groups/group-administration.js');
    printRecord(await createSessionEverywhere(groups, cx, { orgcode, user, grant, ttlSeconds }), flags);
  });
}

function parseTtl(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1) throw new ConfigError(`--ttl ${text} is not a number of seconds`);
  return seconds;
}
