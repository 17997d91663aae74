/** `admin upstream …`: the credentials of an upstream that this server holds for its callers. */
import { type Command, Option } from 'commander';
import { ConfigError, readEnvironment } from '../config.js';
import type { Credentials } from '../contract/backend.js';
import type { GatewayDb } from '../gateway/gateway-db.js';
import { print } from './output.js';
import { gatewayDbOption } from './shared-options.js';

const VARIABLE = 'G3N_UPSTREAM_CREDENTIAL';

/** Adds `upstream add|list|replace|revoke` to `admin`. */
export function addAdminUpstream(admin: Command): void {
  const upstream = admin
    .command('upstream')
    .description(`credentials held for callers of a gateway; the secret comes from ${VARIABLE} or stdin`);
  upstream
    .command('add <orgcode>')
    .description("seal a credential behind a new caller's key, which is printed once")
    .addOption(
      new Option('--kind <kind>', 'how the upstream knows it').choices(['api_key', 'session']).default('api_key'),
    )
    .option('--name <name>', 'what the key is for', 'key')
    .addOption(gatewayDbOption())
    .action(
      (orgcode: string, { kind, name, gatewayDb }: { kind: Credentials['kind']; name: string; gatewayDb: string }) =>
        withDatabase(gatewayDb, async (db, { holdCredential }) =>
          holdCredential(db, { orgcode: orgcode.trim().toUpperCase(), kind, name, secret: await readSecret() }),
        ),
    );
  upstream
    .command('list')
    .description('who may call, without any secret')
    .addOption(gatewayDbOption())
    .action(({ gatewayDb }: { gatewayDb: string }) =>
      withDatabase(gatewayDb, async (db, { listCallers }) => ({ callers: listCallers(db) })),
    );
  upstream
    .command('replace <fingerprint>')
    .description('put a new credential behind a key that callers keep')
    .addOption(gatewayDbOption())
    .action((fingerprint: string, { gatewayDb }: { gatewayDb: string }) =>
      withDatabase(gatewayDb, async (db, { replaceCredential }) =>
        replaceCredential(db, fingerprint, await readSecret()),
      ),
    );
  upstream
    .command('revoke <fingerprint>')
    .description('forget a key and the credential behind it')
    .addOption(gatewayDbOption())
    .action((fingerprint: string, { gatewayDb }: { gatewayDb: string }) =>
      withDatabase(gatewayDb, (db, { revokeCaller }) => revokeCaller(db, fingerprint)),
    );
}

type Room = typeof import('../gateway/held-credentials.js');

async function withDatabase(path: string, work: (db: GatewayDb, room: Room) => Promise<object>): Promise<void> {
  const { openGatewayDatabase } = await import('./open-gateway-database.js');
  const room = await import('../gateway/held-credentials.js');
  const db = openGatewayDatabase(path, readEnvironment(process.env));
  try {
    print(await work(db, room));
  } catch (error) {
    throw error instanceof room.HeldCredentialError ? new ConfigError(error.message) : error;
  } finally {
    await db.close();
  }
}

/** Never from argv, where every user of the machine could read it. */
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
