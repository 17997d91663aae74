/** The `admin upstream` commands: manage the upstream credentials that a gateway holds for its callers. */
import { type Command, Option } from 'commander';
import { ConfigError, readEnvironment } from '../config.js';
import type { Credentials } from '../contract/backend.js';
import type { GatewayDb } from '../gateway/gateway-db.js';
import { createLog } from '../log.js';
import { print } from './output.js';
import { gatewayDbOption } from './shared-options.js';

const VARIABLE = 'G3N_UPSTREAM_CREDENTIAL';

/** Adds `upstream add|list|replace|revoke` to `admin`. */
export function addAdminUpstream(admin: Command): void {
  const upstream = admin
    .command('upstream')
    .description(`manage the upstream credentials that a gateway holds; reads the secret from ${VARIABLE} or stdin`);
  upstream
    .command('add <orgcode>')
    .description('hold a credential behind a new caller key, which is printed once')
    .addOption(
      new Option('--kind <kind>', 'kind of the upstream credential').choices(['api_key', 'session']).default('api_key'),
    )
    .option('--name <name>', 'label that says what the key is for', 'key')
    .addOption(gatewayDbOption())
    .action(
      (orgcode: string, { kind, name, gatewayDb }: { kind: Credentials['kind']; name: string; gatewayDb: string }) =>
        withDatabase(gatewayDb, async (db, { holdCredential }) =>
          holdCredential(db, { orgcode: orgcode.trim().toUpperCase(), kind, name, secret: await readSecret() }),
        ),
    );
  upstream
    .command('list')
    .description('list the callers, without secrets')
    .addOption(gatewayDbOption())
    .action(({ gatewayDb }: { gatewayDb: string }) =>
      withDatabase(gatewayDb, async (db, { listCallers }) => ({ callers: listCallers(db) })),
    );
  upstream
    .command('replace <fingerprint>')
    .description('replace the credential behind a caller key; callers keep their key')
    .addOption(gatewayDbOption())
    .action((fingerprint: string, { gatewayDb }: { gatewayDb: string }) =>
      withDatabase(gatewayDb, async (db, { replaceCredential }) =>
        replaceCredential(db, fingerprint, await readSecret()),
      ),
    );
  upstream
    .command('revoke <fingerprint>')
    .description('delete a caller key and the credential behind it')
    .addOption(gatewayDbOption())
    .action((fingerprint: string, { gatewayDb }: { gatewayDb: string }) =>
      withDatabase(gatewayDb, (db, { revokeCaller }) => revokeCaller(db, fingerprint)),
    );
}

type HeldCredentials = typeof import('../gateway/held-credentials.js');

async function withDatabase(
  path: string,
  work: (db: GatewayDb, heldCredentials: HeldCredentials) => Promise<object>,
): Promise<void> {
  const { openGatewayDatabase } = await import('./open-gateway-database.js');
  const heldCredentials = await import('../gateway/held-credentials.js');
  const environment = readEnvironment(process.env);
  const db = openGatewayDatabase(path, environment, createLog(environment.logLevel));
  try {
    print(await work(db, heldCredentials));
  } catch (error) {
    throw error instanceof heldCredentials.HeldCredentialError ? new ConfigError(error.message) : error;
  } finally {
    await db.close();
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
