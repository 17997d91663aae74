/**
 * Distributes the tables of orgs over the machines of a Citus cluster, by the code of the org. All that belongs to an
 * org is then on one machine, and each statement of a call is sent to it whole. Written after Citus's documentation and
 * source, and not run on Citus: see docs/postgres.md.
 */
import { lockSchema, requirePostgresSchema } from './migrations/migrate-postgres.js';
import type { SchemaClient } from './schema-client.js';
import { DatabaseServerError } from './server-error.js';

/** Tables that stay on the coordinator, and why. No statement of a call joins them to a distributed one. */
export const COORDINATOR_TABLES: Readonly<Record<string, string>> = {
  org: 'looked up with a credential, before the org of a call is known',
  principal: 'a user may be a member of several orgs',
  membership: 'looked up with a credential, in one statement with org',
  session: 'looked up before the org is known',
  api_key: 'looked up before the org is known',
  server_key: 'one for the database',
  derived_data: 'versions of rules, for the whole database',
  schema_migration: 'for the whole database',
  rate_limit: 'a caller or address may use several orgs',
  own_group: 'one for the database',
  database_group: 'for all databases of the groups',
  org_directory: 'looked up to know in which group an org is',
  org_home: 'looked up to know whether an org is here',
  oauth_org: 'looked up to know the org of a token',
};
const DISTRIBUTION_COLUMN = 'orgcode';
/** The table that the others are placed with. */
const FIRST = 'customer';
/** The oldest version whose documentation was read. */
const OLDEST_CITUS = 13;

/** One table, as `distributionOf` found it. */
interface TableState {
  readonly name: string;
  readonly triggers: readonly string[];
  /** What Citus says of the table; null when it does not know it. */
  readonly kind: string | null;
  readonly column: string | null;
}

export interface Distribution {
  readonly already: readonly string[];
  readonly coordinator: readonly string[];
  /** What distributes the other tables, in order, in one transaction. */
  readonly statements: readonly string[];
  /** The tables that these statements distribute. */
  readonly pending: readonly string[];
  /** Why they cannot be run here; undefined when they can. */
  readonly missing: DatabaseServerError | undefined;
}

/** Finds out what is to be done. Changes nothing. @throws DatabaseServerError when the schema is not this version's. */
export async function distributionOf(client: SchemaClient): Promise<Distribution> {
  await requirePostgresSchema(client);
  const facts = await factsOf(client);
  const tables = await tablesOf(client, facts.installed !== null);
  const isOwned = ({ name }: TableState) => COORDINATOR_TABLES[name] === undefined;
  const owned = tables.filter(isOwned).sort((a, b) => Number(b.name === FIRST) - Number(a.name === FIRST));
  const [already, pending] = [owned.filter(isPlaced), owned.filter((table) => !isPlaced(table))];
  const names = (list: readonly TableState[]) => list.map(({ name }) => name);
  return {
    already: names(already),
    coordinator: names(tables.filter((table) => !isOwned(table))),
    pending: names(pending),
    statements:
      pending.length === 0 ? [] : [SEQUENTIAL, ...pending.flatMap((table) => statementsOf(table, facts.role))],
    missing: missingOf(facts, tables),
  };
}

/**
 * Runs the statements of `distributionOf` in one transaction, while no migration runs. Servers must be stopped.
 * @throws DatabaseServerError for what is missing; what Citus rejects. Nothing is done then.
 */
export async function distribute(client: SchemaClient): Promise<Distribution> {
  await client.query('BEGIN');
  try {
    await lockSchema(client);
    const found = await distributionOf(client);
    if (found.missing !== undefined) throw found.missing;
    for (const statement of found.statements) await client.query(statement);
    await client.query('COMMIT');
    return found;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // the connection may be gone; the first error says why
    throw error;
  }
}

/** One connection to each worker: later statements of the transaction use what earlier ones made. */
const SEQUENTIAL = `SET LOCAL citus.multi_shard_modify_mode = 'sequential'`;

/**
 * Distributed tables take no triggers: append-only tables are protected by privileges alone then. While row-level
 * security binds the owner, Citus would take the table for empty and leave its rows behind; nor could it copy them.
 * What it copies it leaves on the coordinator, too, where nothing would erase it.
 */
