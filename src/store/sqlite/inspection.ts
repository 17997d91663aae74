/**
 * Inspects a database file for the operator, without changing it: versions, health, and whether the key belongs to it.
 */
import { statSync } from 'node:fs';
import { keyFileWarning } from '../../database-file/key-permissions.js';
import { type KeyFileState, keyFileState } from '../../secrets/keys.js';
import { all, one, type Steps } from '../engine/step.js';
import { COPY_PROGRESS } from '../engine/stored-tables.js';
import { NEWEST_SCHEMA, schemaVersion } from './migrations/migrate.js';
import { openSqlite } from './sqlite-driver.js';

export interface Inspection {
  readonly sqlite_version: string;
  readonly schema_version: number;
  readonly newest_schema: number;
  /** The result of SQLite's own check; `ok` when the file is intact. */
  readonly quick_check: string;
  readonly orgs: number;
  /** Whether a copy into the file has begun and not ended: servers refuse it. */
  readonly unfinished_copy: boolean;
  /** Whether other users of this machine may read the file. */
  readonly readable_by_others: boolean;
  readonly key: KeyFileState;
  /** Set when other users of this machine may use the key. */
  readonly key_warning: string | undefined;
}

/** Inspects an existing database. @throws Error when the file cannot be opened as a database. */
export function inspectStore(path: string, keyPath: string = `${path}.key`): Inspection {
  const driver = openSqlite(path);
  try {
    const version = schemaVersion(driver);
    return {
      ...driver.read(() => healthOf(version)),
      schema_version: version,
      newest_schema: NEWEST_SCHEMA,
      unfinished_copy: driver.read(() => driver.dialect.catalogue.has(COPY_PROGRESS)),
      readable_by_others: (statSync(path).mode & 0o077) !== 0,
      key: keyFileState(
        keyPath,
        driver.read(() => keyCheck(version)),
      ),
      key_warning: keyFileWarning(keyPath),
    };
  } finally {
    void driver.close();
  }
}

function* healthOf(version: number): Steps<Pick<Inspection, 'sqlite_version' | 'quick_check' | 'orgs'>> {
  const library = yield* one<{ version: string }>('SELECT sqlite_version() AS version');
  const check = yield* all<{ quick_check: string }>('PRAGMA quick_check(1)');
  const orgs = version === 0 ? undefined : yield* one<{ count: number }>('SELECT COUNT(*) AS count FROM org');
  return {
    sqlite_version: library?.version ?? 'unknown',
    quick_check: check[0]?.quick_check ?? 'unknown',
    orgs: orgs?.count ?? 0,
  };
}

/** The check value of the server key; undefined when the database has none yet. */
export function* keyCheck(version: number): Steps<string | undefined> {
  if (version === 0) return undefined;
  return (yield* one<{ key_check: string }>('SELECT key_check FROM server_key LIMIT 1'))?.key_check;
}
