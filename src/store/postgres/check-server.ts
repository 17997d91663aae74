/** Checks, before anything else, that a PostgreSQL server, its database and its role can carry the CRM. */
import type { SchemaClient } from './schema-client.js';
import { DatabaseServerError } from './server-error.js';

/** `server_version_num` of PostgreSQL 15. */
const OLDEST_SERVER = 150_000;

const FACTS = `SELECT current_setting('server_version_num')::int AS version_num,
    current_setting('server_version') AS version,
    current_setting('server_encoding') AS encoding, current_database() AS database, current_user AS role,
    r.rolsuper AS superuser, r.rolbypassrls AS bypasses, current_schema() AS schema,
    COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS creates,
    (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('schema_migration')) AS owner,
    (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('schema_migration')) AS owns
  FROM pg_roles r WHERE r.rolname = current_user`;

interface ServerFacts {
  readonly version_num: number;
  readonly version: string;
  readonly encoding: string;
  readonly database: string;
  readonly role: string;
  readonly superuser: boolean;
  readonly bypasses: boolean;
  readonly schema: string | null;
  readonly creates: boolean;
  /** Who owns the tables, and whether the role may act as that; null where there are no tables. */
  readonly owner: string | null;
  readonly owns: boolean | null;
}

/** What a role is to the tables: `serving` when another role owns them. */
export interface TableRole {
  readonly role: string;
  readonly owner: string;
  readonly isServing: boolean;
}

/** What an administrator of the server runs, once. */
const PROPER = `CREATE ROLE g3n_crm LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS;
  CREATE DATABASE g3n_crm OWNER g3n_crm ENCODING 'UTF8' TEMPLATE template0;`;

/**
 * Checks the version and encoding of the server, and that its role is subject to row-level security. A server that
 * does not migrate (`readOnly`, or another role owns the tables) needs no right to create tables.
 * @throws DatabaseServerError with what to do about it.
 */
export async function checkServer(client: SchemaClient, readOnly = false): Promise<TableRole> {
  const { rows } = await client.query(FACTS);
  const facts = rows[0] as unknown as ServerFacts;
  const { version_num, version, encoding, database, role, superuser, bypasses, schema, creates } = facts;
  const isServing = facts.owns === false;
  if (version_num < OLDEST_SERVER) {
    throw new DatabaseServerError(`PostgreSQL ${version} is too old`, 'PostgreSQL 15 or newer is needed.');
  }
  if (encoding !== 'UTF8') {
    throw new DatabaseServerError(
      `the database ${database} has the encoding ${encoding}`,
      `UTF8 is needed, which is chosen when a database is made:\n  ${PROPER}`,
    );
  }
  if (superuser || bypasses) {
    throw new DatabaseServerError(
      `the role ${role} ${superuser ? 'is a superuser' : 'has BYPASSRLS'}, so that nothing keeps one org's data from another`,
      `Connect as a role that owns the database and no more:\n  ${PROPER}`,
    );
  }
  if (!creates && !readOnly && !isServing) {
    throw new DatabaseServerError(
      `the role ${role} may not create tables in ${schema === null ? 'any schema of its search_path' : `the schema ${schema}`}`,
      `Connect as the owner of the database:\n  ALTER DATABASE ${quoted(database)} OWNER TO ${quoted(role)};`,
    );
  }
  return { role, owner: facts.owner ?? role, isServing };
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
