/** Schema, seventh part: which org a tenant or a client of an identity provider belongs to. */
export const OAUTH_ORGS = `
CREATE TABLE oauth_org (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  orgcode TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT,
  PRIMARY KEY (kind, value)
) WITHOUT ROWID;`;
