/** What a migrated PostgreSQL database says of itself in pg_catalog, for tests of the schema. */
import type pg from 'pg';

/** The tables that belong to no org, and why. All others have the rows of an org. */
export const GLOBAL_TABLES: Readonly<Record<string, string>> = {
  org: 'is looked up to know that an org exists',
  principal: 'a user or service account may be a member of several orgs',
  session: 'is looked up before the org is known; a user has it in all orgs',
  api_key: 'is looked up before the org is known',
  server_key: 'one for the database',
  derived_data: 'versions of rules, for the whole database',
  schema_migration: 'for the whole database',
  rate_limit: 'a caller or address may use several orgs',
  own_group: 'one for the database',
  database_group: 'for all databases of the groups',
  org_directory: 'is looked up to know in which group an org is',
  org_home: 'is looked up to know whether an org is here',
  oauth_org: 'is looked up to know the org of a token',
};

export interface CatalogueTable {
  readonly name: string;
  readonly row_security: boolean;
  readonly forced: boolean;
  readonly fillfactor: number;
}

export interface CatalogueColumn {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
  readonly required: boolean;
  /** `a` for GENERATED ALWAYS AS IDENTITY, `d` for BY DEFAULT, otherwise empty. */
  readonly identity: string;
  readonly default: string | null;
}

export interface CatalogueIndex {
  readonly table: string;
  readonly name: string;
  readonly unique: boolean;
  readonly primary: boolean;
  readonly conditional: boolean;
  /** Key columns only; an expression is an empty name. */
  readonly columns: readonly string[];
}

export interface CatalogueTrigger {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

const OURS = `relnamespace = current_schema()::regnamespace`;

export async function tablesOf(client: pg.Client): Promise<readonly CatalogueTable[]> {
  const { rows } = await client.query(`SELECT relname AS name, relrowsecurity AS row_security,
      relforcerowsecurity AS forced,
      COALESCE((SELECT option_value::int FROM pg_options_to_table(reloptions) WHERE option_name = 'fillfactor'), 100)
        AS fillfactor
    FROM pg_class WHERE ${OURS} AND relkind = 'r' ORDER BY relname`);
  return rows;
}

export async function columnsOfTables(client: pg.Client): Promise<readonly CatalogueColumn[]> {
  const { rows } = await client.query(`SELECT c.relname AS table, a.attname AS name,
      format_type(a.atttypid, a.atttypmod) AS type, l.collname AS collation, a.attnotnull AS required,
      a.attidentity AS identity, pg_get_expr(d.adbin, d.adrelid) AS default
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.${OURS} AND c.relkind = 'r' ORDER BY c.relname, a.attnum`);
  return rows;
}

export async function indexesOf(client: pg.Client): Promise<readonly CatalogueIndex[]> {
  const { rows } = await client.query(`SELECT t.relname AS table, i.relname AS name, x.indisunique AS unique,
      x.indisprimary AS primary, x.indpred IS NOT NULL AS conditional,
      ARRAY(SELECT COALESCE(a.attname::text, '') FROM unnest(x.indkey) WITH ORDINALITY AS k (attnum, place)
        LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
        WHERE k.place <= x.indnkeyatts ORDER BY k.place) AS columns
    FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE t.${OURS} AND t.relkind = 'r' ORDER BY t.relname, i.relname`);
  return rows;
}

export async function triggersOf(client: pg.Client): Promise<readonly CatalogueTrigger[]> {
  const { rows } = await client.query(`SELECT c.relname AS table, t.tgname AS name,
      pg_get_triggerdef(t.oid) AS definition
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.${OURS} AND NOT t.tgisinternal AND t.tgenabled = 'O' ORDER BY c.relname, t.tgname`);
  return rows;
}

/** The org-owned tables of a list of names. */
export function ofOrgs<T extends { readonly table: string }>(rows: readonly T[]): readonly T[] {
  return rows.filter(({ table }) => GLOBAL_TABLES[table] === undefined);
}
