/**
 * Schema, groups of databases that share the orgs among them: which group this database is, the directory of the first
 * group, and where each org is at home. A database that is no group has no rows in these tables.
 */
import { collated } from './table-rules.js';

/**
 * They belong to no org: an org is looked up in them before it is known to be here. `org_directory` and
 * `database_group` have rows in the first group only.
 */
const TABLES = collated(`
CREATE TABLE own_group (name TEXT PRIMARY KEY);
CREATE UNIQUE INDEX own_group_single ON own_group ((true));
CREATE TABLE database_group (name TEXT PRIMARY KEY, added_at TEXT NOT NULL);
CREATE TABLE org_directory (
  orgcode TEXT PRIMARY KEY,
  group_name TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  state TEXT NOT NULL,
  to_group TEXT
);
CREATE TABLE org_home (
  orgcode TEXT PRIMARY KEY,
  epoch BIGINT NOT NULL,
  state TEXT NOT NULL,
  copied_to TEXT
);`);

/**
 * Fails unless the org is at home here. A write locks the home until it ends; the statement after the lock sees what
 * was committed meanwhile. Reads go on while the org prepares to leave: nothing changes it then.
 */
const ENTER = `
CREATE FUNCTION enter_org_home(org TEXT, writes BOOLEAN) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  found TEXT;
BEGIN
  IF writes THEN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('org_home ' || org, 0));
  END IF;
  SELECT state INTO found FROM org_home WHERE orgcode = org;
  IF found = 'home' OR (found = 'leaving' AND NOT writes) THEN
    RETURN;
  END IF;
  RAISE EXCEPTION 'the org is not at home in this database' USING ERRCODE = 'G3N01';
END $$;`;

/** Rows of append-only tables may be deleted where the org is not at home any more: what is there is left over. */
const LEFT_OVER = `
CREATE FUNCTION org_is_left_over() RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM org_home WHERE orgcode = current_setting('g3n.orgcode', true) AND state = 'gone')
$$;
CREATE OR REPLACE FUNCTION reject_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND org_is_left_over() THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION receipt_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.expires_at > COALESCE((SELECT forgotten_until FROM receipt_horizon WHERE orgcode = OLD.orgcode), '')
    AND NOT org_is_left_over() THEN
    RAISE EXCEPTION 'receipt is kept until it expires' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END $$;`;

export const GROUP_TABLES = [TABLES, ENTER, LEFT_OVER].join('\n');
