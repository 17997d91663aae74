/** Opens the backend that a server's flags configure: the embedded store, or a gateway to an API. */
import { join } from 'node:path';
import { ConfigError, type Environment } from '../config.js';
import type { Backend } from '../contract/backend.js';
import { CONTRACT } from '../contract/generated/contract.js';
import type { Contract } from '../contract/operation.js';
import { createPublishedDocuments, type PublishedDocuments } from '../contract/published-documents.js';
import { IN_MEMORY } from '../database-file/file-identity.js';
import type { Demo } from '../demo/demo.js';
import type { Log } from '../log.js';
import type { OrgKey } from '../oauth/token-claims.js';
import { openBackend } from '../open-backend.js';
import { readOnlyBackend } from '../pipeline/read-only-backend.js';
import type { Keys } from '../secrets/keys.js';
import { oauthOrgOf } from '../store/admin/oauth-orgs.js';
import { createRateLimitTable } from '../store/postgres/rate-limit-table.js';
import type { SharedCounts } from '../transport/shared-budget.js';
import { type GatewayFlags, resolvedPath, type StoreFlags } from './shared-options.js';

export type ServingFlags = StoreFlags & GatewayFlags;

/** The flags, with the read-only setting, which can come from the environment too. */
type ResolvedFlags = ServingFlags & { readonly readOnly?: boolean };

export interface Serving {
  readonly backend: Backend;
  readonly contract: Contract;
  /** The directory of the contract's validators, if the build generated them. */
  readonly validators?: string;
  readonly demo?: Demo;
  /** The published documents of the contract, if it is this program's own. */
  readonly published?: PublishedDocuments;
  /** The counts that the servers of a database share, where servers that write can share one. */
  readonly sharedCounts?: SharedCounts;
  /** The org that `admin oauth map` maps a tenant or a client to; without it there is no such map. */
  readonly mappedOrg?: (key: OrgKey) => Promise<string | undefined>;
  /** Whether callers with access tokens can be served; a text says what is missing. */
  readonly tokensProblem?: string | undefined;
  /** The server keys that seal tokens. Without them, keys of this process are used. */
  readonly keys?: Keys;
}

/** Checks what else the command needs of the contract. @throws ConfigError */
export type CheckContract = (contract: Contract) => void;

export interface OpeningRules {
  /** Make a database of the embedded store where there is none. */
  readonly mayCreate: boolean;
  /** Called before anything is opened or made. */
  readonly check: CheckContract;
}

/**
 * Opens the backend. `directory` is the directory of the running program. `auth` selects the credentials that a gateway
 * sends: those held for the caller's key, or the caller's own.
 * @throws ConfigError when the flags contradict each other.
 */
async function openServing(
  directory: string,
  flags: ResolvedFlags,
  auth: 'held' | 'direct',
  environment: Environment,
  log: Log,
  { mayCreate, check }: OpeningRules,
): Promise<Serving> {
  const { groups, db } = flags.gateway === undefined ? environment : flags;
  rejectContradictions({ ...flags, groups }, db);
  const { readOnly = false } = flags;
  const published = createPublishedDocuments(
    join(directory, '..', 'openapi.yaml'),
    join(directory, 'openapi.json'),
    join(directory, '..', 'PROTOCOL.md'),
  );
  const validators = join(directory, 'validators');
  if (flags.gateway !== undefined) {
    const { openGateway } = await import('./open-gateway.js');
    const serving = await openGateway(
      { published, validators },
      { ...flags, gateway: flags.gateway },
      auth,
      environment,
      log,
      check,
    );
    return readOnly ? { ...serving, backend: readOnlyBackend(serving.backend) } : serving;
  }
  check(CONTRACT);
  const asOwner = flags.demo; // which makes an org and its keys
  const database = resolvedPath(environment.db);
  const store = await openBackend({ database, environment, log, readOnly, asOwner, mayCreate });
  const shares = store.driver.dialect.hasManyWriters && !readOnly;
  const serving = {
    backend: store,
    contract: CONTRACT,
    validators,
    published,
    keys: store.keys,
    mappedOrg: async ({ kind, value }: OrgKey) => await store.driver.read(() => oauthOrgOf(kind, value)),
    ...(shares ? { sharedCounts: createRateLimitTable(store.driver) } : {}),
  };
  if (!flags.demo) return serving;
  const { ensureDemo } = await import('../demo/demo.js');
  try {
    return { ...serving, demo: await ensureDemo(store, new Date()) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Opens the backend, runs `serve` with it, and closes it however that ends: an open connection would keep a program that
 * has failed from ending. @throws as `openServing`, and what `serve` throws.
 */
export async function withServing<T>(
  serve: (serving: Serving) => Promise<T>,
  ...open: Parameters<typeof openServing>
): Promise<T> {
  const serving = await openServing(...open);
  try {
    return await serve(serving);
  } finally {
    await serving.backend.close();
  }
}

/** `db` is the database of the flag or, without a gateway, of the environment. */
function rejectContradictions(
  { gateway, demo, openapi, readOnly, groups }: Omit<ResolvedFlags, 'groups'> & { groups: string | undefined },
  db: string | undefined,
): void {
  if (db === IN_MEMORY && readOnly)
    throw new ConfigError('--db :memory: starts empty and --read-only adds nothing: give a file');
  if (db === IN_MEMORY && gateway === undefined && !demo)
    throw new ConfigError(
      '--db :memory: starts without any org or key and ends with the server: add --demo, or give a file',
    );
  if (demo && groups !== undefined)
    throw new ConfigError('--demo makes an org in a database of its own, and --groups names several: give one');
  if (demo && readOnly) throw new ConfigError('--demo fills the database and --read-only forbids it: give one');
  if (gateway === undefined) {
    if (openapi !== undefined) throw new ConfigError('--openapi describes an API to forward to: give --gateway too');
    return;
  }
  if (db !== undefined) throw new ConfigError('--gateway forwards calls and --db is the embedded database: give one');
  if (groups !== undefined) throw new ConfigError('--gateway forwards calls and --groups names databases: give one');
  if (demo) throw new ConfigError('--demo fills the embedded database: leave out --gateway');
}
