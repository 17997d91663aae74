/** The rules that tables of PostgreSQL share: collation, row-level security, append-only tables. */

/** A script whose texts compare byte by byte, as in SQLite: each `TEXT` becomes `TEXT COLLATE "C"`. */
export function collated(script: string): string {
  return script.replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"');
}

/**
 * The second wall between tenants: a transaction sees and writes the rows of the org that it has set, and without one
 * no row. TRUNCATE passes by row-level security, so that nobody may.
 */
export function ownedByOrg(...tables: readonly string[]): string {
  return tables
    .map(
      (table) => `
ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;
CREATE POLICY ${table}_of_org ON ${table}
  USING (orgcode = current_setting('g3n.orgcode', true)) WITH CHECK (orgcode = current_setting('g3n.orgcode', true));
REVOKE TRUNCATE ON ${table} FROM CURRENT_USER;`,
    )
    .join('');
}

/** The function behind the triggers of `appendOnlyTable`. */
export const APPEND_ONLY_FUNCTION = `
CREATE FUNCTION reject_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;`;

/** No UPDATE, DELETE or TRUNCATE: the owner has no right to them, and a trigger rejects who took it back. */
export function appendOnlyTable(...tables: readonly string[]): string {
  return tables
    .map(
      (table) => `
REVOKE UPDATE, DELETE, TRUNCATE ON ${table} FROM CURRENT_USER;
CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
  FOR EACH STATEMENT EXECUTE FUNCTION reject_change();`,
    )
    .join('');
}
