/** The `admin session` commands: sessions of users. */
import type { Command } from 'commander';
import { ConfigError } from '../config.js';
import { joinPages, type PageRequest } from '../store/admin/list-page.js';
import { recordAct } from '../store/admin/record-act.js';
import {
  findSession,
  laterSession,
  listSessions,
  revokeSession,
  revokeSessionsOf,
  type ShownSession,
  userId,
} from '../store/admin/session-list.js';
import { membershipsOf } from '../store/admin/user-list.js';
import { AdminError, createSession } from '../store/administration.js';
import type { Steps } from '../store/engine/step.js';
import { onAdmin, onList, orgOption, pageFrom, parseTtl, rolesOption } from './admin-options.js';
import { type AdminFlags, type Administration, administer } from './administer.js';
import { printRecord, printRows } from './output.js';

const DEFAULT_TTL_SECONDS = 3600;
const COLUMNS = ['fingerprint', 'user', 'status', 'created_at', 'created_by', 'last_used_at', 'expires_at'];

/** Adds `session list|show|create|revoke` to `admin`. */
export function addAdminSession(admin: Command): void {
  const session = admin.command('session').description('list, create and revoke sessions of users');
  addReading(session);
  onAdmin(session.command('create <orgcode>'))
    .description('create a session for a user')
    .requiredOption('--user <name>', 'name of the user, who is created if unknown')
    .addOption(rolesOption().default([]))
    .option('--owner', 'let the session pass every role check', false)
    .option('--ttl <seconds>', 'lifetime of the session, renewed whenever it is used', parseTtl, DEFAULT_TTL_SECONDS)
    .action(create);
  onAdmin(session.command('revoke [fingerprint]'))
    .description('end a session, or with --user all of a user, at once in every process')
    .option('--user <name>', 'end all sessions of this user')
    .action(revoke);
}

interface ListFlags extends AdminFlags, PageRequest {
  readonly org?: string;
  readonly user?: string;
  readonly active: boolean;
}

function addReading(session: Command): void {
  onList(session.command('list'))
    .description('list sessions, newest first, without their secrets')
    .addOption(orgOption('only sessions of members of this org'))
    .option('--user <name>', 'only sessions of this user')
    .option('--active', 'only sessions that have not ended', false)
    .action(list);
  onAdmin(session.command('show <fingerprint>'))
    .description('show a session, without its secret')
    .action((fingerprint: string, flags: AdminFlags) =>
      administer(flags, { readOnly: true }, async (administration) => {
        printRecord(await existing(administration, fingerprint), flags);
      }),
    );
}

function list({ org, user, active, ...flags }: ListFlags): Promise<void> {
  return administer(flags, { readOnly: true }, async ({ cx: { now }, readAll, readOrg }) => {
    const filter = { orgcode: org, user, activeOnly: active };
    const read = () => listSessions(now, filter, pageFrom(flags));
    const pages = org === undefined ? await readAll(read) : [await readOrg(org, read)];
    const { rows, next } = joinPages<ShownSession>(pages, 'fingerprint', flags.limit, laterSession);
    printRows({ name: 'sessions', rows, columns: COLUMNS, more: { next } }, flags);
  });
}

interface CreateFlags extends AdminFlags {
  readonly user: string;
  readonly roles: string[];
  readonly owner: boolean;
  readonly ttl: number;
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

/** Groups share sessions: all of them end it, and then each org of the user gets a row in its journal. */
function revoke(fingerprint: string | undefined, { user, ...flags }: AdminFlags & { user?: string }): Promise<void> {
  if ((fingerprint === undefined) === (user === undefined))
    throw new ConfigError('give either the fingerprint of a session, or --user');
  return administer(flags, {}, async (administration) => {
    const { cx, changeAll } = administration;
    const principal = await principalOf(administration, fingerprint, user);
    const steps = () =>
      user === undefined ? revokeSession(cx.now, String(fingerprint)) : revokeSessionsOf(cx.now, user);
    const revoked = Math.max(...(await changeAll(steps)));
    await record(administration, principal, fingerprint);
    printRecord({ ...(fingerprint === undefined ? { user } : { fingerprint }), revoked }, flags);
  });
}

async function principalOf(
  administration: Administration,
  fingerprint: string | undefined,
  user: string | undefined,
): Promise<string> {
  if (user === undefined) return (await existing(administration, String(fingerprint))).actor.split(':')[1] ?? '';
  return await administration.store.driver.read(() => userId(user));
}

async function record({ cx, readAll, inOrg }: Administration, principal: string, fingerprint?: string): Promise<void> {
  const members = await readAll(function* (isHome) {
    return (yield* membershipsOf(principal)).filter(({ orgcode }) => isHome(orgcode));
  });
  const facts = { actor: `user_guid:${principal}` };
  const act = { operation: 'admin session revoke', target: fingerprint ?? principal, fields: ['revoked_at'], facts };
  for (const { orgcode } of members.flat()) await inOrg(orgcode, () => recordAct(cx, orgcode, act));
}

/** @throws AdminError when no session has that fingerprint. */
async function existing({ cx, readAll }: Administration, fingerprint: string): Promise<ShownSession> {
  const found = (await readAll(() => findSession(cx.now, fingerprint))).filter((session) => session !== undefined);
  if (found.length === 0) throw new AdminError(`no session has the fingerprint ${fingerprint}`);
  return found.reduce(laterSession);
}
