/** Inspects a PostgreSQL database and its server for the operator, without changing anything. */
import { keyFileWarning } from '../../database-file/key-permissions.js';
import { type KeyFileState, keyFileState } from '../../secrets/keys.js';
import { COPY_PROGRESS } from '../engine/stored-tables.js';
import { checkServer } from './check-server.js';
import { type PostgresAddress, parsePostgresUrl } from './connection-url.js';
import { POSTGRES_MIGRATIONS, postgresSchemaVersion } from './migrations/migrate-postgres.js';
import { onOneConnection } from './one-connection.js';
import type { SchemaClient } from './schema-client.js';

/** What the server says of itself. */
interface ServerState {
  readonly version: string;
  readonly role: string;
  readonly max_connections: number;
  /** Connections that ordinary roles cannot have. */
  readonly reserved: number;
  readonly used: number;
  readonly synchronous_commit: string;
  /** The standbys that a commit waits for; empty for none. */
  readonly synchronous_standby_names: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly standby: boolean;
  readonly backend: number;
  readonly now_ms: number;
}

export interface ServerInspection extends Omit<ServerState, 'backend' | 'now_ms'> {
  /** Hosts and database, without credentials. */
  readonly shown: string;
  /** 0 while the database is empty. */
  readonly schema_version: number;
  readonly newest_schema: number;
  readonly orgs: number;
  /** Most connections that one server opens. */
  readonly pool_size: number;
  /** Whether something stands between that shares connections among its clients, such as pgbouncer. */
  readonly pooled: boolean;
  readonly prepares: boolean;
  /** Whether a copy into the database has begun and not ended: servers refuse it. */
  readonly unfinished_copy: boolean;
  /** The server's clock minus ours, in milliseconds, give or take the time of a round trip. */
  readonly ahead_ms: number;
  /** Undefined when none is named. */
  readonly key: KeyFileState | undefined;
  readonly key_warning: string | undefined;
}

const STATE = `SELECT current_setting('server_version') AS version, current_user AS role,
    current_setting('max_connections')::int AS max_connections,
    current_setting('superuser_reserved_connections')::int
      + COALESCE(current_setting('reserved_connections', true)::int, 0) AS reserved,
    (SELECT COUNT(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    pg_is_in_recovery() AS standby, pg_backend_pid() AS backend,
    (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::float8 AS now_ms`;

/**
 * Inspects a database. The clock is the system's unless `clock` replaces it.
 * @throws DatabaseServerError when the database cannot be reached or will not do, ConnectionUrlError for a wrong URL.
 */
export async function inspectServer(
  url: string,
  keyPath: string | undefined,
  clock: () => number = Date.now,
): Promise<ServerInspection> {
  const address = parsePostgresUrl(url);
  return onOneConnection(address, 'doctor', (client) => inspect(client, address, keyPath, clock));
}

async function inspect(
  client: SchemaClient & { readonly processID?: number },
  address: PostgresAddress,
  keyPath: string | undefined,
  clock: () => number,
): Promise<ServerInspection> {
  await checkServer(client, true);
  const asked = clock();
  const { rows } = await client.query(STATE);
  const answered = clock();
  const { backend, now_ms, ...state } = rows[0] as unknown as ServerState;
  const schema_version = await postgresSchemaVersion(client);
  const { orgs, key_check, unfinished_copy } = schema_version === 0 ? EMPTY : await contentsOf(client);
  return {
    ...state,
    shown: address.shown,
    schema_version,
    newest_schema: POSTGRES_MIGRATIONS.length,
    orgs,
    unfinished_copy,
    pool_size: address.poolSize,
    // A pooler tells its clients numbers of its own.
    pooled: client.processID !== backend,
    prepares: address.prepares,
    ahead_ms: now_ms - (asked + answered) / 2,
    key: keyPath === undefined ? undefined : keyFileState(keyPath, key_check ?? undefined),
    key_warning: keyPath === undefined ? undefined : keyFileWarning(keyPath),
  };
}

interface Contents {
  readonly orgs: number;
  readonly key_check: string | null;
  readonly unfinished_copy: boolean;
}

const EMPTY: Contents = { orgs: 0, key_check: null, unfinished_copy: false };
const CONTENTS = `SELECT (SELECT COUNT(*)::int FROM org) AS orgs, (SELECT key_check FROM server_key) AS key_check,
    to_regclass('${COPY_PROGRESS}') IS NOT NULL AS unfinished_copy`;

async function contentsOf(client: SchemaClient): Promise<Contents> {
  return (await client.query(CONTENTS)).rows[0] as unknown as Contents;
}
