/** `admin …`: orgs, keys and sessions of the embedded store. Works while a server runs on the file. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { openBackend } from '../application.js';
import { ConfigError, readEnvironment } from '../config.js';
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
import { print } from './output.js';
import { databasePath, requiredDbOption } from './shared-options.js';

const DEFAULT_TTL_SECONDS = 3600;

type Grant = { readonly roles: string[]; readonly owner: boolean };

/** Adds the `admin` command and all below it. Answers it, for other kinds of administration to be added. */
export function addAdmin(program: Command): Command {
  const admin = program.command('admin').description('orgs, keys and sessions; works while a server runs on the file');
  addOrgCommands(admin.command('org').description('create or change an org'));
  addKeyCommands(admin.command('key').description('create or revoke an API key'));
  admin
    .command('session')
    .description('create a session of a user')
    .command('create <orgcode>')
    .requiredOption('--user <name>', 'the user; made on first mention')
    .option('--roles <roles>', 'comma-separated roles', parseRoles, [])
    .option('--owner', 'passes every role check', false)
    .option('--ttl <seconds>', 'sliding life of the session', parseTtl, DEFAULT_TTL_SECONDS)
    .addOption(requiredDbOption())
    .action((orgcode: string, options: Grant & { user: string; ttl: number; db: string }) =>
      administer(options.db, (cx) => createSession(cx, orgcode, options.user, options, options.ttl)),
    );
  return admin;
}

function addOrgCommands(org: Command): void {
  org
    .command('create <orgcode>')
    .option('--unverified', 'the org may be read but not written', false)
    .addOption(requiredDbOption())
    .action((orgcode: string, { unverified, db }: { unverified: boolean; db: string }) =>
      administer(db, (cx) => createOrg(cx, orgcode, unverified ? 'unverified' : 'verified')),
    );
  org
    .command('set <orgcode>')
    .addOption(new Option('--status <status>').choices(['verified', 'unverified', 'suspended']).makeOptionMandatory())
    .addOption(requiredDbOption())
    .action((orgcode: string, { status, db }: { status: OrgStatus; db: string }) =>
      administer(db, (cx) => setOrgStatus(cx, orgcode, status)),
    );
}

function addKeyCommands(key: Command): void {
  key
    .command('create <orgcode>')
    .option('--roles <roles>', 'comma-separated roles', parseRoles, [])
    .option('--owner', 'passes every role check', false)
    .option('--name <name>', 'what the key is for', 'key')
    .addOption(requiredDbOption())
    .action((orgcode: string, { name, db, ...grant }: Grant & { name: string; db: string }) =>
      administer(db, (cx) => createKey(cx, orgcode, name, grant)),
    );
  key
    .command('revoke <fingerprint>')
    .addOption(requiredDbOption())
    .action((fingerprint: string, { db }: { db: string }) => administer(db, (cx) => revokeKey(cx, fingerprint)));
}

async function administer(db: string, steps: (cx: AdminContext) => Steps<object>): Promise<void> {
  const environment = readEnvironment(process.env);
  const store = openBackend({ path: databasePath(db), environment, log: createLog(environment.logLevel) });
  try {
    const { createIdMint } = await import('../ids.js');
    const now = new Date();
    const mint = createIdMint();
    const cx = { keys: store.keys, now: now.toISOString(), newId: () => mint(now.getTime()) };
    print(await store.driver.write({ steps: () => steps(cx) }));
  } finally {
    await store.close();
  }
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
