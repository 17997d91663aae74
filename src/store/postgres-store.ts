/** Opens the embedded CRM on PostgreSQL: checks the server, migrates, and hands the driver to the store. */
import { hostname } from 'node:os';
import { HOW_TO_MAKE } from '../database-file/open-error.js';
import { type KeyRing, loadKeys } from '../secrets/keys.js';
import { outdatedData, refreshDerivedData } from './derived-data.js';
import type { Driver } from './engine/driver.js';
import type { Steps } from './engine/step.js';
import { checkServer, type TableRole } from './postgres/check-server.js';
import { isDistributed } from './postgres/citus.js';
import { ConnectionUrlError, type PostgresAddress, parsePostgresUrl, readOnlyUrl } from './postgres/connection-url.js';
import {
  migratePostgres,
  type PostgresMigration,
  postgresSchemaVersion,
  requirePostgresSchema,
} from './postgres/migrations/migrate-postgres.js';
import { type ExpectedGroup, GROUPS_SERVER_NAME, requireGroup, SERVER_NAME } from './postgres/own-group.js';
import { createPostgresDriver, type PostgresDriver } from './postgres/postgres-driver.js';
import type { SchemaClient } from './postgres/schema-client.js';
import { DatabaseServerError, explainConnectionError } from './postgres/server-error.js';
import { requireServingRights } from './postgres/serving-role.js';
import { DISTRIBUTED_SEARCH, WORD_SEARCH } from './postgres/word-search.js';
import { checkServerKey, hasServerKey, SERVER_KEY_LOCK } from './server-key.js';
import { EmbeddedStore, type EngineOptions, needsUpdate, type Store } from './store.js';
import { requireFinishedCopy } from './unfinished-copy.js';

export interface PostgresStoreOptions extends EngineOptions {
  /** postgres://user:password@host:port,host:port/database?options; see connection-url.ts. */
  readonly url: string;
  /** The file of the server key, which all servers on the database share. */
  readonly keyPath: string;
  /** How long a call may take in the database, in milliseconds. */
  readonly deadlineMs?: number;
  /** Which of several databases this must be; default: the only one. */
  readonly group?: ExpectedGroup;
  /** Refuse a role that does not own the tables: it may serve, and not administer. */
  readonly asOwner?: boolean;
  /** Refuse a database without tables instead of making them. */
  readonly mustExist?: boolean;
  /** In place of this version's migrations, in tests. */
  readonly migrations?: readonly PostgresMigration[];
}

const MIN_POOL_SIZE = 2;

export interface PostgresStore extends Store {
  readonly driver: PostgresDriver;
}

/**
 * Opens the embedded CRM on a PostgreSQL database, and brings its schema up to date, unless `readOnly` is set or another
 * role owns the tables. Several servers may do this at the same time.
 * @throws DatabaseServerError when the server, the database or the role will not do, or cannot be reached.
 * @throws DatabaseFileError when the server key is missing or belongs to another database, ConnectionUrlError.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { keyPath, readOnly = false, migrations } = options;
  return await connected(options, async (driver) => {
    let isServing = false;
    const mayChange = await driver.withSession(async (client) => {
      const role = await checkServer(client, readOnly);
      if (role.isServing && options.asOwner === true) throw notOwner(role);
      if (options.mustExist === true && (await postgresSchemaVersion(client)) === 0) throw noTables();
      isServing = role.isServing;
      const isOwner = !readOnly && !role.isServing;
      if (isOwner) await migratePostgres(client, new Date().toISOString(), migrations);
      else if (role.isServing && !readOnly) await requireServingRights(client, role.role);
      if (!isOwner) await requirePostgresSchema(client, migrations);
      if (await isDistributed(client)) driver.distribute(DISTRIBUTED_SEARCH);
      return isOwner;
    });
    await driver.read(() => requireFinishedCopy(driver.dialect));
    await driver.read(() => requireGroup(options.group));
    if (mayChange) await refresh(driver, options);
    else if ((await driver.read(outdatedData)).length > 0) throw readOnly ? needsUpdate() : outdated();
    const steps = () => openServerKey(keyPath, mayChange);
    const keys = await (mayChange ? driver.write({ steps }) : driver.read(steps));
    return new EmbeddedStore(driver, keys, { ...options, mayHashAgain: !isServing });
  });
}

function noTables(): DatabaseServerError {
  return new DatabaseServerError('the database has no tables of this program', HOW_TO_MAKE);
}

function notOwner({ role, owner }: TableRole): DatabaseServerError {
  return new DatabaseServerError(
    `the role ${role} may serve and not administer: the tables belong to ${owner}`,
    `Connect as ${owner}.`,
  );
}

function outdated(): DatabaseServerError {
  return new DatabaseServerError(
    'the database was written by other rules',
    'Run g3n-crm-mcp admin postgres migrate as the role that owns the tables.',
  );
}

/** Runs work on the schema of a database, as the owner of its tables. @throws as `openPostgresStore`. */
export async function onSchema<T>(url: string, work: (client: SchemaClient) => Promise<T>): Promise<T> {
  return await connected({ url, onBackgroundError: () => {} }, async (driver) => {
    const result = await driver.withSession(async (client) => {
      const role = await checkServer(client);
      if (role.isServing) throw notOwner(role);
      return work(client);
    });
    await driver.close();
    return result;
  });
}

