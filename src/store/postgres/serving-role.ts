/**
 * The role that servers connect as, where it is not the owner of the tables: what it may do, and whether it may. It can
 * neither change the schema nor give itself what it lacks, so that a ledger stays append-only whatever the program
 * does.
 */
import type { SchemaClient } from './schema-client.js';
import { DatabaseServerError } from './server-error.js';

/** Tables that servers only read; operators change them with the `admin` commands, as the owner. */
const READ_ONLY: readonly string[] = [
  'org',
  'principal',
  'membership',
  'server_key',
  'derived_data',
  'schema_migration',
  'own_group',
  'database_group',
  'org_directory',
  'org_home',
  'oauth_org',
];
/** A server moves the expiry of a session that is used, notes when a key was used, and changes nothing else of them. */
const COLUMNS_ONLY: Readonly<Record<string, readonly string[]>> = {
  api_key: ['last_used_at'],
  session: ['expires_at'],
};

/**
 * What the owner may do with its tables, which is less than everything for append-only tables. `columns`: those that it
 * may update where it may not update the row.
 */
const OWNED = `SELECT c.relname AS name, ARRAY(SELECT p FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) p
      WHERE has_table_privilege(c.relowner, c.oid, p)) AS privileges,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND has_column_privilege(c.relowner, c.oid, a.attnum, 'UPDATE') ORDER BY a.attnum) AS columns
  FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname`;

interface OwnedTable {
  readonly name: string;
  readonly privileges: readonly string[];
  readonly columns: readonly string[];
}

/** What a serving role needs of a table. */
interface Need {
  readonly table: string;
  readonly privileges: readonly string[];
  /** The columns that it updates, when it may not update the others. */
  readonly columns: readonly string[];
}

const ROLE = `SELECT rolsuper AS superuser, rolbypassrls AS bypasses,
    pg_has_role(rolname, current_user, 'MEMBER') AS owns FROM pg_roles WHERE rolname = $1`;
/** Erasing personal data ends with VACUUM, which a role that owns nothing may run since PostgreSQL 17. */
const MAINTAIN_SINCE = 170_000;

/**
 * The statements that give a role what a server needs, and take everything else from it; to be run in one transaction,
 * as the owner. `erased`: the tables that are vacuumed when personal data was erased.
 * @throws DatabaseServerError when there is no such role, or when it could do more than is given to it.
 */
export async function grantStatements(
  client: SchemaClient,
  role: string,
  erased: readonly string[],
): Promise<readonly string[]> {
  await requireOrdinaryRole(client, role);
  const { rows } = await client.query(`SELECT current_schema() AS schema, current_database() AS database,
    current_setting('server_version_num')::int AS version`);
  const { schema, database, version } = rows[0] as { schema: string; database: string; version: number };
  const to = quoted(role);
  const grants = (await needs(client)).flatMap(({ table, privileges, columns }) => [
    `GRANT ${privileges.join(', ')} ON ${table} TO ${to}`,
    ...(columns.length === 0 ? [] : [`GRANT UPDATE (${columns.map(quoted).join(', ')}) ON ${table} TO ${to}`]),
  ]);
  return [
    `GRANT CONNECT ON DATABASE ${quoted(database)} TO ${to}`,
    `GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${to}`,
    `REVOKE ALL ON ALL TABLES IN SCHEMA ${quoted(schema)} FROM ${to}`,
    ...grants,
    ...(version < MAINTAIN_SINCE ? [] : [`GRANT MAINTAIN ON ${erased.join(', ')} TO ${to}`]),
  ];
}

/** Gives a role what a server needs. Returns the statements. @throws as `grantStatements`. */
export async function grantServing(client: SchemaClient, role: string, erased: readonly string[]) {
  const statements = await grantStatements(client, role, erased);
  await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
  return statements;
}

/** Checks that the connected role has what a server needs. @throws DatabaseServerError that names the command. */
export async function requireServingRights(client: SchemaClient, role: string): Promise<void> {
  const lacking: string[] = [];
  for (const { table, privileges, columns } of await needs(client)) {
    const { rows } = await client.query(
      `SELECT bool_and(has_table_privilege($1, p)) AND
        (SELECT COALESCE(bool_and(has_column_privilege($1, c, 'UPDATE')), true) FROM unnest($3::text[]) c) AS has
        FROM unnest($2::text[]) p`,
      [table, privileges, columns],
    );
    if (rows[0]?.has !== true) lacking.push(table);
  }
  if (lacking.length === 0) return;
  throw new DatabaseServerError(
    `the role ${role} may not read or write as a server must: ${lacking.join(', ')}`,
    `Run as the owner of the tables: g3n-crm-mcp admin postgres migrate --grant-to ${role}`,
  );
}

async function needs(client: SchemaClient): Promise<readonly Need[]> {
  const { rows } = await client.query(OWNED);
  return (rows as unknown as readonly OwnedTable[]).map(needOf);
}

function needOf({ name, privileges, columns }: OwnedTable): Need {
  const table = quoted(name);
  const own = COLUMNS_ONLY[name];
  if (own !== undefined) return { table, privileges: ['SELECT'], columns: own };
  if (READ_ONLY.includes(name)) return { table, privileges: ['SELECT'], columns: [] };
  const updates = privileges.includes('UPDATE');
  return { table, privileges: ['SELECT', ...privileges], columns: updates ? [] : columns };
}

async function requireOrdinaryRole(client: SchemaClient, role: string): Promise<void> {
  const { rows } = await client.query(ROLE, [role]);
  const [found] = rows as unknown as readonly { superuser: boolean; bypasses: boolean; owns: boolean }[];
  if (found === undefined) {
    throw new DatabaseServerError(
      `there is no role ${role}`,
      `Make it: CREATE ROLE ${quoted(role)} LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS;`,
    );
  }
  const { superuser, bypasses, owns } = found;
  if (!superuser && !bypasses && !owns) return;
  const power = superuser
    ? 'is a superuser'
    : bypasses
      ? 'has BYPASSRLS'
      : 'owns the tables, or is a member of their owner';
  throw new DatabaseServerError(
    `the role ${role} ${power}: what is granted to it does not bound it`,
    'Name an ordinary role for the servers, and another one that owns the database.',
  );
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
