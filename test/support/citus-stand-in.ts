/**
 * A stand-in for Citus, which cannot be had here: views and functions with the names and arguments of Citus's, which
 * refuse what Citus refuses and record what they were asked, and distribute nothing. They prove the order and the
 * atomicity of the statements of distribution.ts, and which settings calls use; not that Citus takes them.
 */
import pg from 'pg';

/** `public` before `pg_catalog`, so that the stand-in's pg_extension and set_config are found first. */
const SEARCH_PATH = 'options=-c%20search_path%3Dpublic,pg_catalog';

/** The URL of sessions that meet the stand-in. */
export function standInUrl(url: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${SEARCH_PATH}`;
}

const CALLS = `
CREATE SCHEMA citus_stand_in;
CREATE TABLE citus_stand_in.call (no BIGINT GENERATED ALWAYS AS IDENTITY, name TEXT, args TEXT[]);
CREATE TABLE citus_stand_in.placed (table_name REGCLASS PRIMARY KEY, citus_table_type TEXT, distribution_column TEXT);
CREATE VIEW pg_extension AS SELECT extname::text, extversion FROM pg_catalog.pg_extension
  UNION ALL SELECT 'citus', '14.0-1';
CREATE VIEW citus_tables AS SELECT * FROM citus_stand_in.placed;`;

/** As EnsureRelationHasNoTriggers does; and TableEmpty, which row-level security would blind. */
const DISTRIBUTE = `
CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text,
  distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = table_name AND NOT tgisinternal) THEN
    RAISE 'cannot distribute relation "%" because it has triggers', table_name;
  END IF;
  IF (SELECT relforcerowsecurity FROM pg_class WHERE oid = table_name) THEN
    RAISE 'the stand-in: rows of "%" would be left behind', table_name;
  END IF;
  IF colocate_with <> 'none' AND to_regclass(colocate_with) NOT IN (SELECT p.table_name FROM citus_stand_in.placed p) THEN
    RAISE 'relation % is not distributed', colocate_with;
  END IF;
  IF current_setting('citus.multi_shard_modify_mode', true) IS DISTINCT FROM 'sequential' THEN
    RAISE 'cannot open new connections after the first modification command within a transaction';
  END IF;
  INSERT INTO citus_stand_in.placed VALUES (table_name, 'distributed', distribution_column);
  INSERT INTO citus_stand_in.call (name, args)
    VALUES ('create_distributed_table', ARRAY[table_name::text, distribution_column, colocate_with]);
END $$;
CREATE FUNCTION truncate_local_data_after_distributing_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF table_name NOT IN (SELECT p.table_name FROM citus_stand_in.placed p) THEN
    RAISE 'supplied parameter is not a distributed relation';
  END IF;
  IF NOT has_table_privilege(table_name, 'TRUNCATE') THEN
    RAISE 'permission denied for table %', table_name;
  END IF;
  INSERT INTO citus_stand_in.call (name, args) VALUES ('truncate_local_data', ARRAY[table_name::text]);
END $$;`;

/** Settings made by set_config stay on the coordinator; a generic plan is not routed. */
const SETTINGS = `
CREATE FUNCTION set_config(name text, value text, is_local boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF name LIKE 'g3n.%' THEN RAISE 'the stand-in: % does not reach the workers', name; END IF;
  IF name = 'plan_cache_mode' THEN RAISE 'could not create distributed plan'; END IF;
  RETURN pg_catalog.set_config(name, value, is_local);
END $$;`;

/** Installs the stand-in in a database, as the owner of its tables. */
export async function installStandIn(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(CALLS + DISTRIBUTE + SETTINGS).finally(() => client.end());
}
