/** Schema, identity: orgs, principals and their credentials, the server key, versions of derived data. */
import { collated, ownedByOrg } from './table-rules.js';

/** Only memberships belong to an org: credentials are looked up before the org of a call is known. */
export const IDENTITY_TABLES = collated(`
CREATE TABLE org (
  orgcode TEXT PRIMARY KEY,
  status TEXT NOT NULL CHECK (status IN ('verified', 'unverified', 'suspended')),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE principal (
  principal_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('user', 'service_account')),
  name TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX principal_user_name ON principal (name) WHERE kind = 'user';
CREATE TABLE membership (
  orgcode TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  roles TEXT NOT NULL,
  owner SMALLINT NOT NULL CHECK (owner IN (0, 1)),
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (orgcode, principal_id)
);
${ownedByOrg('membership')}
-- fillfactor: expires_at moves with use
CREATE TABLE session (
  credential_hash TEXT PRIMARY KEY,
  principal_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  ttl_seconds BIGINT NOT NULL,
  expires_at TEXT NOT NULL,
  created_at TEXT NOT NULL
) WITH (fillfactor = 90);
CREATE TABLE api_key (
  credential_hash TEXT PRIMARY KEY,
  orgcode TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL UNIQUE,
  revoked_at TEXT,
  created_at TEXT NOT NULL
);
CREATE TABLE server_key (key_check TEXT PRIMARY KEY);
-- two servers that start at once cannot each store the key of their own
CREATE UNIQUE INDEX server_key_single ON server_key ((true));
CREATE TABLE derived_data (
  name TEXT PRIMARY KEY,
  version BIGINT NOT NULL,
  built_at TEXT NOT NULL
);`);