function statementsOf({ name, triggers }: TableState, role: string): readonly string[] {
  const [table, owner] = [quoted(name), quoted(role)];
  const group = name === FIRST ? 'none' : FIRST;
  return [
    ...triggers.map((trigger) => `DROP TRIGGER ${quoted(trigger)} ON ${table}`),
    `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`,
    `GRANT TRUNCATE ON ${table} TO ${owner}`,
    `SELECT create_distributed_table('${name}', '${DISTRIBUTION_COLUMN}', colocate_with => '${group}')`,
    `SELECT truncate_local_data_after_distributing_table('${name}')`,
    `REVOKE TRUNCATE ON ${table} FROM ${owner}`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
  ];
}

function isPlaced({ kind, column }: TableState): boolean {
  return kind === 'distributed' && column === DISTRIBUTION_COLUMN;
}

interface Facts {
  readonly database: string;
  readonly role: string;
  /** The version that the server could create; null without Citus. */
  readonly available: string | null;
  readonly installed: string | null;
  /** Tables of others. */
  readonly foreign: readonly string[];
  /** Sessions of servers that are open. */
  readonly serving: number;
}

const FACTS = `SELECT current_database() AS database, current_user AS role,
    (SELECT default_version FROM pg_available_extensions WHERE name = 'citus') AS available,
    (SELECT extversion FROM pg_extension WHERE extname = 'citus') AS installed,
    ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
      AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname) AS foreign,
    (SELECT COUNT(*)::int FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND starts_with(application_name, 'g3n-crm-mcp')) AS serving`;

async function factsOf(client: SchemaClient): Promise<Facts> {
  return (await client.query(FACTS)).rows[0] as unknown as Facts;
}

async function tablesOf(client: SchemaClient, hasCitus: boolean): Promise<readonly TableState[]> {
  const citus = hasCitus
    ? 'LEFT JOIN citus_tables p ON p.table_name = c.oid'
    : 'CROSS JOIN (SELECT NULL AS citus_table_type, NULL AS distribution_column) p';
  const { rows } = await client.query(`SELECT c.relname AS name, p.citus_table_type AS kind,
      p.distribution_column AS column, ARRAY(SELECT tgname::text FROM pg_trigger
        WHERE tgrelid = c.oid AND NOT tgisinternal ORDER BY tgname) AS triggers
    FROM pg_class c ${citus}
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname`);
  return rows as unknown as readonly TableState[];
}

function missingOf(facts: Facts, tables: readonly TableState[]): DatabaseServerError | undefined {
  const { database, role, available, installed, foreign, serving } = facts;
  if (available === null && installed === null)
    return new DatabaseServerError(
      'this server has no Citus: the extension is not available',
      `Install it on the coordinator and all workers, add it to shared_preload_libraries, restart, and run CREATE EXTENSION citus.`,
    );
  if (installed === null)
    return new DatabaseServerError(
      `the database ${database} has no Citus, though the server has version ${available}`,
      `As a superuser: CREATE EXTENSION citus, here and on the workers, and SELECT citus_add_node('host', 5432) for each worker.`,
    );
  if (Number.parseInt(installed, 10) < OLDEST_CITUS)
    return new DatabaseServerError(`Citus ${installed} is too old`, `Upgrade it to ${OLDEST_CITUS} or newer.`);
  if (foreign.length > 0)
    return new DatabaseServerError(
      `the role ${role} does not own the tables: ${foreign.join(', ')}`,
      'Run this as the role that ran admin postgres migrate.',
    );
  const other = tables.find(
    (table) => table.kind !== null && !(isPlaced(table) && COORDINATOR_TABLES[table.name] === undefined),
  );
  if (other !== undefined)
    return new DatabaseServerError(
      `the table ${other.name} is a ${other.kind} table of Citus already, by ${other.column ?? 'no column'}`,
      `Undo that first: SELECT undistribute_table('${other.name}').`,
    );
  if (serving > 0 && !tables.filter(({ name }) => COORDINATOR_TABLES[name] === undefined).every(isPlaced))
    return new DatabaseServerError(
      `${serving} sessions of servers are open`,
      'Stop the servers first: they learn when they start whether the tables are distributed.',
    );
  return undefined;
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
