/** Opens the embedded store of a database file or a PostgreSQL database, as a command configures it. */
import { ConfigError, type Environment } from './config.js';
import { CONTRACT } from './contract/generated/contract.js';
import { IN_MEMORY } from './database-file/file-identity.js';
import { explainOpenFailure, makeDirectory, requireDatabase } from './database-file/open-error.js';
import { describe, type Log, reportOutage, warnOfKeyFile, warnOfPassword } from './log.js';
import { ConnectionUrlError, isPostgresUrl, showsPassword } from './store/postgres/connection-url.js';
import type { PostgresStoreOptions } from './store/postgres-store.js';
import { type EngineOptions, openStore, type Store } from './store/store.js';

interface BackendOptions {
  /** A file, or the URL of a PostgreSQL database. */
  readonly database: string;
  readonly environment: Environment;
  readonly log: Log;
  readonly readOnly?: boolean;
  /** Refuse a PostgreSQL role that may serve and does not own the tables: it may not administer. */
  readonly asOwner?: boolean;
  /** Make a database where there is none, with its directory and key; default: refuse. */
  readonly mayCreate?: boolean;
  /** Whether the command writes many rows. */
  readonly writesManyRows?: boolean;
}

/**
 * Opens the embedded store as configured.
 * @throws DatabaseFileError or Error when it cannot be opened; the message states why and what to do.
 */
export async function openBackend(options: BackendOptions): Promise<Store> {
  const { database, environment } = options;
  if (isPostgresUrl(database)) return openOnPostgres(options);
  if (environment.groups !== undefined) throw new ConfigError(GROUPS_OF_POSTGRES);
  return openOnFile(options);
}

const GROUPS_OF_POSTGRES =
  '--groups names databases besides a PostgreSQL database: give its URL with --db, or unset G3N_GROUPS';

function openOnFile(options: BackendOptions): Store {
  const { database: path, environment, log, readOnly = false, mayCreate = false, writesManyRows = false } = options;
  const { keyFile } = environment;
  if (mayCreate && !readOnly) makeDirectory(path);
  else if (path !== IN_MEMORY) requireDatabase(path);
  try {
    const store = openStore({
      ...engineOptions(environment, log, readOnly),
      path,
      writesManyRows,
      ...(keyFile === undefined ? {} : { keyPath: keyFile }),
      onOutage: reportOutage(log, path),
    });
    warnOfKeyFile(log, keyFile ?? `${path}.key`);
    return store;
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}

async function openOnPostgres({
  database: url,
  environment,
  log,
  readOnly = false,
  asOwner = false,
  mayCreate = false,
}: BackendOptions): Promise<Store> {
  const { keyFile: keyPath } = environment;
  if (keyPath === undefined) throw new ConfigError(NO_KEY_FILE);
  if (process.argv.some(showsPassword)) warnOfPassword(log);
  const options = { ...engineOptions(environment, log, readOnly), url, keyPath, asOwner, mustExist: !mayCreate };
  try {
    const store = await openOneOrGroups(options, environment.groups);
    warnOfKeyFile(log, keyPath);
    return store;
  } catch (error) {
    throw error instanceof ConnectionUrlError ? new ConfigError(error.message) : error;
  }
}

/** @param groups the file with the URLs of the other groups, where there are several */
async function openOneOrGroups(options: PostgresStoreOptions, groups: string | undefined): Promise<Store> {
  if (groups === undefined) return (await import('./store/postgres-store.js')).openPostgresStore(options);
  const { openGroupedStore } = await import('./store/groups/open-groups.js');
  const { readGroupsFile } = await import('./store/groups/groups-file.js');
  return openGroupedStore({ ...options, groups: readGroupsFile(groups) });
}

export const NO_KEY_FILE =
  'a PostgreSQL database needs a server key file: name it with --key-file or G3N_KEY_FILE. The first server creates it; copy it to every other server of the database';

function engineOptions(environment: Environment, log: Log, readOnly: boolean): EngineOptions {
  return {
    readOnly,
    roles: CONTRACT.roles,
    settings: environment,
    onRewrittenEmails: (counts) =>
      log.warn(
        counts,
        'e-mail domains were rewritten; addresses that several customers share now are listed as duplicates',
      ),
    onBackgroundError: (error) => log.error({ cause: describe(toError(error)) }, 'background work failed'),
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('not an error');
}
