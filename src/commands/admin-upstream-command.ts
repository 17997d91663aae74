/** The `admin upstream` commands: manage the upstream credentials that a gateway holds for its callers. */
import { type Command, Option } from 'commander';
import { ConfigError, readEnvironment } from '../config.js';
import type { SecretKind } from '../contract/backend.js';
import type { GatewayDb } from '../gateway/gateway-db.js';
import type { NewHeldCredential } from '../gateway/held-credentials.js';
import { createLog } from '../log.js';
import { variableOf } from '../settings/setting.js';
import { jsonOption, type OutputFlags, printRecord, printRows } from './output.js';
import { addSettings } from './setting-options.js';
import { onGatewayDatabase } from './shared-options.js';
import type { UpstreamFlags } from './try-upstream.js';

const VARIABLE = variableOf('upstream-credential');

/** Adds `upstream add|list|replace|remove|test` to `admin`. */
export function addAdminUpstream(admin: Command): void {
  const upstream = admin
    .command('upstream')
    .description(`manage the upstream credentials that a gateway holds; reads the secret from ${VARIABLE} or stdin`);
  addSettings(onGatewayDatabase(upstream.command('add <orgcode>')), ['upstream-credential'])
    .description('hold a credential behind a new caller key, which is printed once')
    .addOption(
      new Option('--kind <kind>', 'kind of the upstream credential').choices(['api_key', 'session']).default('api_key'),
    )
    .option('--name <name>', 'label that says what the key is for', 'key')
    .action((orgcode: string, { kind, name, ...flags }: Flags & { kind: SecretKind; name: string }) =>
      addCredential(flags, { orgcode: orgcode.trim().toUpperCase(), kind, name }),
    );
  onGatewayDatabase(upstream.command('list'))
    .description('list the callers, without secrets')
    .addOption(jsonOption())
    .action((flags: Flags) => {
      const print = (rows: readonly object[]) => printRows({ name: 'callers', rows }, flags);
      return withDatabase(flags, (db, { listCallers }) => listCallers(db), { print });
    });
  addTest(upstream);
  addSettings(onGatewayDatabase(upstream.command('replace <fingerprint>')), ['upstream-credential'])
    .description('replace the credential behind a caller key; callers keep their key')
    .action((fingerprint: string, flags: Flags) =>
      withDatabase(flags, async (db, { replaceCredential }) => replaceCredential(db, fingerprint, await readSecret())),
    );
  onGatewayDatabase(upstream.command('use-for-tokens <fingerprint>'))
    .addOption(jsonOption())
    .description('let callers of its org with an access token (OAuth) use the credential behind a caller key')
    .action((fingerprint: string, flags: Flags) =>
      withDatabase(flags, (db, { holdForTokens }) => holdForTokens(db, fingerprint)),
    );
  onGatewayDatabase(upstream.command('remove <fingerprint>').alias('revoke'))
    .addOption(jsonOption())
    .description('delete a caller key and the credential behind it')
    .action((fingerprint: string, flags: Flags) =>
      withDatabase(flags, (db, { revokeCaller }) => revokeCaller(db, fingerprint)),
    );
}

function addTest(upstream: Command): void {
  addSettings(onGatewayDatabase(upstream.command('test <fingerprint>')), ['gateway', 'deadline-ms', 'proxy'])
    .description('ask the upstream who the caller behind a key is; 1 if it does not take the credential')
    .addOption(jsonOption())
    .action(async (fingerprint: string, flags: Flags & TestFlags) => {
      const { gateway, deadlineMs, proxy } = flags;
      if (gateway === undefined) throw new ConfigError('--gateway names the API to ask: give it');
      const { tryUpstream } = await import('./try-upstream.js');
      const options = { gateway, deadlineMs, ...(proxy === undefined ? {} : { proxy }) };
      await withDatabase(flags, async (db, { heldCredential }) => {
        const trial = await tryUpstream(heldCredential(db, fingerprint), options);
        if (!trial.accepted) process.exitCode = 1;
        return { fingerprint, ...trial };
      });
    });
}

type TestFlags = Omit<UpstreamFlags, 'gateway'> & Partial<Pick<UpstreamFlags, 'gateway'>>;

interface Flags extends OutputFlags {
  readonly gatewayDb: string;
  readonly keyFile?: string;
}

/** Checks everything before the database is made. */
async function addCredential(flags: Flags, described: Omit<NewHeldCredential, 'secret'>): Promise<void> {
  const credential = { ...described, secret: await readSecret() };
  const { checkedCredential } = await import('../gateway/held-credentials.js');
  await explained(() => checkedCredential(credential));
  await withDatabase(flags, (db, { holdCredential }) => holdCredential(db, credential), { mayCreate: true });
}

type HeldCredentials = typeof import('../gateway/held-credentials.js');

/** Prints what the work returns: a record, unless `print` is given. */
async function withDatabase<T extends object>(
  { gatewayDb, keyFile, ...output }: Flags,
  work: (db: GatewayDb, heldCredentials: HeldCredentials) => T | Promise<T>,
  {
    mayCreate = false,
    print = (result) => printRecord(result, output),
  }: { readonly mayCreate?: boolean; readonly print?: (result: T) => void } = {},
): Promise<void> {
  const { openGatewayDatabase } = await import('./open-gateway-database.js');
  const heldCredentials = await import('../gateway/held-credentials.js');
  const environment = readEnvironment(process.env, keyFile === undefined ? {} : { keyFile });
  const db = openGatewayDatabase(gatewayDb, environment, createLog(environment.logLevel), {
    mustExist: !mayCreate,
  });
  try {
    print(await explained(() => work(db, heldCredentials)));
  } finally {
    await db.close();
  }
}

/** Reports invalid input of the operator as a usage error. */
async function explained<T>(work: () => T): Promise<Awaited<T>> {
  const { HeldCredentialError } = await import('../gateway/held-credentials.js');
  try {
    return await work();
  } catch (error) {
    throw error instanceof HeldCredentialError ? new ConfigError(error.message) : error;
  }
}

/** Reads the secret from the environment or stdin, never from argv, which every user of the machine can read. */
async function readSecret(): Promise<string> {
  const fromEnvironment = process.env[VARIABLE]?.trim();
  if (fromEnvironment) return fromEnvironment;
  if (process.stdin.isTTY) throw new ConfigError(`set ${VARIABLE}, or pipe the credential in`);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const secret = Buffer.concat(chunks).toString('utf8').trim();
  if (secret === '') throw new ConfigError(`set ${VARIABLE}, or pipe the credential in`);
  return secret;
}
