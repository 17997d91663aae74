/**
 * Schema: which org a tenant or a client of an identity provider belongs to. The rows belong to no org: an org is found
 * in them before it is known. Of several groups, the first one has them.
 */
import { collated } from './table-rules.js';

export const OAUTH_ORG_TABLE = collated(`
CREATE TABLE oauth_org (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  orgcode TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT,
  PRIMARY KEY (kind, value)
);`);