/** Opens a database to copy another one with these keys into; it is not served. @throws as `openPostgresStore`. */
export async function openReceivingDatabase(url: string, keys: KeyRing): Promise<PostgresDriver> {
  return await connected({ url, onBackgroundError: () => {} }, async (driver) => {
    await driver.withSession(async (client) => {
      await checkServer(client);
      await migratePostgres(client, new Date().toISOString());
    });
    await driver.read(() => requireGroup(undefined));
    await refresh(driver, {});
    await driver.write({ steps: () => checkServerKey(keys) });
    return driver;
  });
}

type ConnectionOptions = Pick<PostgresStoreOptions, 'url' | 'deadlineMs' | 'readOnly' | 'group' | 'onBackgroundError'>;

/** Closes the driver when the work fails, and explains the error. */
async function connected<T>(
  { url, deadlineMs, readOnly = false, group, onBackgroundError }: ConnectionOptions,
  work: (driver: PostgresDriver) => Promise<T>,
): Promise<T> {
  const address = addressOf(url, readOnly);
  const driver = createPostgresDriver({
    address,
    search: WORD_SEARCH,
    applicationName: `${group === undefined ? SERVER_NAME : GROUPS_SERVER_NAME} ${hostname()}`,
    readOnly,
    fenced: group !== undefined,
    onBackgroundError,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  try {
    return await work(driver);
  } catch (error) {
    await driver.close();
    throw explainConnectionError(error, address.shown);
  }
}

/** @throws ConnectionUrlError for a pool in which the leading server could not do the work it leads. */
function addressOf(url: string, readOnly: boolean): PostgresAddress {
  const address = parsePostgresUrl(readOnly ? readOnlyUrl(url) : url);
  if (address.poolSize < MIN_POOL_SIZE)
    throw new ConnectionUrlError(`pool_size in the PostgreSQL URL must be at least ${MIN_POOL_SIZE}`);
  return address;
}

/** Of several servers that start with a new database, one makes a key file; the others wait for it and find theirs. */
function* openServerKey(keyPath: string, mayCreate: boolean): Steps<KeyRing> {
  yield SERVER_KEY_LOCK;
  const keys = loadKeys(keyPath, mayCreate && !(yield* hasServerKey()));
  yield* checkServerKey(keys);
  return keys;
}

async function refresh(driver: Driver, { onRewrittenEmails }: Pick<EngineOptions, 'onRewrittenEmails'>): Promise<void> {
  if ((await driver.read(outdatedData)).length === 0) return;
  const now = new Date().toISOString();
  const emails = await driver.write({ steps: () => refreshDerivedData(driver.dialect, now), isLong: true });
  if (emails.rewritten > 0) onRewrittenEmails?.(emails);
}
