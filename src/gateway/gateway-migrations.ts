/** The schema of the gateway database, as an ordered list of forward-only migrations. */
import { createHash } from 'node:crypto';
import { DatabaseFileError } from '../database-file/open-error.js';
import type { GatewayConnection } from './gateway-db.js';

/** Never edit a released migration: every database file holds its checksum. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE server_key (one INTEGER PRIMARY KEY CHECK (one = 1), key_check TEXT NOT NULL) STRICT;
CREATE TABLE held_credential (
  caller_hash TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,
  orgcode TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('session', 'api_key')),
  sealed TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at TEXT NOT NULL,
  replaced_at TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE receipt (
  receipt_no INTEGER PRIMARY KEY,
  orgcode TEXT NOT NULL,
  scope_mac TEXT NOT NULL,
  request_mac TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('sent', 'unknown', 'done', 'refused')),
  sender TEXT NOT NULL,
  request_id TEXT NOT NULL,
  sent_ms INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  personal INTEGER NOT NULL CHECK (personal IN (0, 1)),
  answer TEXT,
  UNIQUE (orgcode, scope_mac)
) STRICT;
CREATE INDEX receipt_by_expiry ON receipt (expires_ms);
CREATE INDEX receipt_personal ON receipt (orgcode, receipt_no) WHERE personal = 1;`,
  `ALTER TABLE held_credential ADD COLUMN for_tokens INTEGER NOT NULL DEFAULT 0 CHECK (for_tokens IN (0, 1));
CREATE UNIQUE INDEX held_for_tokens ON held_credential (orgcode) WHERE for_tokens = 1;`,
];

const MIGRATION_TABLE = `CREATE TABLE IF NOT EXISTS schema_migration (
  version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT`;

/**
 * Migrates the database to this version's schema in one transaction. An interrupted migration leaves no trace. When two
 * processes start together, the second waits and finds nothing to do. Close the connection after an error.
 * @throws Error when the file was made by a newer version, or an applied migration was edited.
 */
export function migrateGatewayDb(connection: GatewayConnection, now: string): void {
  connection.script('BEGIN IMMEDIATE');
  connection.script(MIGRATION_TABLE);
  const applied = countApplied(connection);
  MIGRATIONS.slice(applied).forEach((sql, index) => {
    connection.script(sql);
    const version = applied + index + 1;
    connection.run('INSERT INTO schema_migration VALUES (?, ?, ?)', version, checksum(sql), now);
  });
  connection.script('COMMIT');
}

function countApplied(connection: GatewayConnection): number {
  const rows = connection.all<{ checksum: string }>(
    'SELECT checksum FROM schema_migration ORDER BY version LIMIT 1000',
  );
  const [held] = connection.all(`SELECT 1 FROM sqlite_master WHERE name = 'held_credential' LIMIT 1`);
  if (rows.length > 0 && held === undefined)
    throw new DatabaseFileError('this is not the database of a gateway', 'Correct --gateway-db.');
  if (rows.length > MIGRATIONS.length) {
    throw new Error(`the gateway database is of schema ${rows.length}, made by a newer g3n-crm-mcp: upgrade`);
  }
  const altered = rows.findIndex((row, index) => row.checksum !== checksum(MIGRATIONS[index] ?? ''));
  if (altered !== -1) throw new Error(`schema change ${altered + 1} is not the one applied`);
  return rows.length;
}

function checksum(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}
